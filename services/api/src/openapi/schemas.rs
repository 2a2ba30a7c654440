//! JSON Schemas of records and of what is sent to change them.

use std::collections::HashSet;

use serde_json::{Map, Value, json};
use wire::{Catalogue, Code, FieldInfo, ModelInfo, NodeInfo, Schema};

use super::queries;

pub(super) fn path(name: &str) -> String {
    format!("#/components/schemas/{name}")
}

pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": path(name) })
}

/// The node's input as a body of JSON. No body is an empty object.
pub(super) fn body(catalogue: &Catalogue, node: &NodeInfo) -> Value {
    let needed = is_needed(&input(catalogue, node));
    json!({ "required": needed, "content": { "application/json": { "schema": reference(node.name.as_str()) } } })
}

pub(super) fn of_schema(schema: &Value) -> Value {
    json!({ "required": is_needed(schema), "content": { "application/json": { "schema": schema } } })
}

fn is_needed(schema: &Value) -> bool {
    ["required", "anyOf"]
        .iter()
        .any(|key| schema.get(key).is_some())
}

/// What the node takes, where it is shared spelled out.
pub(super) fn input(catalogue: &Catalogue, node: &NodeInfo) -> Value {
    let input = node.input.tree();
    let shared = input["$ref"].as_str();
    let shared = shared.and_then(|name| name.strip_prefix("#/schemas/"));
    match shared.and_then(|name| catalogue.schemas.get(name)) {
        Some(shared) => shared.tree(),
        None => input,
    }
}

/// What a model's operations refer to.
pub(super) fn of_model(catalogue: &Catalogue, model: &ModelInfo) -> Map<String, Value> {
    Map::from_iter([
        (model.name.clone(), record(model)),
        (
            queries::conditions_name(model),
            queries::conditions(catalogue, model),
        ),
    ])
}

/// What nodes take, by their names, and what these refer to.
pub(super) fn of_nodes(catalogue: &Catalogue) -> impl Iterator<Item = (String, String)> {
    let models: HashSet<&str> = catalogue.models.iter().map(|model| &*model.name).collect();
    let shared = catalogue.schemas.iter().map(move |(name, schema)| {
        // A record is described already.
        let schema = if models.contains(&**name) {
            reference(name).to_string()
        } else {
            pointed(schema)
        };
        (format!("node.{name}"), schema)
    });
    let nodes = catalogue.nodes.iter().filter(|node| !node.hints.hidden);
    let inputs = nodes.map(|node| {
        let input = if node.name.as_str() == "tx" {
            transaction(catalogue, node.input.tree()).to_string()
        } else {
            pointed(&node.input)
        };
        (node.name.to_string(), input)
    });
    shared.chain(inputs)
}

/// What the catalogue's schemas refer to stands among the components here.
fn pointed(schema: &Schema) -> String {
    // Inside a text the quotes would be escaped, so this is nothing but a reference.
    let here = "\"$ref\":\"#/components/schemas/node.";
    schema.json().replace("\"$ref\":\"#/schemas/", here)
}

/// A node's schema, which refers to the catalogue's.
pub(super) fn own(schema: &Schema) -> Value {
    serde_json::from_str(&pointed(schema)).expect("a reference takes the place of a reference")
}

/// Each operation with the input of its node.
fn transaction(catalogue: &Catalogue, mut transaction: Value) -> Value {
    let frame = transaction["properties"]["ops"]["items"].take();
    let of_model = |node: &&NodeInfo| {
        catalogue.model(node.name.family()).is_some() && node.name.verb() != "bulk"
    };
    let operation = |node: &NodeInfo| {
        let mut operation = frame.clone();
        operation["properties"]["node"] = json!({ "const": node.name });
        operation["properties"]["input"] = reference(node.name.as_str());
        let mut required = vec!["node"];
        if is_needed(&input(catalogue, node)) {
            required.push("input");
        }
        let model = catalogue.model(node.name.family());
        let is_guarded = matches!(node.name.verb(), "update" | "replace" | "delete");
        if is_guarded && model.is_some_and(|model| model.require_if_match) {
            required.push("if_version");
        }
        operation["required"] = json!(required);
        operation
    };
    let nodes = catalogue.nodes.iter().filter(of_model);
    let operations: Vec<_> = nodes.map(operation).collect();
    transaction["properties"]["ops"]["items"] = json!({
        "anyOf": operations,
        "description": "In an input `{\"$ref\": \"name.field\"}` may stand for what an earlier operation, named by `as`, answered.",
    });
    transaction
}

/// What all share.
pub(super) fn common() -> Map<String, Value> {
    let count = json!({
        "type": "object",
        "required": ["count"],
        "properties": { "count": { "type": "integer", "minimum": 0 } },
    });
    Map::from_iter([
        ("Count".to_owned(), count),
        ("Results".to_owned(), results()),
        ("Problem".to_owned(), problem()),
    ])
}

fn described(field: &FieldInfo) -> Value {
    let mut schema = field.schema.tree();
    if let Value::Object(schema) = &mut schema {
        if !field.about.is_empty() && !schema.contains_key("description") {
            schema.insert("description".to_owned(), json!(field.about));
        }
        if field.read_only {
            schema.insert("readOnly".to_owned(), json!(true));
        }
    }
    schema
}

/// As it is answered: `select` may leave any field out, or put a ref's record in its place.
fn record(model: &ModelInfo) -> Value {
    let properties = model.fields.iter().map(|field| {
        let mut schema = described(field);
        if let Some(target) = &field.target {
            schema = json!({ "anyOf": [schema, { "type": "object" }], "description": format!("id of a {target}, or with `select={}(…)` the record", field.name) });
        }
        (field.name.clone(), schema)
    });
    json!({
        "type": "object",
        "description": model.about,
        "properties": properties.collect::<Map<_, _>>(),
    })
}

fn results() -> Value {
    json!({
        "type": "object",
        "required": ["changed", "results"],
        "properties": {
            "changed": { "type": "integer", "minimum": 0 },
            "results": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["status"],
                    "properties": {
                        "status": { "type": "integer" },
                        "record": { "description": "What the operation answered" },
                        "problem": reference("Problem"),
                    },
                },
            },
        },
    })
}

fn problem() -> Value {
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    json!({
        "type": "object",
        "description": "RFC 9457",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": { "type": "string", "format": "uri-reference" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "code": { "type": "string", "enum": codes },
            "detail": { "type": "string" },
            "instance": { "type": "string", "format": "uri-reference" },
            "hint": { "type": "string" },
            "trace_id": { "type": "string" },
            "current_version": { "type": "integer" },
            "retry_after": { "type": "integer" },
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["pointer", "code", "detail"],
                    "properties": {
                        "pointer": { "type": "string", "description": "JSON Pointer into the body, or `?parameter`" },
                        "code": { "type": "string" },
                        "detail": { "type": "string" },
                    },
                },
            },
        },
    })
}
