//! Inputs from texts: arguments of prompts, and parts of addresses, are nothing else.

use rmcp::model::JsonObject;
use serde_json::Value;

/// As the schema's member of the name wants it, where the text says such a value; else the text, for dataflow to refuse.
pub(super) fn typed(schema: &Value, given: JsonObject) -> JsonObject {
    let read = |(name, value): (String, Value)| {
        let Value::String(text) = &value else {
            return (name, value);
        };
        if is_text(&schema["properties"][&name]) {
            return (name, value);
        }
        let read = serde_json::from_str(text).unwrap_or(value);
        (name, read)
    };
    given.into_iter().map(read).collect()
}

fn is_text(schema: &Value) -> bool {
    match &schema["type"] {
        Value::Array(kinds) => kinds.iter().any(|kind| kind == "string"),
        kind => kind == "string" || schema["enum"].is_array(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_become_what_inputs_are() {
        let schema = json!({"properties": {
            "name": {"type": ["string", "null"]}, "kind": {"enum": ["1", "2"]}, "count": {"type": "integer"},
            "tags": {"type": ["array", "null"]}, "any": {},
        }});
        let given = json!({"name": "7", "kind": "1", "count": "7", "tags": "[\"a\"]", "any": "{\"a\":1}", "x": "y"});
        let expected =
            json!({"name": "7", "kind": "1", "count": 7, "tags": ["a"], "any": {"a": 1}, "x": "y"});
        let read = |given: &Value| typed(&schema, given.as_object().cloned().unwrap_or_default());
        assert_eq!(json!(read(&given)), expected);
        let garbled = json!({"count": "seven", "any": "said"});
        assert_eq!(json!(read(&garbled)), garbled);
    }
}
