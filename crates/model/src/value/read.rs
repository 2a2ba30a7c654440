//! Values from JSON and from text, checked against their field.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{BadValue, Value};
use crate::{Decimal, Field, Kind, json_text};

impl Value {
    /// Reads a JSON value as one of the field's: type, bounds, lengths and enum checked. JSON null is `Null`.
    /// Numbers keep their digits; an int or decimal may also come as a string.
    pub fn from_json(field: &Field, raw: &RawValue) -> Result<Self, BadValue> {
        let text = raw.get();
        if text == "null" {
            return Ok(Self::Null);
        }
        let value = if field.array {
            let items: Vec<&RawValue> =
                serde_json::from_str(text).map_err(|_| wrong_type(field, "a list"))?;
            let items = items
                .into_iter()
                .map(|item| one_from_json(field, item.get()));
            let items = Self::Array(items.collect::<Result<_, _>>()?);
            check_length(field, &items)?;
            items
        } else {
            one_from_json(field, text)?
        };
        Ok(value)
    }

    /// Reads text (a query string's operand, a CSV cell) as a value of the field's type, bounds *not* checked, since
    /// `rating=gt.100` is a fair question. For an array field: one item of it.
    pub fn from_text(field: &Field, text: &str) -> Result<Self, BadValue> {
        match &field.kind {
            Kind::Text => plain_text(text.to_owned()),
            Kind::Json => json_text::canonical(text)
                .map(Self::Json)
                .map_err(|why| invalid(&why)),
            Kind::Bool => match text {
                "true" => Ok(Self::Bool(true)),
                "false" => Ok(Self::Bool(false)),
                _ => Err(wrong_type(field, "true or false")),
            },
            Kind::Int | Kind::Float => number(field, text),
            Kind::Vector { .. } => vector(field, text),
            _ => from_string(field, text.to_owned()),
        }
    }

    /// Whether the value is within the field's bounds.
    pub fn check_bounds(&self, field: &Field) -> Result<(), BadValue> {
        if let Self::Array(_) | Self::Text(_) | Self::Bytes(_) = self {
            return check_length(field, self);
        }
        let outside = |bound: &Option<Self>, side| {
            bound
                .as_ref()
                .is_some_and(|bound| self.compare(bound, false) == Some(side))
        };
        let shown = |value: &Option<Self>| {
            let mut text = Vec::new();
            if let Some(value) = value {
                value.write_text(&mut text);
            }
            String::from_utf8_lossy(&text).into_owned()
        };
        if outside(&field.min, std::cmp::Ordering::Less) {
            return Err(BadValue::new(
                "out_of_range",
                format!("{} is at least {}", field.name, shown(&field.min)),
            ));
        }
        if outside(&field.max, std::cmp::Ordering::Greater) {
            return Err(BadValue::new(
                "out_of_range",
                format!("{} is at most {}", field.name, shown(&field.max)),
            ));
        }
        Ok(())
    }
}

/// One value, or one item of an array.
fn one_from_json(field: &Field, text: &str) -> Result<Value, BadValue> {
    let first = text.bytes().next().unwrap_or(b' ');
    let value = match (&field.kind, first) {
        (Kind::Json, _) => {
            return json_text::canonical(text)
                .map(Value::Json)
                .map_err(|why| invalid(&why));
        }
        (_, b'n') => return Err(wrong_type(field, "a value, not null, in the list")),
        (Kind::Bool, b't') => Value::Bool(true),
        (Kind::Bool, b'f') => Value::Bool(false),
        (Kind::Vector { .. }, b'[') => vector(field, text)?,
        (Kind::Int | Kind::Float, b'-' | b'0'..=b'9') => number(field, text)?,
        (Kind::Decimal { .. }, b'-' | b'0'..=b'9') => decimal(field, text)?,
        (Kind::Float | Kind::Bool | Kind::Vector { .. }, _) => {
            return Err(wrong_type(field, expected(&field.kind)));
        }
        (_, b'"') => {
            let string = match plain_string(text) {
                Some(plain) => plain.to_owned(),
                None => serde_json::from_str(text)
                    .map_err(|_| invalid("the string has half of a surrogate pair"))?,
            };
            from_string(field, string)?
        }
        _ => return Err(wrong_type(field, expected(&field.kind))),
    };
    if field.array {
        // An array's lengths are counted in items, so an item has no bounds of its own.
        return Ok(value);
    }
    value.check_bounds(field)?;
    Ok(value)
}

