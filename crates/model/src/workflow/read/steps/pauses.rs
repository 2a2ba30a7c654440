//! Steps that wait: for a time, a signal, a person.

use super::{Reader, duration, form, is_word, wrong_word};
use crate::measure;
use crate::workflow::answer::Answer;
use crate::workflow::{Action, Wait};
use crate::yaml::Node;

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
        let asked = value.get("form");
        let form = form(self.source, asked, "the name of what is asked", self.known);
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
                form,
                timeout: duration(value, "timeout"),
            },
            answer,
        ))
    }
}
