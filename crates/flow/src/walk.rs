//! What a run does next, by its definition and its rows. Pure: the same rows give the same next, whoever asks when.

mod block;
mod calling;
mod child;
mod context;
mod each;
mod guarded;
mod parallel;
mod step;
mod waiting;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use minijinja::Value;
use model::workflow::Workflow;
use serde_json::value::RawValue;
use wire::run::{LARGEST_OUTPUT, Run, Signal, StepRow, Then};
use wire::{Code, Problem};

use crate::scope::Scope;
use crate::{retry, time};
use block::Block;
use context::{Context, Progress};

pub(crate) use context::{Ending, Todo, USUAL_TIMEOUT, What};

/// One run, walked along its definition.
pub(crate) struct Walk<'a> {
    workflow: &'a Workflow,
    root: Block<'a>,
    context: Context<'a>,
    deadline: Option<Timestamp>,
}

/// What is to be done and to be told.
pub(crate) struct Next<'a> {
    pub(crate) todos: Vec<Todo<'a>>,
    pub(crate) told: Vec<StepRow>,
    pub(crate) consumed: Vec<u64>,
    /// What is told must be kept before anything is done.
    pub(crate) due: bool,
    /// When to look again, whatever else happens.
    pub(crate) wake: Option<Timestamp>,
    /// A run that was called is waited for.
    pub(crate) watches: bool,
    pub(crate) end: Option<Then>,
}

impl<'a> Walk<'a> {
    /// The signals are those that were not consumed, and the number of the last that there was.
    pub(crate) fn new(
        workflow: &'a Workflow,
        run: &Run,
        rows: Vec<StepRow>,
        signals: (Vec<Signal>, u64),
        now: Timestamp,
    ) -> Self {
        let started = run.started_at.as_deref().and_then(time::read);
        let deadline = workflow
            .timeout
            .map(|timeout| time::after(started.unwrap_or(now), timeout));
        let input = Bytes::copy_from_slice(run.input.get().as_bytes());
        let about = BTreeMap::from([
            ("id", Value::from(run.id.to_string())),
            ("workflow", Value::from(run.workflow.clone())),
            ("started_at", Value::from(run.started_at.clone())),
        ]);
        let caller = BTreeMap::from([("id", run.started_by.clone())]);
        let scope = Scope::default()
            .with_json("inputs", input)
            .with_value("run", about.into())
            .with_value("caller", caller.into())
            .with_value("session", Value::from(run.session.clone()));
        let mut context = Context::new(rows, signals, now, retry::chance);
        context.acts_as_another = workflow.run_as.is_some();
        Self {
            workflow,
            root: Block::new(&workflow.steps, String::new(), scope),
            context,
            deadline,
        }
    }

    /// The rest is ended in this way, from the next step on.
    pub(crate) fn end(&mut self, ending: Ending) {
        let ending = self.context.ending.map_or(ending, |now| now.max(ending));
        self.context.ending = Some(ending);
    }

    /// Nothing more is begun by this holder.
    pub(crate) fn is_released(&self) -> bool {
        self.context.ending == Some(Ending::Release)
    }

    /// What came of a [`Todo`].
    pub(crate) fn answer(&mut self, path: String, answer: Result<Bytes, Problem>) {
        self.context.answers.insert(path, answer);
    }

    /// Those that were not yet consumed, as they are told with each renewal.
    pub(crate) fn signal(&mut self, signals: Vec<Signal>) {
        self.context.signal(signals);
    }

    /// The last signal that was looked at.
    pub(crate) fn signals_seen(&self) -> u64 {
        self.context.signals_seen
    }

    pub(crate) fn next(&mut self, now: Timestamp) -> Next<'a> {
        self.context.now = now;
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.end(Ending::Timeout);
        }
        let progress = self.root.poll(&mut self.context);
        let end = match progress {
            Progress::Pending => None,
            Progress::Done(_) => Some(self.output()),
            Progress::Failed(problem) => Some(Then::Fail(*problem)),
            Progress::Ended => Some(self.ended()),
        };
        let context = &mut self.context;
        let deadline = self.deadline.filter(|_| context.ending.is_none());
        let mut todos = std::mem::take(&mut context.todos);
        if let Some(deadline) = deadline {
            let left = time::until(now, deadline);
            for todo in &mut todos {
                todo.end_within(left);
            }
        }
        Next {
            todos,
            told: std::mem::take(&mut context.told),
            consumed: std::mem::take(&mut context.consumed),
            due: std::mem::take(&mut context.due),
            wake: context.wake.take().into_iter().chain(deadline).min(),
            watches: std::mem::take(&mut context.watches),
            end,
        }
    }

    fn output(&self) -> Then {
        let rendered = self.workflow.outputs.render(&self.root.scope().value());
        let output = rendered.and_then(|output| {
            serde_json::value::to_raw_value(&output).map_err(|error| error.to_string())
        });
        match output {
            Ok(output) if output.get().len() > LARGEST_OUTPUT => Then::Fail(too_large("the run")),
            Ok(output) => Then::Succeed(output),
            Err(why) => Then::Fail(
                Problem::new(Code::InvalidInput).detail(format!("`outputs` cannot be told: {why}")),
            ),
        }
    }

    fn ended(&self) -> Then {
        match self.context.ending {
            Some(Ending::Timeout) => {
                let timeout = self.workflow.timeout.unwrap_or_default();
                Then::Fail(Problem::new(Code::Timeout).detail(format!(
                    "the run took longer than its {} s",
                    timeout.as_secs_f64()
                )))
            }
            Some(Ending::Release) => Then::Release,
            Some(Ending::Sibling | Ending::Cancel) | None => Then::Cancel,
        }
    }
}

fn too_large(what: &str) -> Problem {
    Problem::new(Code::PayloadTooLarge)
        .detail(format!(
            "the output of {what} is larger than {LARGEST_OUTPUT} bytes"
        ))
        .hint("answer less: name fields, or keep the rest in a record")
}

/// Bytes that are known to be JSON.
fn raw(json: &Bytes) -> Result<Box<RawValue>, Problem> {
    serde_json::from_slice(json).map_err(|_| {
        Problem::new(Code::Internal).detail("an answer is not JSON, so it cannot be kept")
    })
}
