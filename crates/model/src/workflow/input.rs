//! What a workflow is started with.

use minijinja::value::Serde;
use serde_json::Value as Json;
use serde_json::value::RawValue;
use wire::Fault;

use super::{Trigger, Workflow};
use crate::Value;

impl Workflow {
    /// JSON Schema 2020-12 of the object that starts it.
    pub fn input_schema(&self) -> Json {
        self.inputs.schema()
    }

    /// Reads the JSON object that starts it; answers the same with every input in it.
    pub fn check_input(&self, text: &str) -> Result<String, Vec<Fault>> {
        self.inputs.check((&self.name, "input"), text)
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
                    .filter(|(name, _)| self.inputs.field(name).is_some());
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
