//! What all steps of one walk share: the rows that there are, and what is to be done and told.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;
use wire::run::{MOST_STEPS, Note, Signal, StepRow, StepState};
use wire::{Code, NodeName, Problem};

use super::raw;
use crate::time;

/// Of a try whose step says nothing of its time.
pub(crate) const USUAL_TIMEOUT: Duration = Duration::from_mins(1);

/// How far a step, or a block of them, has come.
#[derive(Debug)]
pub(crate) enum Progress {
    Pending,
    Done(Bytes),
    Failed(Box<Problem>),
    /// Stopped between two steps, as [`Context::ending`] says.
    Ended,
}

/// Why a run, or a part of it, goes no further. A later one outdoes an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ending {
    /// Another branch has failed.
    Sibling,
    Cancel,
    Timeout,
    /// Someone else is to go on: nothing is cleaned up.
    Release,
}

/// Something to do, answered under its path.
#[derive(Debug)]
pub(crate) struct Todo<'a> {
    pub(crate) path: String,
    pub(crate) what: What<'a>,
}

#[derive(Debug)]
pub(crate) enum What<'a> {
    Call {
        node: Cow<'a, NodeName>,
        input: Vec<u8>,
        timeout: Option<Duration>,
    },
    /// A run's row.
    Read(Uuid),
}

impl Todo<'_> {
    /// It may take no longer than its run.
    pub(super) fn end_within(&mut self, left: Duration) {
        if let What::Call { timeout, .. } = &mut self.what {
            *timeout = Some(timeout.unwrap_or(USUAL_TIMEOUT).min(left));
        }
    }
}

pub(crate) struct Context<'a> {
    pub(crate) now: Timestamp,
    pub(crate) ending: Option<Ending>,
    pub(crate) answers: HashMap<String, Result<Bytes, Problem>>,
    pub(crate) signals_seen: u64,
    pub(crate) chance: fn() -> f64,
    /// Steps are called as another than whoever started the run, who may not see what they start.
    pub(crate) acts_as_another: bool,
    pub(crate) todos: Vec<Todo<'a>>,
    pub(crate) told: Vec<StepRow>,
    pub(crate) consumed: Vec<u64>,
    pub(crate) due: bool,
    pub(crate) wake: Option<Timestamp>,
    pub(crate) watches: bool,
    rows: HashMap<String, StepRow>,
    signals: Vec<Signal>,
    steps: usize,
}

impl Context<'_> {
    pub(super) fn new(
        rows: Vec<StepRow>,
        (signals, seen): (Vec<Signal>, u64),
        now: Timestamp,
        chance: fn() -> f64,
    ) -> Self {
        let rows = rows.into_iter().map(|row| (row.path.clone(), row));
        let mut context = Self {
            now,
            ending: None,
            answers: HashMap::new(),
            signals_seen: 0,
            chance,
            acts_as_another: false,
            todos: Vec::new(),
            told: Vec::new(),
            consumed: Vec::new(),
            due: false,
            wake: None,
            watches: false,
            rows: rows.collect(),
            signals: Vec::new(),
            steps: 0,
        };
        context.signal(signals);
        context.signals_seen = context.signals_seen.max(seen);
        context
    }

    pub(super) fn signal(&mut self, signals: Vec<Signal>) {
        for signal in signals {
            if signal.seq > self.signals_seen {
                self.signals_seen = signal.seq;
                self.signals.push(signal);
            }
        }
    }

    /// The first of that name, which is consumed with what is told next.
    pub(super) fn take_signal(&mut self, name: &str) -> Option<Signal> {
        let at = self.signals.iter().position(|signal| signal.name == name)?;
        let signal = self.signals.remove(at);
        self.consumed.push(signal.seq);
        self.due = true;
        Some(signal)
    }

    /// What is known of the step from an earlier walk, once.
    pub(super) fn row(&mut self, path: &str) -> Option<StepRow> {
        self.rows.remove(path)
    }

    /// Whether an earlier walk did something within the step.
    pub(super) fn was_begun(&self, path: &str) -> bool {
        let is_within = |other: &String| {
            let within = other.strip_prefix(path);
            within.is_some_and(|within| within.starts_with('.'))
        };
        self.rows.keys().any(is_within)
    }

    /// Counts a step that begins.
    pub(super) fn count(&mut self) -> Result<(), Box<Problem>> {
        self.steps += 1;
        if self.steps <= MOST_STEPS {
            return Ok(());
        }
        let problem = Problem::new(Code::LimitExceeded)
            .detail(format!("the run has more than {MOST_STEPS} steps"))
            .hint("split it: `call` a workflow of its own for each part");
        Err(Box::new(problem))
    }

    pub(super) fn wake_at(&mut self, time: Timestamp) {
        self.wake = Some(self.wake.map_or(time, |wake| wake.min(time)));
    }

    /// What `work` does, should the rest be ended in that way, unless it is already.
    pub(super) fn within<T>(
        &mut self,
        ending: Option<Ending>,
        work: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let outer = self.ending;
        self.ending = outer.max(ending);
        let worked = work(self);
        self.ending = outer;
        worked
    }

    /// What `work` does as if nothing were to end. Giving back is no end.
    pub(super) fn unharmed<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.ending;
        self.ending = outer.filter(|ending| *ending == Ending::Release);
        let worked = work(self);
        self.ending = outer;
        worked
    }

    pub(super) fn tell(&mut self, row: StepRow) {
        self.told.push(row);
    }
}

/// Of one step, what its rows have in common.
#[derive(Debug)]
pub(super) struct Trail {
    pub(super) path: String,
    pub(super) what: String,
    pub(super) started_at: String,
    /// Tries so far.
    pub(super) attempts: u32,
}

impl Trail {
    fn row(&self, state: StepState, ended_at: Option<String>) -> StepRow {
        StepRow {
            path: self.path.clone(),
            what: self.what.clone(),
            state,
            output: None,
            problem: None,
            attempts: self.attempts,
            note: None,
            started_at: self.started_at.clone(),
            ended_at,
        }
    }

    pub(super) fn skipped(&self, context: &mut Context<'_>) -> Progress {
        let row = self.row(StepState::Skipped, Some(time::text(context.now)));
        context.tell(row);
        Progress::Done(Bytes::from_static(b"null"))
    }

    /// Kept before anything else is done, unless the same rows would tell the same again.
    pub(super) fn done(&self, context: &mut Context<'_>, output: Bytes, due: bool) -> Progress {
        if output.len() > wire::run::LARGEST_OUTPUT {
            return self.failed(context, super::too_large(&format!("step `{}`", self.path)));
        }
        match raw(&output) {
            Ok(raw) => {
                let row = self.row(StepState::Done, Some(time::text(context.now)));
                context.due |= due;
                context.tell(StepRow {
                    output: Some(raw),
                    ..row
                });
                Progress::Done(output)
            }
            Err(problem) => self.failed(context, problem),
        }
    }

    pub(super) fn failed(&self, context: &mut Context<'_>, problem: Problem) -> Progress {
        let row = self.row(StepState::Failed, Some(time::text(context.now)));
        context.due = true;
        context.tell(StepRow {
            problem: Some(problem.clone()),
            ..row
        });
        Progress::Failed(Box::new(problem))
    }

    pub(super) fn waits(&self, context: &mut Context<'_>, note: Note, problem: Option<Problem>) {
        let row = self.row(StepState::Waiting, None);
        context.due = true;
        context.tell(StepRow {
            note: Some(note),
            problem,
            ..row
        });
    }
}
