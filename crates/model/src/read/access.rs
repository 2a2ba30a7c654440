//! `access:`, who may do what.

use serde_json::value::RawValue;

use super::model::Finder;
use super::name;
use crate::yaml::Node;
use crate::{Action, Filter, Rule};

pub(super) fn read(finder: &mut Finder, node: Option<&Node>) -> Vec<Rule> {
    let mut rules = Vec::new();
    for node in node.map_or(&[][..], Node::items) {
        let Some((role, at)) = node
            .get("role")
            .and_then(|role| Some((role.text()?, role.at)))
        else {
            continue;
        };
        if let Err((message, hint)) = name::check_role(role) {
            finder.source.mistake(at, message, hint);
        }
        rules.push(Rule {
            role: role.to_owned(),
            can: actions(finder, node),
            filter: node.get("where").and_then(|node| filter(finder, node)),
            fields: node.get("fields").map(|node| {
                let found = node.texts().filter_map(|(name, at)| finder.find(name, at));
                found.map(|(id, _)| id).collect()
            }),
        });
    }
    rules
}

fn actions(finder: &mut Finder, node: &Node) -> Vec<Action> {
    let mut actions = Vec::new();
    for (word, at) in node.get("can").into_iter().flat_map(Node::texts) {
        let action = match word {
            "read" => Action::Read,
            "create" => Action::Create,
            "update" => Action::Update,
            "delete" => Action::Delete,
            _ => continue,
        };
        if actions.contains(&action) {
            finder
                .source
                .mistake(at, format!("`{word}` stands twice"), None);
        } else {
            actions.push(action);
        }
    }
    actions
}

fn filter(finder: &mut Finder, node: &Node) -> Option<Filter> {
    let raw = RawValue::from_string(node.to_json()).ok()?;
    match Filter::rule_from_json(finder.model, &raw) {
        Ok(filter) => Some(filter),
        Err(faults) => {
            for fault in faults {
                let of_broken = |part: &str| finder.broken.iter().any(|broken| broken == part);
                if !fault.pointer.split('/').any(of_broken) {
                    finder
                        .source
                        .mistake(node.at_pointer(&fault.pointer), fault.detail, None);
                }
            }
            // A rule that could not be read must never be wider than it was meant.
            Some(Filter::False)
        }
    }
}
