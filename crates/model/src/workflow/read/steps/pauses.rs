//! Steps that wait: for a time, a signal, somebody's word.

use super::{Reader, duration, form, is_word, wrong_word};
use crate::workflow::answer::Answer;
use crate::workflow::{Action, Asked, Form, Wait};
use crate::yaml::Node;
use crate::{Field, Kind, measure};

/// The most that a model may write, unless said.
const TOKENS: u32 = 1000;

impl Reader<'_, '_> {
    pub(super) fn wait(&mut self, value: &Node) -> Option<(Action, Answer)> {
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

    pub(super) fn approve(&mut self, value: &Node) -> Option<(Action, Answer)> {
        let message = self.template(value.get("message")?);
        let role = value.get("role").and_then(|role| self.role(role));
        let of = self.asked(value);
        let form = match of {
            Asked::Person => {
                let asked = value.get("form");
                form(self.source, asked, "the name of what is asked", self.known)
            }
            Asked::Model { .. } => given("text", "What the model answers.", Kind::Text),
            Asked::Roots => given(
                "roots",
                "The folders that the client has open: [{ uri, name }].",
                Kind::Json,
            ),
        };
        let answer = [("approved", "bool"), ("by", "text"), ("note", "text")];
        let answer = answer.map(|(name, kind)| (name, Answer::Scalar(kind)));
        let answer = if form.is_empty() {
            Answer::object(answer)
        } else {
            let [approved, by, note] = answer;
            Answer::object([
                approved,
                by,
                note,
                ("form", Answer::of_fields(&form.fields)),
            ])
        };
        Some((
            Action::Approve {
                message,
                role,
                of,
                form,
                timeout: duration(value, "timeout"),
            },
            answer,
        ))
    }

    fn asked(&mut self, value: &Node) -> Asked {
        let asked = match value.get("of").and_then(Node::text) {
            Some("model") => {
                let tokens = value.get("tokens").and_then(Node::text);
                let tokens = tokens.and_then(|tokens| tokens.parse().ok());
                Asked::Model {
                    tokens: tokens.unwrap_or(TOKENS),
                }
            }
            Some("roots") => Asked::Roots,
            Some("person") | None => Asked::Person,
            // Which was told, and says nothing of the other keys.
            Some(_) => return Asked::Person,
        };
        let misplaced = |name: &str| match (name, asked) {
            ("tokens", Asked::Person | Asked::Roots) => Some("`tokens` goes with `of: model` only"),
            ("form", Asked::Model { .. } | Asked::Roots) => {
                Some("`form` is for a person to fill in")
            }
            _ => None,
        };
        for (key, _) in value.members() {
            if let Some(message) = misplaced(&key.text) {
                self.source.mistake(key.at, message, None);
            }
        }
        asked
    }
}

/// A form of one member that must be given.
fn given(name: &str, about: &str, kind: Kind) -> Form {
    let field = Field {
        about: about.to_owned(),
        required: true,
        ..Field::new(name, kind)
    };
    Form {
        fields: vec![field],
        schema: None,
    }
}
