//! Inputs of prompts and parts of addresses, as they are typed.

use mcp_face::Asker;
use rmcp::model::{CompleteRequestParams, CompleteResult, Reference};
use serde_json::Value;
use wire::Catalogue;

use super::{prompts, resources};

/// Nothing where any value would do.
pub(super) fn complete(
    catalogue: &Catalogue,
    asker: &Asker,
    request: &CompleteRequestParams,
) -> CompleteResult {
    let node = match &request.r#ref {
        Reference::Prompt(prompt) => prompts::find(catalogue, asker, &prompt.name),
        Reference::Resource(resource) => resources::find(catalogue, asker, &resource.uri),
        _ => None,
    };
    let schema = node.map_or(Value::Null, |node| node.input.tree());
    let schema = &schema["properties"][&request.argument.name];
    let values = match &schema["enum"] {
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
        _ if is_bool(schema) => vec!["true", "false"],
        _ => Vec::new(),
    };
    CompleteResult::new(mcp_face::matching(&values, &request.argument.value))
}

fn is_bool(schema: &Value) -> bool {
    match &schema["type"] {
        Value::Array(kinds) => kinds.iter().any(|kind| kind == "boolean"),
        kind => kind == "boolean",
    }
}
