//! Steps that hold steps.

use serde_json::Value;

use super::{Reader, is_word, lists, wrong_word};
use crate::workflow::answer::Answer;
use crate::workflow::{Action, Step, Template};
use crate::yaml::{Node, Yaml};

impl Reader<'_, '_> {
    pub(super) fn each(&mut self, node: &Node, items: &Node) -> Option<(Action, Answer)> {
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

    pub(super) fn switch(&mut self, node: &Node, on: &Node) -> Option<(Action, Answer)> {
        let on = self.whole(on, "switch");
        self.once_in(node);
        let mut cases: Vec<(Value, Vec<Step>)> = Vec::new();
        for case in node.get("cases").map_or(&[][..], Node::items) {
            let is = case.get("is").map_or(Value::Null, |is| {
                if let Template::Constant(value) = self.template(is) {
                    value
                } else {
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

    pub(super) fn parallel(&mut self, value: &Node) -> (Action, Answer) {
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
    pub(super) fn attempt(&mut self, node: &Node, value: &Node) -> (Action, Answer) {
        if node.get("catch").is_none() && node.get("finally").is_none() {
            let hint = Some("write catch: [ … ] or finally: [ … ] beside it".to_owned());
            self.source
                .mistake(node.at, "`try` alone changes nothing", hint);
        }
        self.once_in(node);
        let before = self.scope.len();
        let (steps, answer) = self.steps(value);
        let tried = self.scope.len();
        // As [`wire::Problem`] has it.
        let problem = Answer::object([
            ("code", Answer::Scalar("text")),
            ("detail", Answer::Scalar("text")),
            ("hint", Answer::Scalar("text")),
            ("errors", Answer::Any),
            ("trace_id", Answer::Scalar("text")),
            ("current_version", Answer::Scalar("int")),
        ]);
        self.scope.add("problem", problem);
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
}
