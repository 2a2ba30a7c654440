//! Steps: what each is, and what is known of its answer.

mod blocks;
mod pauses;
mod retry;

use super::{Reader, duration, form, is_word, wrong_word};
use crate::keys;
use crate::source::Place;
use crate::workflow::answer::Answer;
use crate::workflow::words::FUNCTIONS;
use crate::workflow::{Action, Step};
use crate::yaml::{Node, Yaml};

/// The keys that go with each kind of step, beside `id` and `if`.
const FITTING: [(&str, &[&str]); 8] = [
    ("node", &["with", "retry", "timeout"]),
    ("each", &["as", "steps", "parallel"]),
    ("switch", &["cases", "default"]),
    ("parallel", &[]),
    ("try", &["catch", "finally"]),
    ("wait", &[]),
    ("workflow", &["with", "retry", "timeout"]),
    ("approve", &[]),
];

/// Names that expressions know anyway, or that are words of theirs.
const TAKEN: &[&str] = &[
    "inputs", "run", "session", "caller", "problem", "index", "true", "false", "none", "and", "or",
    "not", "in", "is", "if", "else",
];

/// The ids of all steps, wherever they stand.
pub(super) fn ids(steps: &Node) -> Vec<String> {
    let mut ids = Vec::new();
    let mut open = vec![steps];
    while let Some(steps) = open.pop() {
        for step in steps.items() {
            ids.extend(step.get("id").and_then(Node::text).map(str::to_owned));
            open.extend(lists(step));
        }
    }
    ids
}

/// The lists of steps within a step.
fn lists(step: &Node) -> Vec<&Node> {
    let own = ["steps", "default", "try", "catch", "finally"]
        .into_iter()
        .filter_map(|name| step.get(name));
    let cases = step.get("cases").map_or(&[][..], Node::items);
    let branches = step.get("parallel").map_or(&[][..], Node::members);
    let cases = cases.iter().filter_map(|case| case.get("steps"));
    own.chain(cases)
        .chain(branches.iter().map(|(_, branch)| branch))
        .collect()
}

fn is_key(name: &str) -> bool {
    let of_kinds = |(kind, keys): &(&str, &[&str])| *kind == name || keys.contains(&name);
    ["id", "if"].contains(&name) || FITTING.iter().any(of_kinds)
}

impl Reader<'_, '_> {
    /// With what is known of the last one's answer. The steps stay known.
    pub(super) fn steps(&mut self, node: &Node) -> (Vec<Step>, Answer) {
        let mut steps = Vec::with_capacity(node.items().len());
        let mut last = Answer::Any;
        for item in node.items() {
            if let Some((step, answer)) = self.step(item) {
                steps.push(step);
                last = answer;
            }
        }
        (steps, last)
    }

    /// The same of steps that nobody sees from outside.
    fn inner(&mut self, node: Option<&Node>) -> (Vec<Step>, Answer) {
        let Some(node) = node else {
            return (Vec::new(), Answer::Any);
        };
        let before = self.scope.len();
        let read = self.steps(node);
        self.scope.truncate(before);
        read
    }

    fn step(&mut self, node: &Node) -> Option<(Step, Answer)> {
        if !matches!(node.yaml, Yaml::Map(_)) {
            return None;
        }
        let condition = node.get("if").and_then(|node| self.whole(node, "if"));
        let id = self.id(node);
        let read = self.kind(node).and_then(|kind| {
            self.fitting(node, kind);
            self.action(node, kind)
        });
        let answer = read
            .as_ref()
            .map_or(Answer::Any, |(_, answer)| answer.clone());
        if node.get("id").is_some() {
            self.scope.add(id.clone(), answer.clone());
        }
        let step = Step {
            id,
            condition: condition.map(|(condition, _)| condition),
            action: read?.0,
            retry: self.retry(node.get("retry")),
            timeout: duration(node, "timeout"),
        };
        Some((step, answer))
    }

    /// As said, or one that nobody can name.
    fn id(&mut self, node: &Node) -> String {
        let Some((id, at)) = node.get("id").and_then(|id| Some((id.text()?, id.at))) else {
            self.unnamed += 1;
            return format!("step_{}", self.unnamed);
        };
        self.check_name("a step's id", id, at);
        if id
            .strip_prefix("step_")
            .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()))
        {
            self.source.mistake(
                at,
                format!("`{id}` is how steps without an id are called"),
                None,
            );
        }
        id.to_owned()
    }

    /// Whether a step or an item may be called that here.
    fn check_name(&mut self, what: &str, name: &str, at: Place) {
        if !is_word(name) {
            self.source.mistake(at, wrong_word(what, name), None);
        } else if TAKEN.contains(&name) || FUNCTIONS.contains(&name) {
            self.source.mistake(
                at,
                format!("`{name}` means something else in expressions"),
                None,
            );
        } else if self.scope.get(name).is_some() {
            self.source.mistake(
                at,
                format!("`{name}` is the name of an earlier step or item"),
                None,
            );
        }
    }

    fn kind(&mut self, node: &Node) -> Option<&'static str> {
        let is_each = node.get("each").is_some();
        let kinds = keys::KINDS.iter().copied();
        let mut kinds =
            kinds.filter(|kind| node.get(kind).is_some() && !(is_each && *kind == "parallel"));
        let place = |name| {
            let mut members = node.members().iter();
            members
                .find(|(key, _)| key.text == name)
                .map_or(node.at, |(key, _)| key.at)
        };
        let (message, at) = match (kinds.next(), kinds.next()) {
            (Some(kind), None) => return Some(kind),
            (Some(one), Some(other)) => (
                format!("a step does one thing, not `{one}` and `{other}`"),
                place(other),
            ),
            // A key that is not known was told, and is most often the kind misspelt.
            (None, _) if node.members().iter().any(|(key, _)| !is_key(&key.text)) => return None,
            (None, _) => ("the step does nothing".to_owned(), node.at),
        };
        let hint = Some(format!("it has one of {}", keys::KINDS.join(", ")));
        self.source.mistake(at, message, hint);
        None
    }

    /// Refuses keys that say nothing about this kind.
    fn fitting(&mut self, node: &Node, kind: &str) {
        let fits = |kind: &str, key: &str| {
            FITTING
                .iter()
                .any(|(name, keys)| *name == kind && keys.contains(&key))
        };
        for (key, _) in node.members() {
            let key_text = key.text.as_str();
            let owners = FITTING
                .iter()
                .filter(|(_, keys)| keys.contains(&key_text))
                .map(|(name, _)| *name);
            let owners: Vec<_> = owners.collect();
            if key_text != kind && !owners.is_empty() && !fits(kind, key_text) {
                let message = format!(
                    "`{key_text}` goes with {}, not with {kind}",
                    owners.join(" and ")
                );
                self.source.mistake(key.at, message, None);
            }
        }
    }

    fn action(&mut self, node: &Node, kind: &str) -> Option<(Action, Answer)> {
        let value = node.get(kind)?;
        match kind {
            "node" => self.call_node(node, value),
            "workflow" => self.call_workflow(node, value),
            "each" => self.each(node, value),
            "switch" => self.switch(node, value),
            "parallel" => Some(self.parallel(value)),
            "try" => Some(self.attempt(node, value)),
            "wait" => self.wait(value),
            _ => self.approve(value),
        }
    }
}
