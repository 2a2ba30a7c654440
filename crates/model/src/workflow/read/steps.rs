//! Steps: what each is, and what is known of its answer.

use std::time::Duration;

use serde_json::Value;
use wire::Code;

use super::super::answer::Answer;
use super::super::names::FUNCTIONS;
use super::super::{Action, Retry, Step, Template, Wait};
use super::{Reader, duration, is_word, wrong_word};
use crate::source::Place;
use crate::yaml::{Node, Yaml};
use crate::{did_you_mean, keys, measure};

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
        let mut kinds = keys::KINDS
            .iter()
            .copied()
            .filter(|kind| node.get(kind).is_some());
        let mut kinds = kinds
            .by_ref()
            .filter(|kind| !(is_each && *kind == "parallel"));
        let (first, second) = (kinds.next(), kinds.next());
        let (message, at) = match (first, second) {
            (Some(kind), None) => return Some(kind),
            (Some(one), Some(other)) => {
                let at = node
                    .members()
                    .iter()
                    .find(|(key, _)| key.text == other)
                    .map_or(node.at, |(key, _)| key.at);
                (
                    format!("a step does one thing, not `{one}` and `{other}`"),
                    at,
                )
            }
            (None, _) => ("the step does nothing".to_owned(), node.at),
        };
        self.source.mistake(
            at,
            message,
            Some(format!("it has one of {}", keys::KINDS.join(", "))),
        );
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

    fn each(&mut self, node: &Node, items: &Node) -> Option<(Action, Answer)> {
        let items = self.whole(items, "each");
        let (name, at) = match node
            .get("as")
            .and_then(|name| Some((name.text()?, name.at)))
        {
            Some((name, at)) => (name, at),
            None => ("item", node.at),
        };
        self.check_name("an item's name", name, at);
        let Some(steps) = node.get("steps") else {
            let hint = Some("write steps: [ … ] beside it".to_owned());
            self.source.mistake(node.at, "`each` has no `steps`", hint);
            return None;
        };
        let before = self.scope.len();
        let item = items
            .as_ref()
            .map_or(Answer::Any, |(_, answer)| answer.item());
        self.scope.add(name, item);
        self.scope.add("index", Answer::Scalar("int"));
        let (steps, last) = self.steps(steps);
        self.scope.truncate(before);
        let parallel = self.count_of(node);
        Some((
            Action::Each {
                items: items?.0,
                name: name.to_owned(),
                parallel,
                steps,
            },
            last.list(),
        ))
    }

    fn count_of(&mut self, node: &Node) -> u32 {
        let Some(parallel) = node.get("parallel") else {
            return 1;
        };
        if !matches!(parallel.yaml, Yaml::Scalar { .. }) {
            let hint = Some("write parallel: 4".to_owned());
            self.source.mistake(
                parallel.at,
                "with `each`, `parallel` says how many items at a time",
                hint,
            );
        }
        parallel
            .text()
            .and_then(|text| text.parse().ok())
            .unwrap_or(1)
    }

    fn switch(&mut self, node: &Node, on: &Node) -> Option<(Action, Answer)> {
        let on = self.whole(on, "switch");
        self.once_in(node);
        let mut cases: Vec<(Value, Vec<Step>)> = Vec::new();
        for case in node.get("cases").map_or(&[][..], Node::items) {
            let is = case
                .get("is")
                .map_or(Value::Null, |is| match self.template(is) {
                    Template::Constant(value) => value,
                    _ => {
                        self.source
                            .mistake(is.at, "`is` is a value, not an expression", None);
                        Value::Null
                    }
                });
            if let (Some(at), true) = (case.get("is"), cases.iter().any(|(other, _)| *other == is))
            {
                self.source
                    .mistake(at.at, format!("there is another case for {is}"), None);
            }
            let (steps, _) = self.inner(case.get("steps"));
            cases.push((is, steps));
        }
        if node.get("cases").is_none() {
            let hint = Some("write cases: [{ is: …, steps: [ … ] }] beside it".to_owned());
            self.source
                .mistake(node.at, "`switch` has no `cases`", hint);
        }
        let (default, _) = self.inner(node.get("default"));
        Some((
            Action::Switch {
                on: on?.0,
                cases,
                default,
            },
            Answer::Any,
        ))
    }

    fn parallel(&mut self, value: &Node) -> (Action, Answer) {
        if !matches!(value.yaml, Yaml::Map(_)) {
            let hint = Some("write parallel: { left: [ … ], right: [ … ] }".to_owned());
            self.source
                .mistake(value.at, "`parallel` is a map of branches", hint);
        }
        let (mut branches, mut answers) = (Vec::new(), Vec::new());
        for (key, steps) in value.members() {
            if !is_word(&key.text) {
                self.source
                    .mistake(key.at, wrong_word("a branch's name", &key.text), None);
            }
            let (steps, answer) = self.inner(Some(steps));
            branches.push((key.text.clone(), steps));
            answers.push((key.text.clone(), answer));
        }
        (
            Action::Parallel { branches },
            Answer::Object(answers.into()),
        )
    }

    /// What was tried is known in `catch` and `finally`: null where it was not reached.
    fn attempt(&mut self, node: &Node, value: &Node) -> (Action, Answer) {
        if node.get("catch").is_none() && node.get("finally").is_none() {
            let hint = Some("write catch: [ … ] or finally: [ … ] beside it".to_owned());
            self.source
                .mistake(node.at, "`try` alone changes nothing", hint);
        }
        self.once_in(node);
        let before = self.scope.len();
        let (steps, answer) = self.steps(value);
        let tried = self.scope.len();
        let problem = ["code", "detail", "hint", "step"].map(|name| (name, Answer::Scalar("text")));
        self.scope.add("problem", Answer::object(problem));
        let (catch, _) = self.inner(node.get("catch"));
        self.scope.truncate(tried);
        let (finally, _) = self.inner(node.get("finally"));
        self.scope.truncate(before);
        let answer = if catch.is_empty() {
            answer
        } else {
            Answer::Any
        };
        (
            Action::Try {
                steps,
                catch,
                finally,
            },
            answer,
        )
    }

    /// Steps of one switch or try have paths beside each other, so an id stands once in all of its lists.
    fn once_in(&mut self, node: &Node) {
        let mut seen: Vec<(usize, &str)> = Vec::new();
        for (list, steps) in lists(node).into_iter().enumerate() {
            for id in steps.items().iter().filter_map(|step| step.get("id")) {
                let Some(text) = id.text() else { continue };
                // Of twins in one list the second is told where it is read.
                if seen
                    .iter()
                    .any(|(other, name)| *name == text && *other != list)
                {
                    self.source.mistake(
                        id.at,
                        format!("another step of the same switch or try is called `{text}`"),
                        None,
                    );
                }
                seen.push((list, text));
            }
        }
    }

    fn wait(&mut self, value: &Node) -> Option<(Action, Answer)> {
        if let Some(text) = value.text() {
            let wait = Wait::For(measure::duration(text)?);
            return Some((Action::Wait(wait), Answer::Scalar("null")));
        }
        match (value.get("until"), value.get("signal")) {
            (Some(until), None) => {
                if let Some((key, _)) = value
                    .members()
                    .iter()
                    .find(|(key, _)| key.text == "timeout")
                {
                    self.source
                        .mistake(key.at, "`timeout` goes with `signal` only", None);
                }
                let (until, _) = self.whole(until, "until")?;
                Some((Action::Wait(Wait::Until(until)), Answer::Scalar("null")))
            }
            (None, Some(signal)) => {
                let name = signal.text()?;
                if !is_word(name) {
                    self.source
                        .mistake(signal.at, wrong_word("a signal's name", name), None);
                }
                let wait = Wait::Signal {
                    name: name.to_owned(),
                    timeout: duration(value, "timeout"),
                };
                Some((Action::Wait(wait), Answer::Any))
            }
            _ => {
                let hint = Some(
                    "write 10m, { until: \"{{ … }}\" } or { signal: paid, timeout: 1d }".to_owned(),
                );
                self.source.mistake(
                    value.at,
                    "`wait` is for a time, until a time, or for a signal",
                    hint,
                );
                None
            }
        }
    }

    fn approve(&mut self, value: &Node) -> Option<(Action, Answer)> {
        let message = self.template(value.get("message")?);
        let role = value.get("role").and_then(|role| self.role(role));
        let answer = [("approved", "bool"), ("by", "text"), ("note", "text")];
        let answer = answer.map(|(name, kind)| (name, Answer::Scalar(kind)));
        Some((
            Action::Approve {
                message,
                role,
                timeout: duration(value, "timeout"),
            },
            Answer::object(answer),
        ))
    }

    fn retry(&mut self, node: Option<&Node>) -> Retry {
        let mut retry = Retry::default();
        let Some(node) = node else {
            return retry;
        };
        let text = |name| node.get(name).and_then(Node::text);
        retry.attempts = text("attempts")
            .and_then(|text| text.parse().ok())
            .unwrap_or(retry.attempts);
        retry.initial = duration(node, "initial").unwrap_or(retry.initial);
        retry.max = duration(node, "max").unwrap_or_else(|| retry.max.max(retry.initial));
        retry.jitter = node
            .get("jitter")
            .and_then(Node::bool)
            .unwrap_or(retry.jitter);
        if let Some(factor) = node.get("factor") {
            match factor
                .text()
                .and_then(|text| text.parse::<f64>().ok())
                .filter(|f| (1.0..=100.0).contains(f))
            {
                Some(number) => retry.factor = number,
                None => self
                    .source
                    .mistake(factor.at, "`factor` is a number from 1 to 100", None),
            }
        }
        if let Some(max) = node
            .get("max")
            .filter(|_| retry.max < retry.initial && retry.max > Duration::ZERO)
        {
            self.source
                .mistake(max.at, "`max` is less than `initial`", None);
        }
        for (word, at) in node.get("on").into_iter().flat_map(Node::texts) {
            match Code::ALL.iter().find(|code| code.as_str() == word) {
                Some(code) => retry.on.push(*code),
                None => {
                    let hint = did_you_mean(word, Code::ALL.iter().map(|code| code.as_str()));
                    let hint = hint.or_else(|| Some("codes stand in docs/problems".to_owned()));
                    self.source
                        .mistake(at, format!("there is no problem `{word}`"), hint);
                }
            }
        }
        retry
    }
}
