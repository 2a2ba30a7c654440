//! A tool for one node, with the node's own schema.

use rmcp::model::{JsonObject, Tool};
use serde_json::{Value, json};
use wire::{Catalogue, ModelInfo, NodeInfo, NodeName};

use crate::generic::{DEFAULT_LIMIT, annotations};
use crate::reply::Shape;
use crate::schemas;
use crate::settings::Limits;

/// Many records at once have a tool for all models, which asks before it destroys.
const NOT_TYPED: &[&str] = &[
    "replace",
    "bulk",
    "bulk_create",
    "bulk_update",
    "bulk_delete",
    "bulk_upsert",
    "restore",
];

pub(crate) fn is_offered(node: &NodeName) -> bool {
    !is_of_model(node) || !NOT_TYPED.contains(&node.verb())
}

pub(crate) fn is_of_model(node: &NodeName) -> bool {
    node.as_str().starts_with(char::is_uppercase)
}

/// `FilmRole.create` is `film_role_create`, `key.list` is `key_list`.
pub(crate) fn name_of(node: &NodeName, models: &[ModelInfo]) -> String {
    let family = node.family();
    if family.is_empty() {
        return node.as_str().to_owned();
    }
    let path = models.iter().find(|model| model.name == family);
    let family = path.map_or(family, |model| model.path.as_str());
    format!("{family}_{}", node.verb())
}

pub(crate) fn shape_of(node: &NodeName) -> Shape {
    if !is_of_model(node) {
        return Shape::Other;
    }
    match node.verb() {
        "list" | "search" => Shape::Records,
        "aggregate" => Shape::Groups,
        "count" => Shape::Whole,
        _ => Shape::Record,
    }
}

pub(crate) fn tool(name: &str, node: &NodeInfo, catalogue: &Catalogue, limits: &Limits) -> Tool {
    let shape = shape_of(&node.name);
    let mut tree = schemas::resolved(node.input.tree(), catalogue);
    shorten(&mut tree, node, catalogue);
    let mut input = schemas::complete(tree, catalogue);
    add_options(&mut input, node, limits);
    let output = match shape {
        Shape::Records => record_of(node, "items"),
        _ => node.output.tree(),
    };
    let output = schemas::outline(schemas::resolved(output, catalogue));
    let output = schemas::complete(shape.schema(&output), catalogue);
    let title = name.replace('_', " ");
    let title = title[..1].to_uppercase() + &title[1..];
    Tool::new(name.to_owned(), node.about.clone(), input)
        .with_title(title.clone())
        .with_raw_output_schema(output.into())
        .with_annotations(annotations(&title, node.hints))
}

/// The schema of one record in a node's list.
fn record_of(node: &NodeInfo, member: &str) -> Value {
    let mut tree = node.output.tree();
    match tree.get_mut(member) {
        Some(record) => record.take(),
        None => json!({"type": "object"}),
    }
}

/// What a model reads before it asks is not all that is checked when it asks: names of fields are enough, and the answer to
/// a mistake tells the rest. In full a list of one model's films costs four thousand tokens.
fn shorten(tree: &mut Value, node: &NodeInfo, catalogue: &Catalogue) {
    let Some(Value::Object(properties)) = tree.get_mut("properties") else {
        return;
    };
    let Some(model) = catalogue.model(node.name.family()) else {
        return;
    };
    properties.remove("deleted");
    properties.remove("offset");
    let texts =
        |about: &str| json!({"type": "array", "items": {"type": "string"}, "description": about});
    let mut replace = |name: &str, schema: Value| {
        if let Some(known) = properties.get_mut(name) {
            *known = schema;
        }
    };
    let asked = model.fields.iter().filter(|field| !field.filter.is_empty());
    let fields: JsonObject = asked.map(|field| (field.name.clone(), json!({}))).collect();
    let about = "A value, or operators: {\"gte\": 8}; also and, or, not.";
    let filter = json!({"type": "object", "properties": fields, "description": about});
    replace("where", filter);
    replace("order", texts("Such as `created_at.desc`."));
    replace("select", texts("Fields; refs as `director(name)`."));
    replace("group", texts("Fields."));
    replace(
        "measures",
        json!({
            "type": "object", "additionalProperties": {"type": "string"},
            "description": "Such as {\"n\": \"count\", \"mean\": \"avg(gross)\"}.",
        }),
    );
}

/// What every node understands beside its own arguments.
fn add_options(input: &mut JsonObject, node: &NodeInfo, limits: &Limits) {
    let Some(Value::Object(properties)) = input.get_mut("properties") else {
        return;
    };
    if let Some(Value::Object(limit)) = properties.get_mut("limit") {
        limit.insert("maximum".to_owned(), json!(limits.rows));
        limit.insert("default".to_owned(), json!(DEFAULT_LIMIT));
        limit.remove("description");
    }
    if node.name.verb() == "list" {
        let about = "Also tell how many match in all.";
        properties.insert(
            "count".to_owned(),
            json!({"type": "boolean", "description": about}),
        );
    }
    if node.hints.read_only || !is_of_model(&node.name) {
        return;
    }
    if matches!(node.name.verb(), "update" | "delete") {
        let about = "Refuse where `_version` is another.";
        properties.insert(
            "if_version".to_owned(),
            json!({"type": "integer", "description": about}),
        );
    }
    let about = "The same key does it once.";
    properties.insert(
        "idempotency_key".to_owned(),
        json!({"type": "string", "description": about}),
    );
    let about = "Only show what would come of it.";
    properties.insert(
        "dry_run".to_owned(),
        json!({"type": "boolean", "description": about}),
    );
}
