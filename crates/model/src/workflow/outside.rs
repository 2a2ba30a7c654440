//! Nodes with effects outside of the platform: for steps of workflows only, carried out by nexus.

use std::sync::LazyLock;

use serde_json::{Value, json};

#[derive(Debug)]
pub struct OutsideNode {
    /// `http.request`
    pub name: &'static str,
    pub about: &'static str,
    pub arguments: Vec<Argument>,
    /// Of these one must be given; with several groups, one of each.
    pub required: Vec<&'static [&'static str]>,
    /// JSON Schema of its answer.
    pub output: Value,
}

#[derive(Debug)]
pub struct Argument {
    pub name: &'static str,
    /// JSON Schema, with a description.
    pub schema: Value,
}

impl OutsideNode {
    pub fn argument(&self, name: &str) -> Option<&Argument> {
        self.arguments.iter().find(|argument| argument.name == name)
    }

    /// JSON Schema 2020-12 of its arguments.
    pub fn input(&self) -> Value {
        let properties = self
            .arguments
            .iter()
            .map(|argument| (argument.name.to_owned(), argument.schema.clone()));
        let properties: serde_json::Map<_, _> = properties.collect();
        let groups = self.required.iter().map(|names| {
            let each: Vec<_> = names
                .iter()
                .map(|name| json!({"required": [name]}))
                .collect();
            json!({"anyOf": each})
        });
        let groups: Vec<_> = groups.collect();
        let mut schema =
            json!({"type": "object", "properties": properties, "additionalProperties": false});
        if !groups.is_empty() {
            schema["allOf"] = json!(groups);
        }
        schema
    }
}

/// All of them, by name.
pub fn outside() -> &'static [OutsideNode] {
    static NODES: LazyLock<Vec<OutsideNode>> = LazyLock::new(|| {
        vec![
            email(),
            emit(),
            request(),
            chat(),
            log(),
            template(),
            transform(),
        ]
    });
    &NODES
}

pub(super) fn find(name: &str) -> Option<&'static OutsideNode> {
    outside().iter().find(|node| node.name == name)
}

/// `{"type": …, "description": …}`
fn argument(name: &'static str, types: &Value, about: &str) -> Argument {
    Argument {
        name,
        schema: json!({"type": types, "description": about}),
    }
}

fn text(name: &'static str, about: &str) -> Argument {
    argument(name, &json!("string"), about)
}

fn any(name: &'static str, about: &str) -> Argument {
    Argument {
        name,
        schema: json!({"description": about}),
    }
}

fn word(name: &'static str, words: &[&str], about: &str) -> Argument {
    Argument {
        name,
        schema: json!({"enum": words, "description": about}),
    }
}

fn addresses(name: &'static str, about: &str) -> Argument {
    argument(name, &json!(["string", "array"]), about)
}

fn answer(properties: &Value) -> Value {
    json!({"type": "object", "properties": properties})
}

/// Of a time as files write it.
pub(super) const SPAN: &str = "^[0-9]+ *(ms|s|m|h|d)$";

fn request() -> OutsideNode {
    OutsideNode {
        name: "http.request",
        about: "Asks an address by HTTP.",
        arguments: vec![
            word(
                "method",
                &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
                "GET unless said, POST with a body.",
            ),
            text("url", "An http or https address that the project allows."),
            argument("headers", &json!("object"), "Texts by name."),
            argument("query", &json!("object"), "Added to the address, encoded."),
            text("body", "Sent as it is."),
            any("json", "Sent as JSON, instead of body."),
            Argument {
                name: "timeout",
                schema: json!({"type": "string", "pattern": SPAN, "description": "Such as 10s; 30s unless said."}),
            },
        ],
        required: vec![&["url"]],
        output: answer(&json!({
            "status": {"type": "integer"},
            "headers": {"type": "object"},
            "body": {"type": "string"},
            "json": {"description": "Null where the body is no JSON."},
        })),
    }
}

fn transform() -> OutsideNode {
    OutsideNode {
        name: "transform",
        about: "Makes one JSON value of another by a jq program.",
        arguments: vec![
            any("input", "The value."),
            text("jq", "The program, such as `.items | map(.id)`."),
        ],
        required: vec![&["input"], &["jq"]],
        output: json!({}),
    }
}

fn template() -> OutsideNode {
    OutsideNode {
        name: "template",
        about: "Makes a text.",
        arguments: vec![text("text", "With expressions in it.")],
        required: vec![&["text"]],
        output: json!({"type": "string"}),
    }
}

fn log() -> OutsideNode {
    OutsideNode {
        name: "log",
        about: "Writes a line into the log of nexus, and tells it to an agent that waits for the run.",
        arguments: vec![
            text("message", "What it says."),
            word(
                "level",
                &["debug", "info", "warn", "error"],
                "info unless said.",
            ),
        ],
        required: vec![&["message"]],
        output: answer(&json!({"level": {"type": "string"}, "message": {"type": "string"}})),
    }
}

fn emit() -> OutsideNode {
    OutsideNode {
        name: "emit",
        about: "Tells an event to whoever listens to runs.",
        arguments: vec![
            text("name", "The event's name."),
            any("payload", "What it carries."),
        ],
        required: vec![&["name"]],
        output: answer(&json!({
            "name": {"type": "string"},
            "payload": {"description": "Null where none was given."},
        })),
    }
}

fn chat() -> OutsideNode {
    OutsideNode {
        name: "llm.chat",
        about: "Asks a language model.",
        arguments: vec![
            argument(
                "messages",
                &json!("array"),
                "The conversation so far: [{ role: user, content: … }].",
            ),
            text("prompt", "One message of a user, instead of messages."),
            text("system", "What the model is told beforehand."),
            text(
                "model",
                "As the provider calls it; the project's unless said.",
            ),
            argument("max_tokens", &json!("integer"), "The longest answer."),
            argument(
                "json",
                &json!(["boolean", "object"]),
                "Whether the answer is to be JSON, or its JSON Schema.",
            ),
        ],
        required: vec![&["messages", "prompt"]],
        output: answer(&json!({
            "text": {"type": "string"},
            "json": {"description": "With `json`, the answer read."},
            "model": {"type": "string"},
            "usage": answer(&json!({"input": {"type": "integer"}, "output": {"type": "integer"}})),
        })),
    }
}

fn email() -> OutsideNode {
    OutsideNode {
        name: "email",
        about: "Sends a message by the project's mail server.",
        arguments: vec![
            addresses("to", "One address or a list."),
            addresses("cc", "One address or a list."),
            text("subject", "What it is about."),
            text("text", "The message as plain text."),
            text("html", "The message as HTML, beside or instead of text."),
        ],
        required: vec![&["to"], &["subject"], &["text", "html"]],
        output: answer(&json!({"id": {"type": "string"}})),
    }
}
