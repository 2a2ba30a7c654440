//! A catalogue's schemas as each tool must carry them: by itself, with what it refers to under `$defs`.

use std::collections::BTreeSet;

use rmcp::model::JsonObject;
use serde_json::{Value, json};
use wire::{Catalogue, Schema};

const PREFIX: &str = "#/schemas/";
/// What texts may hold.
const NO_NUL: &str = "^[^\\u0000]*$";

/// The schema with everything it refers to. What is at the top is an object, as MCP wants it.
pub fn standalone(schema: &Schema, catalogue: &Catalogue) -> JsonObject {
    complete(schema.tree(), catalogue)
}

/// A ref at the top is put in place: clients look for `properties` there.
pub(crate) fn resolved(mut tree: Value, catalogue: &Catalogue) -> Value {
    while let Some(name) = reference(&tree) {
        tree = match catalogue.schemas.get(name) {
            Some(schema) => schema.tree(),
            None => break,
        };
    }
    tree
}

/// Of an object's schema the kinds of its members alone: what an answer holds is seen when it is there.
pub(crate) fn outline(mut tree: Value) -> Value {
    if let Some(Value::Object(properties)) = tree.get_mut("properties") {
        for member in properties.values_mut() {
            let kind = member.get("type").cloned();
            *member = kind.map_or_else(|| json!({}), |kind| json!({"type": kind}));
        }
    }
    tree
}

/// The same of a tree that may refer to the catalogue's schemas.
pub(crate) fn complete(tree: Value, catalogue: &Catalogue) -> JsonObject {
    let mut tree = resolved(tree, catalogue);
    // One that somebody wrote into a file is told word for word; it refers to itself only.
    if let Value::Object(whole) = &tree
        && whole.contains_key("$schema")
    {
        return whole.clone();
    }
    let mut wanted = Vec::new();
    plain(&mut tree);
    point_to_defs(&mut tree, &mut wanted);
    let mut defs = JsonObject::new();
    let mut seen = BTreeSet::new();
    while let Some(name) = wanted.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        if let Some(schema) = catalogue.schemas.get(&name) {
            let mut tree = schema.tree();
            plain(&mut tree);
            point_to_defs(&mut tree, &mut wanted);
            defs.insert(name, tree);
        }
    }
    defs.sort_keys();
    let mut object = match tree {
        Value::Object(object) => object,
        // `true`: anything.
        _ => JsonObject::new(),
    };
    object.entry("type").or_insert_with(|| json!("object"));
    if !defs.is_empty() {
        object.insert("$defs".to_owned(), Value::Object(defs));
    }
    object
}

fn reference(tree: &Value) -> Option<&str> {
    let object = tree.as_object()?;
    let alone = object.len() == 1;
    let name = object.get("$ref")?.as_str()?.strip_prefix(PREFIX)?;
    alone.then_some(name)
}

/// Without what every text and number of ours has, and no reader learns from.
fn plain(tree: &mut Value) {
    match tree {
        Value::Object(object) => {
            let usual = |name: &str, value: &Value| match name {
                "pattern" => value
                    .as_str()
                    .is_some_and(|text| text == NO_NUL || text.len() > 200),
                "minimum" => *value == json!(i64::MIN),
                "maximum" => *value == json!(i64::MAX),
                _ => false,
            };
            object.retain(|name, value| !usual(name, value));
            object.values_mut().for_each(plain);
        }
        Value::Array(items) => items.iter_mut().for_each(plain),
        _ => {}
    }
}

/// Turns refs to the catalogue's schemas into refs to `$defs`, and notes their names.
fn point_to_defs(tree: &mut Value, wanted: &mut Vec<String>) {
    match tree {
        Value::Object(object) => {
            for (key, value) in object {
                if key == "$ref"
                    && let Some(name) = value.as_str().and_then(|text| text.strip_prefix(PREFIX))
                {
                    let name = name.to_owned();
                    *value = json!(format!("#/$defs/{name}"));
                    wanted.push(name);
                } else {
                    point_to_defs(value, wanted);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                point_to_defs(item, wanted);
            }
        }
        _ => {}
    }
}
