//! A large JSON object written member by member.

use serde_json::{Map, Value};

#[derive(Default)]
pub(super) struct Members {
    text: String,
    /// Whether the next member stands after another.
    follows: bool,
}

impl Members {
    /// Opens the object that is the member's value, or the whole.
    pub(super) fn open(&mut self, name: Option<&str>) {
        if let Some(name) = name {
            self.name(name);
        }
        self.text.push('{');
        self.follows = false;
    }

    pub(super) fn close(&mut self) {
        self.text.push('}');
        self.follows = true;
    }

    /// `json` is the value's text.
    pub(super) fn put(&mut self, name: &str, json: &str) {
        self.name(name);
        self.text.push_str(json);
        self.follows = true;
    }

    pub(super) fn put_all(&mut self, members: Map<String, Value>) {
        for (name, value) in members {
            self.put(&name, &value.to_string());
        }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    fn name(&mut self, name: &str) {
        if self.follows {
            self.text.push(',');
        }
        self.text.push_str(&Value::from(name).to_string());
        self.text.push(':');
    }
}
