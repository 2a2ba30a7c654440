//! The stream of changes.

use serde_json::{Value, json};
use wire::NodeInfo;

use super::parameters::with_problems;
use super::queries::query;

pub(super) fn operations(node: &NodeInfo) -> Value {
    let about = "Events: `change`, whose data is this object, and `resync` where changes were missed. Each has an id to \
                 go on from.";
    let ok = json!({
        "description": about,
        "content": { "text/event-stream": { "schema": node.output } },
    });
    let input = node.input.tree();
    let models = json!({ "type": "string", "pattern": input["properties"]["model"]["pattern"] });
    let text = json!({ "type": "string" });
    let parameters = json!([
        query("model", &models, "Names of models, with commas; all that may be read unless said"),
        query("since", &text, "The id of the last event that was heard, where the header cannot be sent"),
        { "name": "Last-Event-ID", "in": "header", "schema": text,
          "description": "The id of the last event that was heard; else changes are told from now on" },
    ]);
    json!({ "get": {
        "operationId": "changes",
        "tags": ["nodes"],
        "summary": "Listen to changes",
        "description": node.about,
        "parameters": parameters,
        "responses": with_problems(json!({ "200": ok }), &["400", "401", "403", "406"]),
        "x-gantry-node": node.name,
    } })
}
