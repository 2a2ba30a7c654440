//! Every node by its name, `tx`, and the catalogue itself.

use serde_json::{Map, Value, json};
use wire::{Catalogue, NodeInfo};

use super::changes;
use super::parameters::{header, parameter, with_problems};
use super::schemas::{body, own, reference};

/// Of what is no model's.
pub(super) fn common(catalogue: &Catalogue) -> Map<String, Value> {
    let mut paths = Map::new();
    let tx = catalogue
        .nodes
        .iter()
        .find(|node| node.name.as_str() == "tx");
    if let Some(tx) = tx {
        paths.insert(
            "/api/v1/tx".to_owned(),
            json!({ "post": operation(catalogue, tx, "tx", &reference("Results")) }),
        );
    }
    paths.insert("/api/v1/call".to_owned(), json!({ "get": listing() }));
    if let Some(node) = catalogue.nodes.iter().find(|node| is_changes(node)) {
        paths.insert("/api/v1/changes".to_owned(), changes::operations(node));
    }
    paths
}

/// It has a route of its own.
fn is_changes(node: &NodeInfo) -> bool {
    node.name.as_str() == "changes"
}

pub(super) fn path(catalogue: &Catalogue, node: &NodeInfo) -> Option<(String, Value)> {
    if node.hints.hidden || node.hints.outside || is_changes(node) {
        return None;
    }
    let id = format!("call.{}", node.name);
    let operation = operation(catalogue, node, &id, &own(&node.output));
    Some((
        format!("/api/v1/call/{}", node.name),
        json!({ "post": operation }),
    ))
}

/// Whether it makes a difference to the call which session it is of.
fn belongs_to_session(node: &NodeInfo) -> bool {
    matches!(node.name.family(), "session" | "workflow") || node.name.as_str() == "run.replay"
}

fn operation(catalogue: &Catalogue, node: &NodeInfo, id: &str, output: &Value) -> Value {
    let mut parameters = vec!["prefer_read"];
    if !node.hints.read_only {
        parameters = vec!["prefer_write", "idempotency_key"];
        parameters.extend(guard(catalogue, node));
    }
    if belongs_to_session(node) {
        parameters.push("session");
    }
    let parameters: Vec<_> = parameters.iter().map(|name| parameter(name)).collect();
    let done = |about: &str| {
        json!({
            "description": about,
            "headers": header(&["Preference-Applied"]),
            "content": { "application/json": { "schema": output } },
        })
    };
    let mut responses = json!({ "200": done("The node's answer"), "204": { "description": "Done; nothing to show" } });
    if !node.hints.read_only {
        responses["201"] = done("What was created");
    }
    let problems = [
        "400", "401", "403", "404", "409", "412", "413", "415", "422",
    ];
    json!({
        "operationId": id,
        "tags": ["nodes"],
        "summary": format!("Call {}", node.name),
        "description": node.about,
        "parameters": parameters,
        "requestBody": body(catalogue, node),
        "responses": with_problems(responses, &problems),
        "x-gantry-node": node.name,
    })
}

/// The version that a change is guarded by, where the node heeds one.
fn guard(catalogue: &Catalogue, node: &NodeInfo) -> Option<&'static str> {
    let model = catalogue.model(node.name.family())?;
    match node.name.verb() {
        "update" | "replace" | "delete" if model.require_if_match => Some("if_match_required"),
        "update" | "replace" | "delete" | "restore" => Some("if_match"),
        "bulk_update" | "bulk_delete" => Some("if_match_any"),
        _ => None,
    }
}

fn listing() -> Value {
    let ok = json!({
        "description": "The catalogue",
        "headers": header(&["ETag"]),
        "content": { "application/json": { "schema": { "type": "object" } } },
    });
    json!({
        "operationId": "catalogue",
        "tags": ["nodes"],
        "summary": "What this caller may call",
        "responses": with_problems(json!({ "200": ok }), &["401"]),
    })
}
