//! Arguments of nodes with effects outside.

use serde_json::Value;

use super::super::Reader;
use super::{Member, With};
use crate::workflow::answer::Answer;
use crate::workflow::outside::SPAN;
use crate::workflow::{OutsideNode, Template};
use crate::{did_you_mean, measure};

impl Reader<'_, '_> {
    pub(super) fn check_outside(&mut self, node: &OutsideNode, with: &With<'_>) {
        for Member {
            at,
            name,
            node: value,
            template,
        } in &with.members
        {
            let Some(argument) = node.argument(name) else {
                let names = node.arguments.iter().map(|argument| argument.name);
                self.no_argument(node.name, name, *at, names);
                continue;
            };
            if let Some(wanted) = unfit(&argument.schema, template) {
                let words = argument.schema["enum"].as_array();
                let words = words.into_iter().flatten().filter_map(Value::as_str);
                let near = match template {
                    Template::Constant(Value::String(word)) => did_you_mean(word, words),
                    _ => None,
                };
                self.source.mistake(
                    value.at,
                    format!("`{name}` of {} must be {wanted}", node.name),
                    near,
                );
            }
        }
        self.require(&node.required, with, node.name);
    }
}

/// What it should be, where it cannot be.
fn unfit(schema: &Value, template: &Template) -> Option<String> {
    let given = match template {
        Template::Whole(_) => return None,
        Template::Constant(Value::Null) => "null",
        Template::Constant(Value::Bool(_)) => "boolean",
        Template::Constant(Value::Number(number)) if number.is_f64() => "number",
        Template::Constant(Value::Number(_)) => "integer",
        Template::Constant(Value::String(_)) | Template::Text(_) => "string",
        Template::Constant(Value::Array(_)) | Template::List(_) => "array",
        Template::Constant(Value::Object(_)) | Template::Map(_) => "object",
    };
    if let (Some(words), Template::Constant(constant)) = (schema["enum"].as_array(), template) {
        let all: Vec<_> = words.iter().filter_map(Value::as_str).collect();
        return (!words.contains(constant)).then(|| format!("one of {}", all.join(", ")));
    }
    if let (true, Template::Constant(Value::String(text))) = (schema["pattern"] == SPAN, template)
        && measure::duration(text).is_none()
    {
        return Some("a time like 500ms, 30s or 5m".to_owned());
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let shown = types.iter().map(|one| match *one {
        "string" => "text",
        "array" => "a list",
        "object" => "a map",
        "integer" => "a whole number",
        "boolean" => "true or false",
        other => other,
    });
    (!types.contains(&given)).then(|| shown.collect::<Vec<_>>().join(" or "))
}

/// What a schema of an answer says of its members.
pub(super) fn answer(schema: &Value) -> Answer {
    match (schema["type"].as_str(), schema["properties"].as_object()) {
        (_, Some(properties)) => Answer::Object(
            properties
                .iter()
                .map(|(name, schema)| (name.clone(), answer(schema)))
                .collect(),
        ),
        (Some("string"), _) => Answer::Scalar("text"),
        (Some("integer"), _) => Answer::Scalar("int"),
        (Some("null"), _) => Answer::Scalar("null"),
        _ => Answer::Any,
    }
}
