//! JSON Schemas of records and of what is sent to change them.

use serde_json::{Map, Value, json};
use wire::{Catalogue, Code, FieldInfo, ModelInfo, Schema};

pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// What a model's operations refer to.
pub(super) fn of_model(model: &ModelInfo) -> Map<String, Value> {
    let name = &model.name;
    Map::from_iter([
        (name.clone(), record(model)),
        (format!("{name}.create"), values(model, true)),
        (format!("{name}.values"), values(model, false)),
    ])
}

/// What the nodes' own schemas refer to, by [`own`].
pub(super) fn of_nodes(catalogue: &Catalogue) -> impl Iterator<Item = (String, &str)> {
    let schemas = catalogue.schemas.iter();
    schemas.map(|(name, schema)| (format!("node.{name}"), schema.json()))
}

/// A node's schema, which refers to the catalogue's.
pub(super) fn own(schema: &Schema) -> Value {
    // Inside a text the quotes would be escaped, so this is nothing but a reference.
    let here = "\"$ref\":\"#/components/schemas/node.";
    let text = schema.json().replace("\"$ref\":\"#/schemas/", here);
    serde_json::from_str(&text).expect("a reference takes the place of a reference")
}

/// What all share.
pub(super) fn common() -> Map<String, Value> {
    let mut schemas = Map::new();
    schemas.insert("Where".to_owned(), where_());
    schemas.insert(
        "Count".to_owned(),
        json!({
            "type": "object",
            "required": ["count"],
            "properties": { "count": { "type": "integer", "minimum": 0 } },
        }),
    );
    schemas.insert("Results".to_owned(), results());
    schemas.insert("Problem".to_owned(), problem());
    schemas
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

/// What may be written. Only creating needs what is required; a client may choose the id then.
fn values(model: &ModelInfo, creates: bool) -> Value {
    let written = |field: &&FieldInfo| !field.read_only || (creates && field.name == "id");
    let fields: Vec<_> = model.fields.iter().filter(written).collect();
    let properties = fields.iter().map(|field| {
        let mut schema = described(field);
        if let Value::Object(schema) = &mut schema {
            schema.remove("readOnly");
        }
        (field.name.clone(), schema)
    });
    let mut schema = json!({
        "type": "object",
        "properties": properties.collect::<Map<_, _>>(),
        "additionalProperties": false,
    });
    let required: Vec<_> = fields
        .iter()
        .filter(|field| field.required && field.name != "id")
        .map(|field| field.name.as_str())
        .collect();
    if creates && !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn where_() -> Value {
    json!({
        "type": "object",
        "description": "A field's value means equality; an object of operators more: eq ne lt lte gt gte in like ilike is contains contained_by overlaps. `or`, `and` take lists, `not` one.",
        "properties": {
            "or": { "type": "array", "items": reference("Where") },
            "and": { "type": "array", "items": reference("Where") },
            "not": reference("Where"),
        },
        "additionalProperties": true,
        "examples": [{ "title": { "ilike": "*alien*" }, "or": [{ "rating": { "gte": "7" } }, { "rating": { "is": null } }] }],
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
                        "record": { "type": "object" },
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