/// What stands between the quotes of a JSON string that has no escapes, as most have none.
fn plain_string(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains('\\')).then_some(inner)
}

fn from_string(field: &Field, text: String) -> Result<Value, BadValue> {
    match &field.kind {
        Kind::Text => plain_text(text),
        Kind::Enum(values) if values.contains(&text) => Ok(Value::Text(text)),
        Kind::Enum(values) => {
            let detail = format!("{} is one of {}, not `{}`", field.name, values.join(", "), clip(&text));
            Err(BadValue::new("not_in_enum", detail))
        }
        Kind::Int => number(field, &text),
        Kind::Decimal { .. } => decimal(field, &text),
        Kind::Uuid | Kind::Ref { .. } => match Uuid::try_parse(&text) {
            // Braces, URNs and the form without hyphens are other spellings than the contract's.
            Ok(uuid) if text.len() == 36 => Ok(Value::Uuid(uuid)),
            _ => Err(invalid_as(field, "a UUID like 018f3c2e-7b1a-7c3d-9e4f-5a6b7c8d9e0f", &text)),
        },
        Kind::Date => date(&text).ok_or_else(|| invalid_as(field, "a date like 1998-06-12", &text)),
        Kind::Time => time(&text).ok_or_else(|| invalid_as(field, "a time like 18:30:00 or 18:30:00.123456", &text)),
        Kind::Timestamp => timestamp(&text).ok_or_else(|| {
            let expected = "a timestamp like 1998-06-12T18:30:00Z, up to microseconds, before 9999-12-30T22:00:01Z";
            invalid_as(field, expected, &text)
        }),
        Kind::Bytes => STANDARD
            .decode(&text)
            .map(Value::Bytes)
            .map_err(|_| invalid_as(field, "base64 with padding", &text)),
        Kind::Float | Kind::Bool | Kind::Json | Kind::Vector { .. } => Err(wrong_type(field, expected(&field.kind))),
    }
}

fn plain_text(text: String) -> Result<Value, BadValue> {
    if text.contains('\0') {
        Err(invalid("the character U+0000 cannot be stored"))
    } else {
        Ok(Value::Text(text))
    }
}

fn number(field: &Field, text: &str) -> Result<Value, BadValue> {
    if field.kind == Kind::Float {
        // `parse` also takes `nan`, `inf` and what overflows to it.
        let looks_like_one = text
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'));
        return match text.parse::<f64>() {
            Ok(float) if looks_like_one && float.is_finite() => Ok(Value::Float(float)),
            Ok(_) if looks_like_one => Err(BadValue::new(
                "out_of_range",
                format!("{} is beyond a float", clip(text)),
            )),
            _ => Err(invalid_as(field, "a number", text)),
        };
    }
    if let Ok(int) = text.parse::<i64>()
        && !text.starts_with('+')
    {
        return Ok(Value::Int(int));
    }
    match text.parse::<Decimal>() {
        Ok(decimal) if decimal.to_big().is_integer() => {
            match decimal.to_big().with_scale(0).to_plain_string().parse() {
                Ok(int) => Ok(Value::Int(int)),
                Err(_) => Err(BadValue::new(
                    "out_of_range",
                    format!("{} is beyond 64 bits", clip(text)),
                )),
            }
        }
        _ => Err(invalid_as(field, "a whole number", text)),
    }
}

fn decimal(field: &Field, text: &str) -> Result<Value, BadValue> {
    let decimal: Decimal = text
        .parse()
        .map_err(|_| invalid_as(field, "a decimal like \"7.50\"", text))?;
    if let Kind::Decimal { precision, scale } = &field.kind {
        let most = scale.unwrap_or(u32::MAX);
        if decimal.scale() > most {
            let detail = format!("{} has at most {most} digits after the point", field.name);
            return Err(BadValue::new("out_of_range", detail));
        }
        if let Some(precision) = precision
            && decimal.whole_digits()
                > precision.saturating_sub(scale.unwrap_or_else(|| decimal.scale()))
        {
            return Err(BadValue::new(
                "out_of_range",
                format!("{} has at most {precision} digits", field.name),
            ));
        }
    }
    Ok(Value::Decimal(decimal))
}

