//! A step that calls another workflow: begins a run of its own, and waits until that has ended.

use std::borrow::Cow;

use bytes::Bytes;
use jiff::Timestamp;
use model::workflow::{Step, Template};
use uuid::Uuid;
use wire::run::{Note, Run, State, StepRow};
use wire::{Code, NodeName, Problem};

use super::context::{Context, Progress, Todo, Trail, What};
use super::step::{Failed, input};
use crate::scope::Scope;
use crate::{retry, time};

/// How often a run is looked at while other branches are under way; else the rows tell when it has ended.
const LOOK: std::time::Duration = std::time::Duration::from_secs(1);

pub(super) struct Child<'a> {
    step: &'a Step,
    workflow: &'a str,
    input: Vec<u8>,
    trail: Trail,
    state: Phase,
}

enum Phase {
    /// To be begun at that time.
    Due(Option<Timestamp>),
    Beginning,
    /// Its end is waited for, to that time at most.
    Begun {
        run: Uuid,
        until: Option<Timestamp>,
        look: Look,
    },
}

enum Look {
    At(Timestamp),
    Asked,
}

impl<'a> Child<'a> {
    pub(super) fn begin(
        step: &'a Step,
        workflow: &'a str,
        with: &Template,
        mut trail: Trail,
        row: Option<StepRow>,
        scope: &Scope,
    ) -> Result<Self, Failed> {
        let input = match input(with, &trail, scope) {
            Ok(input) => input,
            Err(problem) => return Err(Failed(trail, problem)),
        };
        trail.attempts = row.as_ref().map_or(0, |row| row.attempts);
        let note = row.and_then(|row| row.note).unwrap_or_default();
        let until = note.until.as_deref().and_then(time::read);
        let state = match note.run {
            Some(run) => Phase::Begun {
                run,
                until,
                look: Look::At(Timestamp::MIN),
            },
            None => Phase::Due(until),
        };
        Ok(Self {
            step,
            workflow,
            input,
            trail,
            state,
        })
    }

    pub(super) fn poll(&mut self, context: &mut Context<'a>) -> Progress {
        match &self.state {
            Phase::Due(_) if context.ending.is_some() => Progress::Ended,
            Phase::Due(Some(time)) if *time > context.now => {
                context.wake_at(*time);
                Progress::Pending
            }
            Phase::Due(_) => self.start(context),
            Phase::Beginning => match context.answers.remove(&self.trail.path) {
                None => Progress::Pending,
                Some(answer) => self.looked(context, answer),
            },
            Phase::Begun { .. } => self.watch(context),
        }
    }

    fn start(&mut self, context: &mut Context<'a>) -> Progress {
        self.trail.attempts += 1;
        self.state = Phase::Beginning;
        context.todos.push(Todo {
            path: self.trail.path.clone(),
            what: self.call(),
        });
        Progress::Pending
    }

    /// A step that began a run answers that run, whoever asks and however it stands.
    fn call(&self) -> What<'a> {
        What::Call {
            node: Cow::Owned(NodeName::of_model("workflow", self.workflow)),
            input: self.input.clone(),
            timeout: None,
        }
    }

    fn watch(&mut self, context: &mut Context<'a>) -> Progress {
        if let Some(answer) = context.answers.remove(&self.trail.path) {
            return self.looked(context, answer);
        }
        let Phase::Begun { run, until, look } = &mut self.state else {
            return Progress::Pending;
        };
        if context.ending.is_some() {
            return Progress::Ended;
        }
        if until.is_some_and(|until| until <= context.now) {
            let path = &self.trail.path;
            let problem = Problem::new(Code::Timeout)
                .detail(format!("step `{path}`: run {run} has not ended in time"));
            return self.failed(context, problem);
        }
        if let Some(until) = *until {
            context.wake_at(until);
        }
        match look {
            Look::At(time) if *time <= context.now => {
                *look = Look::Asked;
                let what = if context.acts_as_another {
                    self.call()
                } else {
                    What::Read(*run)
                };
                context.todos.push(Todo {
                    path: self.trail.path.clone(),
                    what,
                });
            }
            Look::At(_) => context.watches = true,
            Look::Asked => {}
        }
        Progress::Pending
    }

    /// The run's row came, on its beginning or later.
    fn looked(&mut self, context: &mut Context<'a>, answer: Result<Bytes, Problem>) -> Progress {
        let later = time::after(context.now, LOOK);
        let run: Run = match (answer.and_then(|answer| read(&answer)), &mut self.state) {
            (Ok(run), _) => run,
            // That it cannot be looked at says nothing of the run.
            (Err(problem), Phase::Begun { look, .. }) if problem.code != Code::NotFound => {
                *look = Look::At(later);
                return self.watch(context);
            }
            (Err(problem), _) => return self.failed(context, problem),
        };
        match run.state {
            State::Succeeded => {
                let output = run.output.map_or(Bytes::from_static(b"null"), |output| {
                    Bytes::from(Box::<str>::from(output).into_string())
                });
                return self.trail.done(context, output, true);
            }
            State::Failed => {
                let problem = run.problem.unwrap_or_else(|| Problem::new(Code::Internal));
                return self.failed(context, problem);
            }
            State::Cancelled => {
                let detail = format!("run {} of `{}` was cancelled", run.id, self.workflow);
                return self.failed(context, Problem::new(Code::Cancelled).detail(detail));
            }
            State::Queued | State::Running | State::Waiting => {}
        }
        let look = Look::At(later);
        match &mut self.state {
            Phase::Begun { look: old, .. } => *old = look,
            Phase::Due(_) | Phase::Beginning => {
                let until = self
                    .step
                    .timeout
                    .map(|timeout| time::after(context.now, timeout));
                // That it waits for the run was written when that began.
                if until.is_some() {
                    let note = Note {
                        run: Some(run.id),
                        until: until.map(time::text),
                        ..Note::default()
                    };
                    self.trail.waits(context, note, None);
                }
                self.state = Phase::Begun {
                    run: run.id,
                    until,
                    look,
                };
            }
        }
        self.watch(context)
    }

    fn failed(&mut self, context: &mut Context<'a>, problem: Problem) -> Progress {
        let chance = (context.chance)();
        let pause = retry::pause(&self.step.retry, self.trail.attempts, &problem, chance);
        let Some(pause) = pause else {
            return self.trail.failed(context, problem);
        };
        let until = time::after(context.now, pause);
        // Also of a short one: the row must no longer name the run that failed.
        let note = Note {
            until: Some(time::text(until)),
            ..Note::default()
        };
        self.trail.waits(context, note, Some(problem));
        self.state = Phase::Due(Some(until));
        self.poll(context)
    }
}

fn read(answer: &[u8]) -> Result<Run, Problem> {
    serde_json::from_slice(answer).map_err(|error| {
        Problem::new(Code::Internal)
            .detail(format!("the answer about a run cannot be read: {error}"))
    })
}
