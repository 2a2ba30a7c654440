//! A step that waits: for a time, a signal or somebody's word.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use model::workflow::{Template, Wait};
use serde_json::Value;
use wire::run::{Decided, Note, Signal, StepRow, approval};
use wire::{Code, Problem};

use super::context::{Context, Progress, Trail};
use super::step::{Failed, evaluate, render, unclear};
use crate::retry::SHORT;
use crate::scope::Scope;
use crate::time;

pub(super) struct Waiting {
    trail: Trail,
    until: Option<Timestamp>,
    what: What,
    note: Note,
    /// Its row says that it waits.
    told: bool,
}

enum What {
    Time,
    Signal(String),
    /// A signal of this name.
    Approval(String),
}

impl Waiting {
    pub(super) fn for_wait(
        wait: &Wait,
        trail: Trail,
        row: Option<StepRow>,
        scope: &Scope,
        context: &Context<'_>,
    ) -> Result<Self, Failed> {
        let (until, what) = match wait {
            Wait::For(duration) => (Some(time::after(context.now, *duration)), What::Time),
            Wait::Until(expression) => {
                let until = evaluate(expression, "until", &trail, scope);
                match until.and_then(|until| timestamp(&until, &trail)) {
                    Ok(until) => (Some(until), What::Time),
                    Err(problem) => return Err(Failed(trail, problem)),
                }
            }
            Wait::Signal { name, timeout } => {
                let until = timeout.map(|timeout| time::after(context.now, timeout));
                (until, What::Signal(name.clone()))
            }
        };
        Ok(Self::new(trail, row, until, what, Note::default()))
    }

    pub(super) fn for_approval(
        (message, note, timeout): (&Template, Note, Option<Duration>),
        trail: Trail,
        row: Option<StepRow>,
        scope: &Scope,
        context: &Context<'_>,
    ) -> Result<Self, Failed> {
        let message = match render(message, "message", &trail, scope) {
            Ok(Value::String(message)) => message,
            Ok(other) => other.to_string(),
            Err(problem) => return Err(Failed(trail, problem)),
        };
        let note = Note {
            message: Some(message),
            ..note
        };
        let until = timeout.map(|timeout| time::after(context.now, timeout));
        let what = What::Approval(approval(&trail.path));
        Ok(Self::new(trail, row, until, what, note))
    }

    /// What an earlier walk wrote down counts.
    fn new(
        trail: Trail,
        row: Option<StepRow>,
        until: Option<Timestamp>,
        what: What,
        note: Note,
    ) -> Self {
        let told = row.is_some();
        let until = match row {
            Some(row) => row.note.and_then(|note| time::read(&note.until?)),
            None => until,
        };
        let signal = match &what {
            What::Time => None,
            What::Signal(name) | What::Approval(name) => Some(name.clone()),
        };
        let note = Note {
            until: until.map(time::text),
            signal,
            ..note
        };
        Self {
            trail,
            until,
            what,
            note,
            told,
        }
    }

    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Progress {
        if context.ending.is_some() {
            return Progress::Ended;
        }
        let over = self.until.is_some_and(|until| until <= context.now);
        let signal = match &self.what {
            What::Time if over => {
                let null = Bytes::from_static(b"null");
                return self.trail.done(context, null, false);
            }
            What::Time => None,
            What::Signal(name) | What::Approval(name) => context.take_signal(name),
        };
        match signal {
            Some(signal) => self.told(context, &signal),
            None if over => {
                let problem = self.too_late();
                self.trail.failed(context, problem)
            }
            None => {
                self.wait(context);
                Progress::Pending
            }
        }
    }

    fn told(&self, context: &mut Context<'_>, signal: &Signal) -> Progress {
        if let What::Signal(_) = self.what {
            let payload = Bytes::copy_from_slice(signal.payload.get().as_bytes());
            return self.trail.done(context, payload, true);
        }
        let said: Decided = serde_json::from_str(signal.payload.get()).unwrap_or_default();
        if said.approved {
            let answer = Decided {
                by: Some(signal.by.clone()),
                ..said
            };
            let answer = serde_json::to_vec(&answer).expect("texts and JSON are JSON");
            return self.trail.done(context, answer.into(), true);
        }
        let why = said.note.map_or(String::new(), |note| format!(": {note}"));
        let (path, by) = (&self.trail.path, &signal.by);
        let problem = Problem::new(Code::NotApproved)
            .detail(format!("step `{path}` was not approved by {by}{why}"))
            .hint("`try` with a `catch` goes on after a no");
        self.trail.failed(context, problem)
    }

    fn wait(&mut self, context: &mut Context<'_>) {
        if let Some(until) = self.until {
            context.wake_at(until);
        }
        let is_short = matches!(self.what, What::Time)
            && self
                .until
                .is_some_and(|until| time::until(context.now, until) < SHORT);
        if !self.told && !is_short {
            self.told = true;
            self.trail.waits(context, self.note.clone(), None);
        }
    }

    fn too_late(&self) -> Problem {
        let what = match &self.what {
            What::Approval(_) => "a decision".to_owned(),
            What::Time | What::Signal(_) => {
                format!(
                    "the signal `{}`",
                    self.note.signal.as_deref().unwrap_or_default()
                )
            }
        };
        let path = &self.trail.path;
        Problem::new(Code::Timeout).detail(format!(
            "step `{path}` waited for {what}; none came in time"
        ))
    }
}

fn timestamp(value: &Value, trail: &Trail) -> Result<Timestamp, Problem> {
    let read = value.as_str().and_then(time::read);
    read.ok_or_else(|| {
        let shown: String = value.to_string().chars().take(60).collect();
        unclear(
            trail,
            "until",
            &format!("{shown} is no timestamp, as 2026-01-31T12:00:00Z is"),
        )
    })
}
