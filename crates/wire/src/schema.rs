//! A JSON Schema as a catalogue carries it.

use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// JSON Schema 2020-12 as text: a tree takes ten times as much, and a catalogue has thousands. Cheap to clone.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Schema(Arc<RawValue>);

impl Schema {
    /// Bytes of a pattern. One that would be longer says the form alone: nobody reads so much, and where models have a
    /// hundred fields it would be most of a document.
    pub const LONGEST_PATTERN: usize = 4096;

    pub fn json(&self) -> &str {
        self.0.get()
    }

    pub fn tree(&self) -> Value {
        serde_json::from_str(self.json()).expect("it was made of JSON")
    }
}

impl From<&Value> for Schema {
    fn from(tree: &Value) -> Self {
        let text = serde_json::value::to_raw_value(tree).expect("a tree of JSON is JSON");
        Self(text.into())
    }
}

/// Which allows anything.
impl Default for Schema {
    fn default() -> Self {
        static ANY: LazyLock<Schema> = LazyLock::new(|| Schema::from(&Value::Bool(true)));
        ANY.clone()
    }
}

impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        self.json() == other.json()
    }
}
