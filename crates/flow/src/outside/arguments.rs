//! The arguments of an outside step, by name.

use serde_json::{Map, Value};
use wire::{Code, Fault, Problem};

pub(super) struct Arguments(Map<String, Value>);

impl Arguments {
    pub(super) fn of(input: Value) -> Result<Self, Problem> {
        match input {
            Value::Object(members) => Ok(Self(members)),
            Value::Null => Ok(Self(Map::new())),
            _ => Err(mistake("", "wrong_type", "the arguments are an object")),
        }
    }

    /// What is null is not given.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(mistake(name, "wrong_type", "is a text")),
        }
    }

    pub(super) fn required_text(&mut self, name: &str) -> Result<String, Problem> {
        self.text(name)?
            .ok_or_else(|| mistake(name, "required", "must be given"))
    }

    pub(super) fn members(&mut self, name: &str) -> Result<Map<String, Value>, Problem> {
        match self.take(name) {
            None => Ok(Map::new()),
            Some(Value::Object(members)) => Ok(members),
            Some(_) => Err(mistake(name, "wrong_type", "is an object")),
        }
    }
}

pub(super) fn mistake(name: &str, code: &str, why: &str) -> Problem {
    let detail = format!("`{name}` {why}");
    let fault = Fault::new(format!("/{name}"), code, detail.trim_start_matches("`` "));
    Problem::new(Code::InvalidInput)
        .detail(fault.detail.clone())
        .errors(vec![fault])
}

/// As it is shown where a text is wanted.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
