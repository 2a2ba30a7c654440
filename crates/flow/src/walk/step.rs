//! One step: whether it is done at all, and then what its kind says.

use std::borrow::Cow;

use bytes::Bytes;
use model::workflow::{Action, Asked, Expression, Step, Template};
use serde_json::Value;
use wire::run::{Note, Of, StepRow, StepState};
use wire::{Code, Problem};

use super::block::Block;
use super::calling::Calling;
use super::child::Child;
use super::context::{Context, Progress, Trail};
use super::each::Each;
use super::guarded::Guarded;
use super::parallel::Parallel;
use super::waiting::Waiting;
use crate::scope::Scope;
use crate::time;

/// A step that was begun.
pub(super) enum Doing<'a> {
    /// Of a node: its own rows tell how it ends.
    Calling(Calling<'a>),
    Child(Child<'a>),
    Waiting(Waiting),
    /// Made of others: the row tells what they came to.
    Made(Trail, Box<Made<'a>>),
}

pub(super) enum Made<'a> {
    Each(Each<'a>),
    Switch(Block<'a>),
    Parallel(Parallel<'a>),
    Guarded(Guarded<'a>),
}

impl<'a> Doing<'a> {
    /// What it came to, where that is known without doing anything.
    pub(super) fn begin(
        step: &'a Step,
        path: String,
        scope: &Scope,
        context: &mut Context<'a>,
    ) -> Result<Self, Progress> {
        let row = context.row(&path);
        if let Some(progress) = row.as_ref().and_then(known) {
            return Err(progress);
        }
        if context.ending.is_some() && row.is_none() && !context.was_begun(&path) {
            return Err(Progress::Ended);
        }
        let mut trail = Trail {
            what: what(&step.action),
            started_at: time::text(context.now),
            attempts: 1,
            path,
        };
        if let Err(problem) = context.count() {
            return Err(trail.failed(context, *problem));
        }
        if let Some(row) = &row {
            trail.started_at.clone_from(&row.started_at);
            trail.attempts = row.attempts;
        } else if let Some(condition) = &step.condition {
            match condition.holds(&scope.value()) {
                Ok(true) => {}
                Ok(false) => return Err(trail.skipped(context)),
                Err(why) => {
                    let problem = unclear(&trail, "if", &why);
                    return Err(trail.failed(context, problem));
                }
            }
        }
        Self::of(step, trail, row, scope, context)
    }

    fn of(
        step: &'a Step,
        trail: Trail,
        row: Option<StepRow>,
        scope: &Scope,
        context: &mut Context<'a>,
    ) -> Result<Self, Progress> {
        let begun = match &step.action {
            Action::Node { node, with } => {
                let node = Cow::Borrowed(node);
                Calling::begin(step, node, with, trail, row, scope).map(Self::Calling)
            }
            Action::Call { workflow, with } => {
                Child::begin(step, workflow, with, trail, row, scope).map(Self::Child)
            }
            Action::Wait(wait) => {
                Waiting::for_wait(wait, trail, row, scope, context).map(Self::Waiting)
            }
            Action::Approve {
                message,
                role,
                of,
                form,
                timeout,
            } => {
                let (of, tokens) = asked(*of);
                let note = Note {
                    role: role.clone(),
                    of,
                    tokens,
                    form: (!form.is_empty()).then(|| form.schema()),
                    ..Note::default()
                };
                let asked = (message, note, *timeout);
                Waiting::for_approval(asked, trail, row, scope, context).map(Self::Waiting)
            }
            Action::Each {
                items,
                name,
                parallel,
                steps,
            } => made(trail, |trail, below| {
                let items = list(evaluate(items, "each", trail, scope)?, trail)?;
                let each = Each::new(items, (name, *parallel), steps, below, scope);
                Ok(Made::Each(each))
            }),
            Action::Switch { on, cases, default } => made(trail, |trail, below| {
                let on = evaluate(on, "switch", trail, scope)?;
                let case = cases.iter().find(|(value, _)| equal(value, &on));
                let steps = case.map_or(default, |(_, steps)| steps);
                Ok(Made::Switch(Block::new(steps, below, scope.clone())))
            }),
            Action::Parallel { branches } => made(trail, |_, below| {
                Ok(Made::Parallel(Parallel::new(branches, &below, scope)))
            }),
            Action::Try {
                steps,
                catch,
                finally,
            } => made(trail, |_, below| {
                let parts = [steps.as_slice(), catch, finally];
                Ok(Made::Guarded(Guarded::new(parts, below, scope)))
            }),
        };
        begun.map_err(|failed| failed.tell(context))
    }

    pub(super) fn poll(&mut self, context: &mut Context<'a>) -> Progress {
        let (trail, made) = match self {
            Self::Calling(calling) => return calling.poll(context),
            Self::Child(child) => return child.poll(context),
            Self::Waiting(waiting) => return waiting.poll(context),
            Self::Made(trail, made) => (trail, made),
        };
        let progress = match &mut **made {
            Made::Each(each) => each.poll(context),
            Made::Switch(block) => block.poll(context),
            Made::Parallel(parallel) => parallel.poll(context),
            Made::Guarded(guarded) => guarded.poll(context),
        };
        match progress {
            Progress::Done(answer) => trail.done(context, answer, false),
            Progress::Failed(problem) => trail.failed(context, *problem),
            other => other,
        }
    }
}

fn made<'a>(
    trail: Trail,
    begin: impl FnOnce(&Trail, String) -> Result<Made<'a>, Problem>,
) -> Result<Doing<'a>, Failed> {
    let below = format!("{}.", trail.path);
    match begin(&trail, below) {
        Ok(made) => Ok(Doing::Made(trail, Box::new(made))),
        Err(problem) => Err(Failed(trail, problem)),
    }
}

/// A step that could not be begun.
pub(super) struct Failed(pub(super) Trail, pub(super) Problem);

impl Failed {
    fn tell(self, context: &mut Context<'_>) -> Progress {
        self.0.failed(context, self.1)
    }
}

/// What a row says that the step came to; nothing where the step waits.
fn known(row: &StepRow) -> Option<Progress> {
    match row.state {
        StepState::Done | StepState::Skipped => {
            let output = row.output.as_ref().map_or("null", |output| output.get());
            Some(Progress::Done(Bytes::copy_from_slice(output.as_bytes())))
        }
        StepState::Failed => {
            let problem = row.problem.clone();
            let problem = problem.unwrap_or_else(|| Problem::new(Code::Internal));
            Some(Progress::Failed(Box::new(problem)))
        }
        StepState::Waiting => None,
    }
}

/// As rows name who is asked.
fn asked(of: Asked) -> (Option<Of>, Option<u32>) {
    match of {
        Asked::Person => (None, None),
        Asked::Model { tokens } => (Some(Of::Model), Some(tokens)),
        Asked::Roots => (Some(Of::Roots), None),
    }
}

/// As rows name it.
fn what(action: &Action) -> String {
    match action {
        Action::Node { node, .. } => return node.to_string(),
        Action::Call { workflow, .. } => return format!("workflow.{workflow}"),
        Action::Each { .. } => "each",
        Action::Switch { .. } => "switch",
        Action::Parallel { .. } => "parallel",
        Action::Try { .. } => "try",
        Action::Wait(_) => "wait",
        Action::Approve { .. } => "approve",
    }
    .to_owned()
}

/// An expression that cannot be evaluated with what there is.
pub(super) fn unclear(trail: &Trail, key: &str, why: &str) -> Problem {
    let path = &trail.path;
    Problem::new(Code::InvalidInput)
        .detail(format!("step `{path}`: `{key}` cannot be evaluated: {why}"))
        .hint("the run's steps show what each of them answered")
}

pub(super) fn evaluate(
    expression: &Expression,
    key: &str,
    trail: &Trail,
    scope: &Scope,
) -> Result<Value, Problem> {
    let evaluated = expression.evaluate(&scope.value());
    evaluated.map_err(|why| unclear(trail, key, &why))
}

pub(super) fn render(
    template: &Template,
    key: &str,
    trail: &Trail,
    scope: &Scope,
) -> Result<Value, Problem> {
    let rendered = template.render(&scope.value());
    rendered.map_err(|why| unclear(trail, key, &why))
}

/// An input as it is sent.
pub(super) fn input(with: &Template, trail: &Trail, scope: &Scope) -> Result<Vec<u8>, Problem> {
    let rendered = match with {
        Template::Constant(value) => serde_json::to_vec(value),
        other => serde_json::to_vec(&render(other, "with", trail, scope)?),
    };
    rendered.map_err(|error| unclear(trail, "with", &error.to_string()))
}

fn list(items: Value, trail: &Trail) -> Result<Vec<Value>, Problem> {
    match items {
        Value::Array(items) => Ok(items),
        other => {
            let shown: String = other.to_string().chars().take(60).collect();
            Err(unclear(trail, "each", &format!("`{shown}` is no list")))
        }
    }
}

/// 1 and 1.0 are the same number.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}
