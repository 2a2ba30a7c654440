//! What carrying a workflow out may do, by the nodes that it calls.

use std::collections::BTreeSet;

use serde_json::Value;
use wire::{Hints, NodeName};

use super::Template;
use crate::Verb;

const READS: Hints = Hints {
    read_only: true,
    destructive: false,
    idempotent: true,
    hidden: false,
    outside: false,
    open_world: false,
    tasks: wire::TaskSupport::Forbidden,
};
/// The words of our own nodes that change nothing.
const OWN_READS: &[&str] = &["changes", "list", "read", "steps"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effects {
    pub hints: Hints,
    /// The models that it reads, by name.
    pub reads: BTreeSet<String>,
}

impl Default for Effects {
    /// Of a workflow that calls nothing.
    fn default() -> Self {
        Self {
            hints: READS,
            reads: BTreeSet::new(),
        }
    }
}

impl Effects {
    pub(super) fn of_node(node: &NodeName, with: &Template) -> Self {
        let family = node.family();
        let is_model = family.starts_with(|first: char| first.is_ascii_uppercase());
        let verb = Verb::parse(node.verb()).filter(|_| is_model);
        let reads = verb.filter(|verb| verb.is_read());
        Self {
            hints: verb.map_or_else(|| of_own(node, with), Verb::hints),
            reads: reads.map(|_| family.to_owned()).into_iter().collect(),
        }
    }

    /// One after the other.
    pub(super) fn add(&mut self, other: &Self) {
        let (hints, other_hints) = (&mut self.hints, &other.hints);
        hints.read_only &= other_hints.read_only;
        hints.destructive |= other_hints.destructive;
        hints.idempotent &= other_hints.idempotent;
        hints.open_world |= other_hints.open_world;
        self.reads.extend(other.reads.iter().cloned());
    }
}

/// Of a node that is no model's.
fn of_own(node: &NodeName, with: &Template) -> Hints {
    let reads_outside = Hints {
        open_world: true,
        ..READS
    };
    let tells_outside = Hints {
        open_world: true,
        ..Hints::default()
    };
    match node.as_str() {
        "template" | "transform" | "log" => READS,
        "llm.chat" => reads_outside,
        "http.request" if only_asks(with) => reads_outside,
        "http.request" => Hints {
            destructive: true,
            ..tells_outside
        },
        "email" => tells_outside,
        "emit" | "session.open" | "session.write" => Hints::default(),
        _ if OWN_READS.contains(&node.verb()) => READS,
        _ => Hints {
            destructive: true,
            ..Hints::default()
        },
    }
}

/// Whether it is sure that nothing is sent there.
fn only_asks(with: &Template) -> bool {
    let constant = |name: &str| match with {
        Template::Constant(Value::Object(members)) => Ok(members.get(name)),
        Template::Map(members) => match members.iter().find(|(member, _)| member == name) {
            None => Ok(None),
            Some((_, Template::Constant(value))) => Ok(Some(value)),
            Some(_) => Err(()),
        },
        _ => Err(()),
    };
    let asks = |method: Option<&Value>| {
        method.is_none_or(|method| {
            let method = method.as_str().unwrap_or_default();
            ["GET", "HEAD"].contains(&method)
        })
    };
    constant("body") == Ok(None) && constant("method").is_ok_and(asks)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(node: &str, with: Value, expected: [bool; 3]) {
        let node = node.parse().expect("it is a node's name");
        let hints = Effects::of_node(&node, &Template::Constant(with)).hints;
        let found = [hints.read_only, hints.destructive, hints.open_world];
        assert_eq!(found, expected, "{node}: reads, destroys, reaches out");
    }

    #[test]
    fn nodes_say_what_they_may_do() {
        check("Film.list", json!({}), [true, false, false]);
        check("Film.create", json!({}), [false, false, false]);
        check("Film.delete", json!({}), [false, true, false]);
        check("tx", json!({}), [false, true, false]);
        check("session.read", json!({}), [true, false, false]);
        check("session.write", json!({}), [false, false, false]);
        check("template", json!({"text": "x"}), [true, false, false]);
        check("emit", json!({"name": "x"}), [false, false, false]);
        check("llm.chat", json!({}), [true, false, true]);
        let url = "https://example.org";
        check("http.request", json!({"url": url}), [true, false, true]);
        let post = json!({"url": url, "method": "POST"});
        check("http.request", post, [false, true, true]);
        let body = json!({"url": url, "body": 1});
        check("http.request", body, [false, true, true]);
    }

    #[test]
    fn one_that_writes_makes_all_write() {
        let of = |node: &str| {
            let node = node.parse().expect("it is a node's name");
            Effects::of_node(&node, &Template::null())
        };
        let mut all = Effects::default();
        all.add(&of("Film.read"));
        assert!(all.hints.read_only);
        all.add(&of("Person.create"));
        all.add(&of("Genre.list"));
        assert!(!all.hints.read_only && !all.hints.destructive);
        let reads: Vec<_> = all.reads.iter().map(String::as_str).collect();
        assert_eq!(reads, ["Film", "Genre"]);
    }
}
