//! JSON Schema of one value: exactly what is read, so that a client that keeps to it is not refused.

use serde_json::{Value, json};

use crate::{Field, Kind};

/// Text that every store can hold.
pub(super) const NO_NUL: &str = "^[^\\u0000]*$";

/// JSON Schema 2020-12 of one value of the field as it is answered, null included where it may be null.
pub fn value_schema(field: &Field) -> Value {
    schema_of(field, item_schema(field))
}

/// The same of a value that is written: digits of an int may come as a text, and a decimal as a number.
pub fn input_schema(field: &Field) -> Value {
    schema_of(field, input_item_schema(field))
}

fn schema_of(field: &Field, mut one: Value) -> Value {
    if field.array {
        let mut list = json!({"type": "array", "items": one});
        bounds(&mut list, "minItems", field.min_len.map(Value::from));
        bounds(&mut list, "maxItems", field.max_len.map(Value::from));
        one = list;
    } else if field.kind == Kind::Text {
        bounds(&mut one, "minLength", field.min_len.map(Value::from));
        bounds(&mut one, "maxLength", field.max_len.map(Value::from));
    } else if field.kind == Kind::Bytes {
        // Four characters hold three bytes.
        let characters = |bytes: u32| Value::from(u64::from(bytes.div_ceil(3)) * 4);
        bounds(&mut one, "minLength", field.min_len.map(characters));
        bounds(&mut one, "maxLength", field.max_len.map(characters));
    } else if matches!(field.kind, Kind::Int | Kind::Float) || one["type"][1] == "number" {
        bounds(&mut one, "minimum", field.min.as_ref().and_then(as_number));
        bounds(&mut one, "maximum", field.max.as_ref().and_then(as_number));
    }
    if let (Kind::Decimal { .. }, Some(bounds)) = (&field.kind, decimal_bounds(field)) {
        one["description"] = json!(bounds);
    }
    if let Some(default) = &field.default {
        one["default"] = as_json(default);
    }
    if !field.required
        && let Some(kind) = one.get_mut("type")
    {
        match kind {
            Value::Array(kinds) => kinds.push(json!("null")),
            _ => *kind = json!([kind.take(), "null"]),
        }
        if let Some(Value::Array(values)) = one.get_mut("enum") {
            values.push(Value::Null);
        }
    }
    one
}

/// In words, since JSON Schema does not compare texts.
fn decimal_bounds(field: &Field) -> Option<String> {
    let bound = |word: &str, bound: &Option<crate::Value>| {
        let shown = as_json(bound.as_ref()?);
        Some(format!("{word} {}", shown.as_str().unwrap_or_default()))
    };
    let bounds = [bound("at least", &field.min), bound("at most", &field.max)];
    let bounds: Vec<_> = bounds.into_iter().flatten().collect();
    (!bounds.is_empty()).then(|| bounds.join(", "))
}

fn bounds(schema: &mut Value, key: &str, bound: Option<Value>) {
    if let Some(bound) = bound {
        schema[key] = bound;
    }
}

/// Best effort: a schema is read by tools that hold numbers as they can.
fn as_json(value: &crate::Value) -> Value {
    let mut text = Vec::new();
    value.write_json(&mut text);
    serde_json::from_slice(&text).unwrap_or(Value::Null)
}

/// A decimal's text is a number's.
fn as_number(value: &crate::Value) -> Option<Value> {
    match as_json(value) {
        Value::String(text) => serde_json::from_str(&text).ok(),
        number => Some(number),
    }
}

/// One value, or one item of an array, null and the field's bounds aside.
pub(super) fn item_schema(field: &Field) -> Value {
    match &field.kind {
        Kind::Text => json!({"type": "string", "pattern": NO_NUL}),
        Kind::Int => {
            json!({"type": "integer", "format": "int64", "minimum": i64::MIN, "maximum": i64::MAX})
        }
        Kind::Float => json!({"type": "number", "format": "double"}),
        Kind::Decimal { precision, scale } => {
            let least = field.min.as_ref().map(as_json);
            let sign = match least.as_ref().and_then(Value::as_str) {
                Some(least) if !least.starts_with('-') => "",
                _ => "-?",
            };
            let pattern = format!("^{sign}{}$", decimal(*precision, *scale));
            json!({"type": "string", "format": "decimal", "pattern": pattern})
        }
        Kind::Bool => json!({"type": "boolean"}),
        Kind::Uuid => json!({"type": "string", "format": "uuid"}),
        Kind::Ref { model, .. } => {
            json!({"type": "string", "format": "uuid", "description": format!("The id of a {model}.")})
        }
        Kind::Date => json!({"type": "string", "format": "date"}),
        // RFC 3339's `time` has an offset, ours has none, so it may not claim that format.
        Kind::Time => {
            json!({"type": "string", "pattern": format!("^{TIME}$")})
        }
        Kind::Timestamp => json!({"type": "string", "format": "date-time"}),
        Kind::Json => json!({}),
        Kind::Bytes => {
            json!({"type": "string", "contentEncoding": "base64", "pattern": format!("^{BASE64}$")})
        }
        Kind::Enum(values) => json!({"type": "string", "enum": values}),
        Kind::Vector { dim, .. } => {
            json!({"type": "array", "items": {"type": "number", "format": "float"}, "minItems": dim, "maxItems": dim})
        }
    }
}

/// As [`item_schema`], of a value that is written or asked for.
pub(super) fn input_item_schema(field: &Field) -> Value {
    let mut one = item_schema(field);
    match &field.kind {
        // A text has no bounds that a schema could tell.
        Kind::Int if field.array || (field.min.is_none() && field.max.is_none()) => {
            one["type"] = json!(["integer", "string"]);
            one["pattern"] = json!("^-?[0-9]{1,18}$");
        }
        Kind::Decimal { precision, scale } => {
            one["type"] = json!(["string", "number"]);
            if let Some(scale) = scale.and_then(|scale| i32::try_from(scale).ok()) {
                one["multipleOf"] = match scale {
                    0 => json!(1),
                    scale => json!(10f64.powi(-scale)),
                };
            }
            let whole = precision.map(|precision| precision.saturating_sub(scale.unwrap_or(0)));
            if let Some(whole) = whole.and_then(|whole| i32::try_from(whole).ok()) {
                one["exclusiveMinimum"] = json!(-10f64.powi(whole));
                one["exclusiveMaximum"] = json!(10f64.powi(whole));
            }
        }
        _ => {}
    }
    one
}

pub(super) const TIME: &str = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?";
/// With padding, the bits that belong to no byte being zero.
pub(super) const BASE64: &str =
    "([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?";

fn decimal(precision: Option<u32>, scale: Option<u32>) -> String {
    let whole = precision.map_or("+".to_owned(), |precision| {
        let most = precision.saturating_sub(scale.unwrap_or(0));
        if most == 0 {
            "{1}".to_owned()
        } else {
            format!("{{1,{most}}}")
        }
    });
    let fraction = match (precision, scale) {
        // Without a scale the digits of both parts have one limit: the whole part's is told.
        (_, Some(0)) | (Some(_), None) => String::new(),
        (_, Some(scale)) => format!("(\\.[0-9]{{1,{scale}}})?"),
        (None, None) => "(\\.[0-9]+)?".to_owned(),
    };
    format!("[0-9]{whole}{fraction}")
}
