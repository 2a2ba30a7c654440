//! Values by their names, as workflows are started with and people are asked for.

use serde_json::{Map, Value as Json, json};
use wire::Fault;

use super::json_schema::JsonSchema;
use crate::{Field, Object, Value, did_you_mean, input_schema};

/// An object of mistakes would be answered by a larger one.
pub(super) const MOST_FAULTS: usize = 100;

/// What is to be given: typed as fields of models are, or as a JSON Schema says.
#[derive(Debug, Clone, Default)]
pub struct Form {
    /// With a schema its properties, each of any JSON.
    pub fields: Vec<Field>,
    pub(super) schema: Option<JsonSchema>,
}

impl Form {
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// JSON Schema 2020-12 of the object: the file's own, word for word, where it has one.
    pub fn schema(&self) -> Json {
        match &self.schema {
            Some(schema) => schema.tree().clone(),
            None => of_fields(&self.fields),
        }
    }

    /// Reads the JSON object; answers the same with every field in it: defaults filled, null where none was given. Nothing
    /// at all counts as `{}`. Faults say that `whose`, as in `rate`, has no such `what`, as in `input`.
    pub fn check(&self, (whose, what): (&str, &str), text: &str) -> Result<String, Vec<Fault>> {
        let text = if text.trim().is_empty() { "{}" } else { text };
        let given = Object::parse(text);
        let given = given.map_err(|why| {
            let detail = format!("{what}s are one object: {why}");
            vec![Fault::new("", "wrong_type", detail)]
        })?;
        let mut faults = self.unknown((whose, what), &given);
        let mut out = vec![b'{'];
        for field in &self.fields {
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
        let out = String::from_utf8(out).unwrap_or_default();
        // Without what is unknown it is still known what else is wrong.
        let is_whole = faults.iter().all(|fault| fault.code == "unknown_field");
        if let (Some(schema), true) = (&self.schema, is_whole) {
            faults.extend(schema.faults(&out, &given));
            faults.truncate(MOST_FAULTS);
        }
        if faults.is_empty() {
            Ok(out)
        } else {
            Err(faults)
        }
    }

    fn unknown(&self, (whose, what): (&str, &str), given: &Object) -> Vec<Fault> {
        let names = given.members.iter().map(|(name, _)| name);
        let unknown = names.filter(|name| self.field(name).is_none());
        let fault = |name| {
            let near = did_you_mean(name, self.fields.iter().map(|field| field.name.as_str()));
            let near = near.map_or(String::new(), |near| format!("; {near}"));
            let detail = format!("{whose} has no {what} `{name}`{near}");
            Fault::new(pointer(name), "unknown_field", detail)
        };
        unknown.take(MOST_FAULTS).map(|name| fault(name)).collect()
    }

    /// Why a constant in a file is nothing that the schema says of that field by itself.
    pub(super) fn unfit(&self, name: &str, constant: &Json) -> Option<String> {
        let schema = self.schema.as_ref().filter(|_| !constant.is_null())?;
        schema.unfit(name, constant)
    }
}

fn of_fields(fields: &[Field]) -> Json {
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

/// Of a member at the top.
pub(super) fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}
