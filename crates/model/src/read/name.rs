//! Names of models and fields: which are allowed, and why others are not.

use crate::System;

/// PostgreSQL keeps 63 bytes of a name; indexes and shadow tables add to it.
const MOST_PATH: usize = 57;
const MOST_MODEL: usize = 48;

/// Under `/api/v1/` these are routes of their own.
const ROUTES: [&str; 3] = ["tx", "call", "changes"];

/// What a query string says beside fields.
pub(crate) const PARAMETERS: [&str; 10] = [
    "order", "limit", "select", "cursor", "offset", "or", "and", "not", "all", "deleted",
];

/// What is wrong, and what to do.
pub(crate) type Wrong = (String, Option<String>);

/// A model's table and path: `FilmRole` → `film_role`.
pub fn path_of(model: &str) -> String {
    let mut path = String::with_capacity(model.len() + 4);
    for letter in model.chars() {
        if letter.is_ascii_uppercase() && !path.is_empty() {
            path.push('_');
        }
        path.push(letter.to_ascii_lowercase());
    }
    path
}

pub(super) fn check_model(name: &str) -> Result<(), Wrong> {
    let pascal = name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.bytes().all(|b| b.is_ascii_alphanumeric());
    if !pascal {
        let better = pascal_case(name);
        let hint =
            (!better.is_empty() && better != name).then(|| format!("did you mean `{better}`?"));
        return Err((
            format!("a model's name is PascalCase, as in FilmRole, not `{name}`"),
            hint,
        ));
    }
    if name.len() > MOST_MODEL {
        return Err((
            format!(
                "a model's name has at most {MOST_MODEL} letters, not {}",
                name.len()
            ),
            None,
        ));
    }
    let path = path_of(name);
    if path.len() > MOST_PATH {
        let hint = Some("use fewer capitals".to_owned());
        return Err((
            format!("the path {path} has more than {MOST_PATH} letters"),
            hint,
        ));
    }
    if ROUTES.contains(&path.as_str()) {
        return Err((
            format!("`{name}` has the path /api/v1/{path}, which is a route of the platform's own"),
            None,
        ));
    }
    if ["gantry_", "sqlite_"]
        .iter()
        .any(|prefix| path.starts_with(prefix))
        || path == "gantry"
    {
        return Err((
            format!("the table {path} would stand among the platform's own"),
            None,
        ));
    }
    Ok(())
}

fn pascal_case(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    let words = words.filter_map(|word| word.split_at_checked(1));
    let name: String = words
        .map(|(first, rest)| first.to_ascii_uppercase() + rest)
        .collect();
    name.trim_start_matches(|c: char| c.is_ascii_digit())
        .to_owned()
}

pub(super) fn check_field(name: &str) -> Result<(), Wrong> {
    if System::ALL.iter().any(|system| system.name() == name) {
        let hint = Some("leave it out: every record has it".to_owned());
        return Err((
            format!("`{name}` is a column that the platform writes"),
            hint,
        ));
    }
    if PARAMETERS.contains(&name) {
        let hint = Some(format!("call it something like `{}`", other_name(name)));
        return Err((
            format!("`{name}` is a parameter of queries, so it cannot be a field"),
            hint,
        ));
    }
    let snake = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !snake {
        let better = snake_case(name);
        let hint =
            (!better.is_empty() && better != name).then(|| format!("did you mean `{better}`?"));
        return Err((
            format!(
                "a field's name is lower case with underscores, as in birth_date, not `{name}`"
            ),
            hint,
        ));
    }
    if name.len() > MOST_PATH {
        return Err((
            format!(
                "a field's name has at most {MOST_PATH} letters, not {}",
                name.len()
            ),
            None,
        ));
    }
    Ok(())
}

fn other_name(parameter: &str) -> &'static str {
    match parameter {
        "order" => "purchase",
        "limit" => "upper_limit",
        "select" => "selected",
        "cursor" => "position",
        "offset" => "shift",
        "deleted" => "removed",
        "all" => "everything",
        _ => "condition",
    }
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !snake.is_empty() && !snake.ends_with('_') {
            snake.push('_');
        }
        snake.push(if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '_'
        });
    }
    snake
        .trim_start_matches(|c: char| !c.is_ascii_lowercase())
        .trim_end_matches('_')
        .to_owned()
}

pub(crate) fn check_role(name: &str) -> Result<(), Wrong> {
    let fits = (1..=63).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'));
    if fits {
        Ok(())
    } else {
        Err((
            format!("a role is lower-case letters, digits, - and _, not `{name}`"),
            None,
        ))
    }
}