fn vector(field: &Field, text: &str) -> Result<Value, BadValue> {
    let items: Vec<f32> =
        serde_json::from_str(text).map_err(|_| wrong_type(field, expected(&field.kind)))?;
    match &field.kind {
        Kind::Vector { dim, .. } if usize::try_from(*dim).ok() != Some(items.len()) => {
            let detail = format!("{} has {dim} numbers, not {}", field.name, items.len());
            Err(BadValue::new("out_of_range", detail))
        }
        _ if items.iter().any(|item| !item.is_finite()) => Err(BadValue::new(
            "out_of_range",
            format!("a number of {} is beyond a 32-bit float", field.name),
        )),
        _ => Ok(Value::Vector(items)),
    }
}

fn date(text: &str) -> Option<Value> {
    let date: jiff::civil::Date = (text.len() == 10).then(|| text.parse().ok())??;
    (date.year() >= 1).then_some(Value::Date(date))
}

fn time(text: &str) -> Option<Value> {
    let spelled = text.len() >= 8
        && text.as_bytes()[2] == b':'
        && text.as_bytes()[5] == b':'
        && fraction_fits(text);
    let time: jiff::civil::Time = spelled.then(|| text.parse().ok())??;
    // Second 60 is read as 59 by the library; a value is kept as it came or refused.
    (text.get(6..8) != Some("60")).then_some(Value::Time(time))
}

fn timestamp(text: &str) -> Option<Value> {
    let bytes = text.as_bytes();
    let spelled = bytes.len() >= 20
        && bytes[4] == b'-'
        && matches!(bytes[10], b'T' | b't' | b' ')
        && !text.contains('[')
        && text.get(17..19) != Some("60")
        && fraction_fits(text.trim_end_matches(['Z', 'z']).get(..).map(cut_offset)?);
    let timestamp: jiff::Timestamp = spelled.then(|| text.parse().ok())??;
    let year = jiff::tz::Offset::UTC.to_datetime(timestamp).year();
    (1..=9999)
        .contains(&year)
        .then_some(Value::Timestamp(timestamp))
}

/// Without `+02:00` behind the time.
fn cut_offset(text: &str) -> &str {
    match text.get(19..).and_then(|rest| rest.find(['+', '-'])) {
        Some(at) => &text[..19 + at],
        None => text,
    }
}

/// At most six digits after the point: more would be narrowed silently.
fn fraction_fits(text: &str) -> bool {
    text.split_once('.')
        .is_none_or(|(_, fraction)| (1..=6).contains(&fraction.len()))
}

fn check_length(field: &Field, value: &Value) -> Result<(), BadValue> {
    if field.min_len.is_none() && field.max_len.is_none() {
        return Ok(());
    }
    let (length, unit) = match value {
        Value::Text(text) => (text.chars().count(), "characters"),
        Value::Bytes(bytes) => (bytes.len(), "bytes"),
        Value::Array(items) => (items.len(), "items"),
        _ => return Ok(()),
    };
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    match (field.min_len, field.max_len) {
        (Some(least), _) if length < least => Err(BadValue::new(
            "too_short",
            format!("{} has at least {least} {unit}, not {length}", field.name),
        )),
        (_, Some(most)) if length > most => Err(BadValue::new(
            "too_long",
            format!("{} has at most {most} {unit}, not {length}", field.name),
        )),
        _ => Ok(()),
    }
}

fn expected(kind: &Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Enum(_) => "a string",
        Kind::Int => "a whole number",
        Kind::Float => "a number",
        Kind::Decimal { .. } => "a decimal as a string, like \"7.50\"",
        Kind::Bool => "true or false",
        Kind::Uuid | Kind::Ref { .. } => "a UUID as a string",
        Kind::Date => "a date as a string, like \"1998-06-12\"",
        Kind::Time => "a time as a string, like \"18:30:00\"",
        Kind::Timestamp => "a timestamp as a string, like \"1998-06-12T18:30:00Z\"",
        Kind::Json => "any JSON value",
        Kind::Bytes => "base64 as a string",
        Kind::Vector { .. } => "a list of numbers",
    }
}

fn wrong_type(field: &Field, expected: &str) -> BadValue {
    BadValue::new("wrong_type", format!("{} must be {expected}", field.name))
}

fn invalid(why: &str) -> BadValue {
    BadValue::new("invalid_value", why)
}

fn invalid_as(field: &Field, expected: &str, text: &str) -> BadValue {
    BadValue::new(
        "invalid_value",
        format!("{} must be {expected}, not `{}`", field.name, clip(text)),
    )
}

fn clip(text: &str) -> String {
    text.chars().take(60).collect()
}
