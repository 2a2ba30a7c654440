//! What may be asked of a field: JSON Schema of its tests in a body, and the pattern of its tests in a query string.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::value::{BASE64, NO_NUL, TIME, input_item_schema};
use crate::{Field, Kind, Model};

const COMPARISONS: [&str; 7] = ["eq", "ne", "neq", "lt", "lte", "gt", "gte"];
const YEARS: &str = "(19|20)[0-9]{2}";
const DAYS: &str = "((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))";
const UUID: &str = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}";

/// Fields of one name here are asked alike, whatever model they are of: that of the type, but for enums.
pub fn filter_name(model: &Model, field: &Field) -> String {
    let mut name = match &field.kind {
        Kind::Enum(_) => return format!("{}.{}", model.name, field.name),
        Kind::Ref { .. } => Kind::Uuid.name().to_owned(),
        kind => kind.name().to_owned(),
    };
    if let Kind::Decimal { precision, scale } = &field.kind {
        for bound in [precision, scale].into_iter().flatten() {
            let _ = write!(name, "_{bound}");
        }
    }
    if field.array {
        name.push_str("_list");
    }
    name
}

/// A value that the field is to equal, or an object of operators: `{"gte": 7}`.
pub fn filter_schema(field: &Field) -> Value {
    let mut operand = input_item_schema(&field.unbounded());
    // Of which model it is the id, where it is one, is the field's to tell.
    if let (Kind::Ref { .. }, Value::Object(operand)) = (&field.kind, &mut operand) {
        operand.remove("description");
    }
    let mut tests = Map::new();
    let mut put = |names: &[&str], schema: &Value| {
        tests.extend(
            names
                .iter()
                .map(|name| ((*name).to_owned(), schema.clone())),
        );
    };
    let list = json!({"type": "array", "items": operand});
    if is_comparable(field) {
        put(&COMPARISONS, &operand);
        put(&["in"], &list);
    }
    if is_text(field) {
        put(
            &["like", "ilike"],
            &json!({"type": "string", "pattern": NO_NUL}),
        );
    }
    if field.array && field.kind.is_ordered() {
        put(&["contains", "contained_by", "overlaps"], &list);
    }
    put(&["is"], &json!({"enum": is_words(field)}));
    let plain = json!({
        "type": "object", "properties": tests, "additionalProperties": false, "minProperties": 1,
    });
    let either = |tests: Value| {
        if is_comparable(field) {
            json!({"anyOf": [operand, tests]})
        } else {
            tests
        }
    };
    let mut tests = plain.clone();
    tests["properties"]["not"] = either(plain);
    either(tests)
}

/// What may stand behind `field=`, without anchors; `quoted` where it stands between brackets, in `or=(…)`.
pub fn filter_pattern(field: &Field, quoted: bool) -> String {
    let mut tests = Vec::new();
    let (free, item) = if quoted {
        ("[A-Za-z0-9 ]*", "[A-Za-z0-9 ]+")
    } else {
        ("[^\\u0000]*", "[A-Za-z0-9 ]+")
    };
    let (operand, item) = match &field.kind {
        Kind::Text => (free.to_owned(), item.to_owned()),
        kind => {
            let operand = operand(kind);
            (operand.clone(), operand)
        }
    };
    if is_comparable(field) {
        tests.push(format!("({})\\.({operand})", COMPARISONS.join("|")));
        tests.push(format!("in\\.\\((({item})(,({item}))*)?\\)"));
    }
    if is_text(field) {
        tests.push(format!("i?like\\.{free}"));
    }
    if field.array && field.kind.is_ordered() {
        tests.push(format!("(cs|cd|ov)\\.\\{{(({item})(,({item}))*)?\\}}"));
    }
    let words = if field.kind == Kind::Bool && !field.array {
        "null|not_null|true|false"
    } else {
        "null|not_null"
    };
    tests.push(format!("is\\.({words})"));
    format!("(not\\.)?({})", tests.join("|"))
}

fn is_comparable(field: &Field) -> bool {
    !field.array && field.kind.is_ordered()
}

fn is_text(field: &Field) -> bool {
    !field.array && matches!(field.kind, Kind::Text | Kind::Enum(_))
}

fn is_words(field: &Field) -> Value {
    if field.kind == Kind::Bool && !field.array {
        json!([null, true, false, "null", "not_null", "true", "false"])
    } else {
        json!([null, "null", "not_null"])
    }
}

/// One operand as text.
fn operand(kind: &Kind) -> String {
    match kind {
        Kind::Int => "-?[0-9]{1,18}".to_owned(),
        Kind::Float => "-?[0-9]{1,15}(\\.[0-9]{1,15})?".to_owned(),
        Kind::Decimal { precision, scale } => {
            let whole = precision.map_or(18, |precision| {
                precision.saturating_sub(scale.unwrap_or(0)).max(1)
            });
            let fraction = match scale {
                Some(0) => String::new(),
                scale => format!("(\\.[0-9]{{1,{}}})?", scale.unwrap_or(18)),
            };
            format!(
                "-?[0-9]{{1,{whole}}}{}",
                if precision.is_some() && scale.is_none() {
                    ""
                } else {
                    &fraction
                }
            )
        }
        Kind::Bool => "true|false".to_owned(),
        Kind::Uuid | Kind::Ref { .. } => UUID.to_owned(),
        Kind::Date => format!("{YEARS}-{DAYS}"),
        Kind::Time => TIME.to_owned(),
        Kind::Timestamp => format!("{YEARS}-{DAYS}T{TIME}Z"),
        Kind::Bytes => BASE64.to_owned(),
        Kind::Enum(values) => values
            .iter()
            .map(|value| escaped(value))
            .collect::<Vec<_>>()
            .join("|"),
        Kind::Text | Kind::Json | Kind::Vector { .. } => "[^\\u0000]*".to_owned(),
    }
}

/// For a regular expression of ECMA 262.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_punctuation()
            && !matches!(
                c,
                '_' | '-'
                    | '"'
                    | '\''
                    | ','
                    | ':'
                    | ';'
                    | '<'
                    | '>'
                    | '='
                    | '!'
                    | '@'
                    | '#'
                    | '%'
                    | '&'
                    | '`'
                    | '~'
            )
        {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
