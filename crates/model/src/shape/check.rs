//! Checks a tree against a shape: unknown keys, missing ones, values of the wrong form.

use super::{Shape, Table};
use crate::source::Source;
use crate::yaml::{Node, Yaml};
use crate::{did_you_mean, measure};

/// Tells every mistake of form. Readers may then take what has the right form and pass over the rest.
pub(crate) fn check(source: &mut Source, node: &Node, shape: &Shape, name: &str) {
    match (shape, &node.yaml) {
        (Shape::Any, _) => {}
        (Shape::Either(one, other), _) => {
            let fits = |shape: &Shape| form(shape) == form_of(node);
            check(source, node, if fits(other) { other } else { one }, name);
        }
        (Shape::Map(table) | Shape::Defined(_, table), Yaml::Map(_)) => {
            check_map(source, node, table, name);
        }
        (Shape::NamesOrSchema(_), Yaml::Map(_)) if node.get("$schema").is_some() => {}
        (Shape::Names(inner) | Shape::NamesOrSchema(inner), Yaml::Map(members)) => {
            for (key, member) in members {
                check(source, member, inner, &key.text);
            }
        }
        (Shape::List(inner), Yaml::List(items)) => {
            if items.is_empty() {
                source.mistake(node.at, format!("`{name}` is an empty list"), None);
            }
            for item in items {
                check(source, item, inner, name);
            }
        }
        _ => {
            if let Some((message, hint)) = wrong_scalar(node, shape, name) {
                source.mistake(node.at, message, hint);
            }
        }
    }
}

#[derive(PartialEq)]
enum Form {
    Scalar,
    List,
    Map,
}

fn form(shape: &Shape) -> Form {
    match shape {
        Shape::List(_) => Form::List,
        Shape::Map(_) | Shape::Defined(..) | Shape::Names(_) | Shape::NamesOrSchema(_) => Form::Map,
        _ => Form::Scalar,
    }
}

fn form_of(node: &Node) -> Form {
    match node.yaml {
        Yaml::Scalar { .. } => Form::Scalar,
        Yaml::List(_) => Form::List,
        Yaml::Map(_) => Form::Map,
    }
}

fn check_map(source: &mut Source, node: &Node, table: &'static Table, name: &str) {
    for (key, member) in node.members() {
        if let Some(known) = table.keys.iter().find(|known| known.name == key.text) {
            check(source, member, &known.shape, known.name);
        } else {
            let names = || table.keys.iter().map(|known| known.name);
            // `{ about: US dollars, at most }` is how a comma in a text without quotes looks to YAML.
            let cut = (member.is_null() && key.text.contains(' '))
                .then(|| "a text with a comma needs quotes here".to_owned());
            let hint = cut
                .or_else(|| did_you_mean(&key.text, names()))
                .unwrap_or_else(|| {
                    format!("known here: {}", names().collect::<Vec<_>>().join(", "))
                });
            source.mistake(
                key.at,
                format!("`{}` is no key of `{name}`", key.text),
                Some(hint),
            );
        }
    }
    for known in table.keys.iter().filter(|known| known.required) {
        if node.get(known.name).is_none() {
            let hint = (!table.hint.is_empty()).then(|| format!("write {}", table.hint));
            source.mistake(node.at, format!("`{name}` has no `{}`", known.name), hint);
        }
    }
}

type Wrong = (String, Option<String>);

fn wrong_scalar(node: &Node, shape: &Shape, name: &str) -> Option<Wrong> {
    let text = node.text();
    let (fits, wanted, hint) = match shape {
        Shape::Text | Shape::Scalar | Shape::Any => (text.is_some(), "text".to_owned(), None),
        Shape::Bool => (node.bool().is_some(), "true or false".to_owned(), None),
        Shape::Word(words) => {
            let fits = text.is_some_and(|text| words.contains(&text));
            // Most words fit, and need not be compared with all others.
            let hint = text.filter(|_| !fits);
            let hint = hint.and_then(|text| did_you_mean(text, words.iter().copied()));
            (fits, format!("one of {}", words.join(", ")), hint)
        }
        Shape::Count(least, most) => {
            let count = text.and_then(|text| text.parse::<u64>().ok());
            let wanted = format!("a whole number from {least} to {most}");
            (
                count.is_some_and(|count| (*least..=*most).contains(&count)),
                wanted,
                None,
            )
        }
        Shape::Duration => (
            text.and_then(measure::duration).is_some(),
            "a time like 500ms, 30s, 5m, 2h or 1d".to_owned(),
            None,
        ),
        Shape::Size => (
            text.and_then(measure::size).is_some(),
            "a size like 512B, 64KiB, 8MiB or 1GiB".to_owned(),
            None,
        ),
        Shape::List(_) => (
            false,
            "a list".to_owned(),
            Some("write it as [a, b]".to_owned()),
        ),
        Shape::Map(table) | Shape::Defined(_, table) if !table.hint.is_empty() => (
            false,
            "a map".to_owned(),
            Some(format!("write {}", table.hint)),
        ),
        Shape::Map(_) | Shape::Defined(..) | Shape::Names(_) | Shape::NamesOrSchema(_) => {
            (false, "a map".to_owned(), None)
        }
        Shape::Either(one, _) => return wrong_scalar(node, one, name),
    };
    if fits {
        return None;
    }
    let message = match &node.yaml {
        Yaml::Scalar { text, .. } if !node.is_null() => {
            let text: String = text.chars().take(60).collect();
            format!("`{name}` must be {wanted}, not `{text}`")
        }
        Yaml::Scalar { .. } => format!("`{name}` must be {wanted}, and nothing is there"),
        Yaml::List(_) => format!("`{name}` must be {wanted}, not a list"),
        Yaml::Map(_) => format!("`{name}` must be {wanted}, not a map"),
    };
    Some((message, hint))
}
