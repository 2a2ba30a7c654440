//! Values of expressions as JSON.

use minijinja::Value;
use minijinja::value::ValueKind;
use serde_json::{Map, Number};

use super::filters::Exact;

/// Deeper ones are no data that anybody works with.
const DEEPEST: usize = 128;

/// The error says what is no JSON.
pub(super) fn of(value: &Value) -> Result<serde_json::Value, String> {
    inner(value, DEEPEST)
}

fn inner(value: &Value, depth: usize) -> Result<serde_json::Value, String> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(format!("it nests more than {DEEPEST} deep"));
    };
    Ok(match value.kind() {
        ValueKind::None => serde_json::Value::Null,
        ValueKind::Bool => serde_json::Value::Bool(value.is_true()),
        ValueKind::Number => serde_json::Value::Number(number(value)?),
        ValueKind::String => value.as_str().unwrap_or_default().into(),
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter().map_err(|error| error.to_string())?;
            let items = items.map(|item| inner(&item, depth));
            serde_json::Value::Array(items.collect::<Result<_, _>>()?)
        }
        ValueKind::Map => {
            let mut members = Map::new();
            for key in value.try_iter().map_err(|error| error.to_string())? {
                let member = value.get_item(&key).map_err(|error| error.to_string())?;
                members.insert(name(&key)?, inner(&member, depth)?);
            }
            serde_json::Value::Object(members)
        }
        ValueKind::Plain => match value.downcast_object_ref::<Exact>() {
            Some(exact) => exact.0.to_string().into(),
            None => return Err("it holds what is no JSON".to_owned()),
        },
        ValueKind::Undefined => return Err("a part of it is not there".to_owned()),
        _ => return Err("it holds what is no JSON".to_owned()),
    })
}

/// Into a text: nothing for null, lists and maps as JSON.
pub(super) fn push_text(value: &Value, text: &mut String) -> Result<(), String> {
    match value.kind() {
        ValueKind::None => {}
        ValueKind::String => text.push_str(value.as_str().unwrap_or_default()),
        _ => match of(value)? {
            serde_json::Value::String(string) => text.push_str(&string),
            json => text.push_str(&json.to_string()),
        },
    }
    Ok(())
}

fn name(key: &Value) -> Result<String, String> {
    match key.kind() {
        ValueKind::String => Ok(key.as_str().unwrap_or_default().to_owned()),
        ValueKind::Number | ValueKind::Bool => Ok(key.to_string()),
        _ => Err("a key of a map is no text".to_owned()),
    }
}

fn number(value: &Value) -> Result<Number, String> {
    if let Some(int) = value.as_i64().filter(|_| value.is_integer()) {
        return Ok(int.into());
    }
    if value.is_integer() {
        let int =
            u64::try_from(value.clone()).map_err(|_| "an integer is beyond 64 bits".to_owned())?;
        return Ok(int.into());
    }
    let float = f64::try_from(value.clone()).ok();
    let number = float.and_then(Number::from_f64);
    number.ok_or_else(|| "a number is infinite or none".to_owned())
}
