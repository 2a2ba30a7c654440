//! Steps of runs: the effect, its answer and the step in one transaction, under the run's lease.

use store::{Kept, NewStep, StepDone, StepKept, Written};
use wire::run::LARGEST_OUTPUT;
use wire::{Answer, Body, Code, NodeName, Problem, Step};

use super::asked;
use crate::context::Context;
use crate::idempotency::{kept, replay};
use crate::{create, problem};

/// A step that is being done.
pub(crate) struct Doing<'a> {
    pub(crate) step: &'a Step,
    pub(crate) node: &'a NodeName,
    /// It starts a run, and waits for its end.
    pub(crate) starts: bool,
}

impl Doing<'_> {
    /// What is to be kept of it, and its answer once more.
    pub(crate) async fn done(
        &self,
        cx: &Context<'_>,
        answer: Answer,
    ) -> Result<(StepDone, Answer), Problem> {
        let too_large = |problem: Problem| match problem.code {
            Code::PayloadTooLarge => {
                let detail = format!("the answer of a step has at most {LARGEST_OUTPUT} bytes");
                problem::limit_exceeded(detail).hint("ask for fewer records or fields")
            }
            _ => problem,
        };
        let body = answer.body.collect(LARGEST_OUTPUT).await;
        let answer = Answer {
            body: Body::json(body.map_err(too_large)?),
            meta: answer.meta,
        };
        let kept = kept_of(&answer)?;
        let done = StepDone {
            step: self.step.clone(),
            what: self.node.as_str().to_owned(),
            begun: cx.now,
            kept,
            child: answer.meta.id.filter(|_| self.starts),
        };
        Ok((done, answer))
    }

    /// A step whose one write tells its answer.
    pub(crate) fn one_write(&self, cx: &Context<'_>) -> NewStep {
        NewStep {
            step: self.step.clone(),
            what: self.node.as_str().to_owned(),
            begun: cx.now,
            kept: kept_of_write,
        }
    }

    /// Of a read, which changed nothing.
    pub(crate) async fn keep(&self, cx: &Context<'_>, answer: Answer) -> Result<Answer, Problem> {
        let (done, answer) = self.done(cx, answer).await?;
        let kept = cx.store.keep_step(&done).await;
        if kept.map_err(problem::of_store)? {
            return Ok(answer);
        }
        self.before(cx).await?.ok_or_else(lost)
    }

    /// What was answered when it was done before.
    pub(crate) async fn before(&self, cx: &Context<'_>) -> Result<Option<Answer>, Problem> {
        let found = cx.store.kept_step(self.step).await;
        match found.map_err(problem::of_store)? {
            None => Ok(None),
            Some(StepKept::Answer(kept)) => replay(&kept).map(Some),
            Some(StepKept::Child(child)) => {
                let row = asked::look(cx, child).await?.ok_or_else(asked::missing)?;
                let mut answer = asked::answer(&row)?;
                answer.meta.replayed = true;
                Ok(Some(answer))
            }
        }
    }
}

/// An output is JSON, and nothing is null.
fn kept_of(answer: &Answer) -> Result<Kept, Problem> {
    let kept = kept(answer)?;
    if kept.body.is_empty() {
        let body = bytes::Bytes::from_static(b"null");
        return Ok(Kept { body, ..kept });
    }
    Ok(kept)
}

fn kept_of_write(written: &Written) -> Result<Kept, store::Error> {
    let internal = |why: &str| store::Error::Internal(why.to_owned());
    let row = written.rows.iter().flatten().next();
    let row = row.ok_or_else(|| internal("a step that wrote nothing"))?;
    kept_of(&create::done(row.clone()).answer()).map_err(|problem| internal(&problem.detail))
}

pub(crate) fn lost() -> Problem {
    problem::of_store(store::Error::LeaseLost)
}
