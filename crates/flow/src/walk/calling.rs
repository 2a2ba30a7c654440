//! A step that calls a node, as often as its retry allows.

use std::borrow::Cow;

use bytes::Bytes;
use jiff::Timestamp;
use model::workflow::{Step, Template};
use wire::run::{Note, StepRow};
use wire::{NodeName, Problem};

use super::context::{Context, Progress, Todo, Trail, What};
use super::step::{Failed, input};
use crate::retry::{self, SHORT};
use crate::scope::Scope;
use crate::{outside, time};

pub(super) struct Calling<'a> {
    step: &'a Step,
    node: Cow<'a, NodeName>,
    input: Vec<u8>,
    trail: Trail,
    state: State,
}

enum State {
    /// To be called at that time.
    Due(Option<Timestamp>),
    Called,
}

impl<'a> Calling<'a> {
    pub(super) fn begin(
        step: &'a Step,
        node: Cow<'a, NodeName>,
        with: &Template,
        mut trail: Trail,
        row: Option<StepRow>,
        scope: &Scope,
    ) -> Result<Self, Failed> {
        let input = match input(with, &trail, scope) {
            Ok(input) => input,
            Err(problem) => return Err(Failed(trail, problem)),
        };
        // A row that waits is of tries that were made.
        trail.attempts = row.as_ref().map_or(0, |row| row.attempts);
        let until = row.and_then(|row| time::read(&row.note?.until?));
        Ok(Self {
            step,
            node,
            input,
            trail,
            state: State::Due(until),
        })
    }

    pub(super) fn poll(&mut self, context: &mut Context<'a>) -> Progress {
        match self.state {
            State::Due(Some(time)) if time > context.now => {
                if context.ending.is_some() {
                    return Progress::Ended;
                }
                context.wake_at(time);
                Progress::Pending
            }
            State::Due(_) if context.ending.is_some() => Progress::Ended,
            State::Due(_) => self.call(context),
            State::Called => match context.answers.remove(&self.trail.path) {
                None => Progress::Pending,
                Some(Ok(answer)) => self.answered(context, answer),
                Some(Err(problem)) => self.failed(context, problem),
            },
        }
    }

    fn call(&mut self, context: &mut Context<'a>) -> Progress {
        self.trail.attempts += 1;
        self.state = State::Called;
        // The last try may take the input along.
        let input = if self.trail.attempts >= self.step.retry.attempts {
            std::mem::take(&mut self.input)
        } else {
            self.input.clone()
        };
        context.todos.push(Todo {
            path: self.trail.path.clone(),
            what: What::Call {
                node: self.node.clone(),
                input,
                timeout: self.step.timeout,
            },
        });
        Progress::Pending
    }

    fn answered(&mut self, context: &mut Context<'a>, answer: Bytes) -> Progress {
        if outside::is_outside(&self.node) {
            self.trail.done(context, answer, true)
        } else {
            // Its row was written with its effect.
            Progress::Done(answer)
        }
    }

    fn failed(&mut self, context: &mut Context<'a>, problem: Problem) -> Progress {
        let chance = (context.chance)();
        let pause = retry::pause(&self.step.retry, self.trail.attempts, &problem, chance);
        let Some(pause) = pause else {
            return self.trail.failed(context, problem);
        };
        let until = time::after(context.now, pause);
        if pause >= SHORT {
            let note = Note {
                until: Some(time::text(until)),
                ..Note::default()
            };
            self.trail.waits(context, note, Some(problem));
        }
        self.state = State::Due(Some(until));
        self.poll(context)
    }
}
