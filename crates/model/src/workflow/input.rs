//! What a workflow is started with.

use minijinja::value::Serde;
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json, json};
use wire::Fault;

use super::{Trigger, Workflow};
use crate::{Object, Value, did_you_mean, input_schema};

/// An input of mistakes would be answered by a larger one.
const MOST_FAULTS: usize = 100;

impl Workflow {
    /// JSON Schema 2020-12 of the object that starts it.
    pub fn input_schema(&self) -> Json {
        let mut properties = Map::new();
        for field in &self.inputs {
            let mut schema = input_schema(field);
            if !field.about.is_empty() {
                schema["description"] = json!(field.about);
            }
            properties.insert(field.name.clone(), schema);
        }
        let required = self
            .inputs
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

    /// Reads the JSON object that starts it; answers the same with every input in it: defaults filled, null where none
    /// was given. Nothing at all counts as `{}`.
    pub fn check_input(&self, text: &str) -> Result<String, Vec<Fault>> {
        let text = if text.trim().is_empty() { "{}" } else { text };
        let given = Object::parse(text);
        let given = given.map_err(|why| {
            vec![Fault::new(
                "",
                "wrong_type",
                format!("inputs are one object: {why}"),
            )]
        })?;
        let mut faults = Vec::new();
        for (name, _) in &given.members {
            if faults.len() < MOST_FAULTS && self.inputs.iter().all(|field| field.name != *name) {
                let near = did_you_mean(name, self.inputs.iter().map(|field| field.name.as_str()));
                let near = near.map_or(String::new(), |near| format!("; {near}"));
                let detail = format!("{} has no input `{name}`{near}", self.name);
                faults.push(Fault::new(pointer(name), "unknown_field", detail));
            }
        }
        let mut out = vec![b'{'];
        for field in &self.inputs {
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

    /// The object that a trigger starts it with, to be checked as any other: its `with`, else what it was given as far
    /// as that is an input. `given` is `{time}` of a tick, `{record, op}` of a change, `{body}` of a webhook.
    pub fn triggered(&self, trigger: &Trigger, given: &Json) -> Result<String, String> {
        let with = match trigger {
            Trigger::Cron { with, .. }
            | Trigger::Change { with, .. }
            | Trigger::Webhook { with, .. } => with,
        };
        if !with.is_null() {
            return with
                .render(&minijinja::Value::from(Serde(given)))
                .map(|input| input.to_string());
        }
        Ok(match (trigger, given) {
            (Trigger::Webhook { .. }, given) => given["body"].to_string(),
            (_, Json::Object(given)) => {
                let inputs = given
                    .iter()
                    .filter(|(name, _)| self.inputs.iter().any(|field| field.name == **name));
                Json::Object(
                    inputs
                        .map(|(name, value)| (name.clone(), value.clone()))
                        .collect(),
                )
                .to_string()
            }
            _ => "{}".to_owned(),
        })
    }

    /// The models whose changes start it.
    pub fn watched(&self) -> impl Iterator<Item = &str> {
        self.triggers.iter().filter_map(|trigger| match trigger {
            Trigger::Change { model, .. } => Some(model.as_str()),
            _ => None,
        })
    }

    /// Whether someone with these roles may start it. Nobody is a stranger here: who has no credential has no roles
    /// and is refused before. An admin may.
    pub fn may_start<'a>(&self, roles: impl IntoIterator<Item = &'a str>) -> bool {
        let open = self.start.is_empty() && self.run_as.is_none();
        let mut roles = roles.into_iter();
        open || roles.any(|role| role == "admin" || self.start.iter().any(|start| start == role))
    }
}

fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// Why a constant in a file is no value of that input.
pub(super) fn check_constant(field: &crate::Field, constant: &Json) -> Result<(), String> {
    if constant.is_null() {
        return if field.required {
            Err(format!("{} must not be null", field.name))
        } else {
            Ok(())
        };
    }
    let raw = RawValue::from_string(constant.to_string()).map_err(|error| error.to_string())?;
    Value::from_json(field, &raw)
        .map(|_| ())
        .map_err(|bad| bad.detail)
}
