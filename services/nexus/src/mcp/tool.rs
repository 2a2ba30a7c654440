//! A tool for each workflow that the caller may start.

use mcp_face::Asker;
use rmcp::model::{Tool, ToolAnnotations};
use serde_json::{Value, json};
use wire::{Catalogue, NodeInfo};

use super::{FAMILIES, WORKFLOW};

/// Taken out of a tool's arguments before they are the workflow's input, unless it has an input of that name.
pub(super) const SESSION: &str = "session";
pub(super) const IDEMPOTENCY_KEY: &str = "idempotency_key";

pub(super) fn all(catalogue: &Catalogue, asker: &Asker, writes: bool) -> Vec<Tool> {
    tools(catalogue, asker)
        .filter(|node| writes || node.hints.read_only)
        .map(|node| tool(node, catalogue))
        .collect()
}

pub(super) fn find<'a>(
    catalogue: &'a Catalogue,
    asker: &Asker,
    name: &str,
) -> Option<&'a NodeInfo> {
    tools(catalogue, asker).find(|node| name_of(node) == name)
}

fn tools<'a>(catalogue: &'a Catalogue, asker: &Asker) -> impl Iterator<Item = &'a NodeInfo> {
    offered(catalogue, asker).filter(|node| node.primitive.is_tool())
}

/// The workflows that the caller may start; of a group those that it names.
pub(super) fn offered<'a>(
    catalogue: &'a Catalogue,
    asker: &Asker,
) -> impl Iterator<Item = &'a NodeInfo> {
    let group = asker.group.as_deref();
    let group = group.map(|name| catalogue.groups.iter().find(|group| group.name == name));
    let named = move |node: &&NodeInfo| match group {
        None => true,
        Some(group) => group.is_some_and(|group| group.nodes.contains(&node.name)),
    };
    let workflows = catalogue.nodes.iter();
    workflows
        .filter(|node| node.name.family() == WORKFLOW)
        .filter(named)
}

/// The workflow's own, unless it looks like one of the tools beside it.
fn name_of(node: &NodeInfo) -> String {
    let name = node.name.verb();
    let taken = |family: &&str| {
        name.strip_prefix(family)
            .is_some_and(|rest| rest.starts_with('_'))
    };
    if FAMILIES.iter().any(taken) {
        format!("{WORKFLOW}_{name}")
    } else {
        name.to_owned()
    }
}

/// Whether a workflow could be called so.
pub(super) fn may_be_name(name: &str) -> bool {
    let words = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.starts_with(|first: char| first.is_ascii_lowercase()) && name.bytes().all(words)
}

/// For people: `nightly_import` as Nightly import.
pub(super) fn title(name: &str) -> String {
    let title = name.replace('_', " ");
    title[..1].to_uppercase() + &title[1..]
}

pub(super) fn tool(node: &NodeInfo, catalogue: &Catalogue) -> Tool {
    let name = name_of(node);
    let title = title(&name);
    let mut input = mcp_face::standalone(&node.input, catalogue);
    let properties = input.entry("properties").or_insert_with(|| json!({}));
    let mut add = |name: &str, about: &str| {
        if properties.get(name).is_none() {
            properties[name] = json!({"type": "string", "description": about});
        }
    };
    add(IDEMPOTENCY_KEY, "The same key begins one run.");
    add(SESSION, "The handle of a session that it runs in.");
    let hints = ToolAnnotations::with_title(title.clone())
        .read_only(node.hints.read_only)
        .destructive(node.hints.destructive)
        .idempotent(node.hints.idempotent)
        .open_world(node.hints.open_world);
    Tool::new(name, node.about.clone(), input)
        .with_title(title)
        .with_raw_output_schema(output().into())
        .with_annotations(hints)
}

/// Of what [`super::outcome`] says, or of a problem.
fn output() -> rmcp::model::JsonObject {
    rmcp::model::object(json!({
        "type": "object",
        "properties": {
            "run": {"type": "string", "format": "uuid"}, "state": {"type": "string"},
            "output": {}, "problem": {"type": "object"}, "cut": {"type": "string"},
            "waits": {"type": "array", "items": {"type": "string"}},
        },
        "anyOf": [{"required": ["run"]}, {"required": ["problem"]}],
    }))
}

/// An input that a tool's argument means.
pub(super) fn has_input(node: &NodeInfo, name: &str) -> bool {
    let input: Value = node.input.tree();
    input["properties"].get(name).is_some()
}
