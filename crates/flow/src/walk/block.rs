//! Steps in their order.

use bytes::Bytes;
use model::workflow::Step;

use super::context::{Context, Progress};
use super::step::Doing;
use crate::scope::Scope;

pub(super) struct Block<'a> {
    steps: &'a [Step],
    /// What their paths begin with: empty, or ending in a dot.
    prefix: String,
    scope: Scope,
    at: usize,
    doing: Option<Doing<'a>>,
    last: Bytes,
}

impl<'a> Block<'a> {
    pub(super) fn new(steps: &'a [Step], prefix: String, scope: Scope) -> Self {
        Self {
            steps,
            prefix,
            scope,
            at: 0,
            doing: None,
            last: Bytes::from_static(b"null"),
        }
    }

    /// What is known after the steps that are done.
    pub(super) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The same, and null for each step that has no answer.
    pub(super) fn scope_of_all(&self) -> Scope {
        let without = self.steps.get(self.at..).unwrap_or_default();
        let null = |scope: Scope, step: &Step| scope.with_value(&step.id, ().into());
        without.iter().fold(self.scope.clone(), null)
    }

    /// Done with the answer of the last.
    pub(super) fn poll(&mut self, context: &mut Context<'a>) -> Progress {
        while let Some(step) = self.steps.get(self.at) {
            let progress = if let Some(doing) = &mut self.doing {
                doing.poll(context)
            } else {
                let path = format!("{}{}", self.prefix, step.id);
                match Doing::begin(step, path, &self.scope, context) {
                    Ok(doing) => {
                        self.doing = Some(doing);
                        continue;
                    }
                    Err(progress) => progress,
                }
            };
            let Progress::Done(answer) = progress else {
                return progress;
            };
            self.scope = self.scope.with_json(&step.id, answer.clone());
            self.last = answer;
            self.doing = None;
            self.at += 1;
        }
        Progress::Done(self.last.clone())
    }
}
