//! Typed values by their names, as workflows are started with and people are asked for.

use serde_json::{Map, Value as Json, json};
use wire::Fault;

use crate::{Field, Object, Value, did_you_mean, input_schema};

/// An object of mistakes would be answered by a larger one.
const MOST_FAULTS: usize = 100;

/// JSON Schema 2020-12 of the object.
pub fn form_schema(fields: &[Field]) -> Json {
    let mut properties = Map::new();
    for field in fields {
        let mut schema = input_schema(field);
        if !field.about.is_empty() {
            schema["description"] = json!(field.about);
        }
        properties.insert(field.name.clone(), schema);
    }
    let required = fields
        .iter()
        .filter(|field| field.required && field.default.is_none());
    let required: Vec<_> = required.map(|field| field.name.as_str()).collect();
    let mut schema =
        json!({"type": "object", "properties": properties, "additionalProperties": false});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// Reads the JSON object; answers the same with every field in it: defaults filled, null where none was given. Nothing at
/// all counts as `{}`. Faults say that `whose`, as in `rate`, has no such `what`, as in `input`.
pub fn check_form(
    fields: &[Field],
    (whose, what): (&str, &str),
    text: &str,
) -> Result<String, Vec<Fault>> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    let given = Object::parse(text);
    let given = given.map_err(|why| {
        let detail = format!("{what}s are one object: {why}");
        vec![Fault::new("", "wrong_type", detail)]
    })?;
    let mut faults = Vec::new();
    for (name, _) in &given.members {
        if faults.len() < MOST_FAULTS && fields.iter().all(|field| field.name != *name) {
            let near = did_you_mean(name, fields.iter().map(|field| field.name.as_str()));
            let near = near.map_or(String::new(), |near| format!("; {near}"));
            let detail = format!("{whose} has no {what} `{name}`{near}");
            faults.push(Fault::new(pointer(name), "unknown_field", detail));
        }
    }
    let mut out = vec![b'{'];
    for field in fields {
        let value = given
            .get(&field.name)
            .map_or(Ok(Value::Null), |raw| Value::from_json(field, raw));
        let value = match value {
            Ok(Value::Null) if given.get(&field.name).is_none() => {
                field.default.clone().unwrap_or(Value::Null)
            }
            Ok(value) => value,
            Err(bad) => {
                faults.push(Fault::new(pointer(&field.name), bad.code, bad.detail));
                continue;
            }
        };
        if value.is_null() && field.required {
            let detail = format!("{} must be given", field.name);
            faults.push(Fault::new(pointer(&field.name), "required", detail));
        }
        if out.len() > 1 {
            out.push(b',');
        }
        crate::write_json_string(&field.name, &mut out);
        out.push(b':');
        value.write_json(&mut out);
    }
    out.push(b'}');
    if faults.is_empty() {
        Ok(String::from_utf8(out).unwrap_or_default())
    } else {
        Err(faults)
    }
}

fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}
