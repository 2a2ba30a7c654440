//! Carrying out what a call is for: directly, in a transaction, or as the step of a run.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use model::{Model, Verb};
use store::Tx;
use wire::run::LARGEST_OUTPUT;
use wire::{Answer, Code, NodeName, Options, Problem, Step};

use crate::answers::Touched;
use crate::arguments::Pairs;
use crate::change::How;
use crate::context::Context;
use crate::door::Door;
use crate::idempotency::Key;
use crate::nodes::Nodes;
use crate::run::handing::Place;
use crate::run::step::{Doing, lost};
use crate::what::What;
use crate::{
    aggregate, body, bulk, change, create, delete, idempotency, problem, read, session,
    transaction, upsert, workflow,
};

/// How often a transaction that collided with others is tried.
const TRIES: u32 = 4;

pub(crate) struct Work<'a> {
    pub(crate) node: &'a NodeName,
    pub(crate) what: &'a What,
    pub(crate) pairs: Pairs,
    pub(crate) text: &'a str,
    pub(crate) key: Option<Key>,
    pub(crate) deadline: Option<Instant>,
}

impl Nodes {
    pub(crate) async fn carry_out(
        &self,
        cx: &Context<'_>,
        work: Work<'_>,
    ) -> Result<Answer, Problem> {
        let may_start = matches!(work.what, What::Workflow(..)) || cx.live.may_trigger(work.what);
        if let What::Workflow(place, _) = work.what {
            Box::pin(self.runs.keep(&cx.live.workflows[*place])).await?;
        }
        let place = self.place_of_run(cx, &work);
        let answered = match &cx.options.step {
            None => self.work(cx, work, place.as_ref()).await,
            Some(step) => Box::pin(self.step(cx, &work, step)).await,
        };
        if may_start && !place.is_some_and(|place| place.is_handed()) {
            self.runs.wake();
        }
        answered
    }

    /// Of a run that waits for nobody and that no other calls.
    fn place_of_run(&self, cx: &Context<'_>, work: &Work<'_>) -> Option<Place<'_>> {
        let What::Workflow(at, _) = work.what else {
            return None;
        };
        let alone = cx.options.step.is_none() && !needs_transaction(cx, work);
        let waits = cx.live.workflows[*at].concurrency.is_some();
        (alone && !waits).then(|| self.runs.desk.place())?
    }

    async fn step(
        &self,
        cx: &Context<'_>,
        work: &Work<'_>,
        step: &Step,
    ) -> Result<Answer, Problem> {
        let doing = Doing {
            step,
            node: work.node,
            starts: matches!(work.what, What::Workflow(..)),
        };
        if work.what.is_read() {
            let mut door = Door::direct(cx, work.deadline);
            let answer =
                perform_what(cx, &mut door, work.what, work.pairs.clone(), work.text).await?;
            return doing.keep(cx, answer).await;
        }
        if is_one_write(cx, work) {
            let step = doing.one_write(cx);
            let mut door = Door::direct(cx, work.deadline);
            if let Door::Direct { step: told, .. } = &mut door {
                *told = Some(&step);
            }
            let pairs = work.pairs.clone();
            let done = perform_what(cx, &mut door, work.what, pairs, work.text).await;
            return match done {
                // What failed may have failed because it was done before.
                Err(problem) => doing.before(cx).await?.ok_or(problem),
                done => done,
            };
        }
        let mut tries = 1;
        loop {
            match self.step_transaction(cx, work, &doing).await {
                Err(problem) if problem.code == Code::WriteConflict && tries < TRIES => {
                    pause(tries).await;
                    tries += 1;
                }
                // What failed may have failed because it was done before.
                Err(problem) => {
                    let before = doing.before(cx).await?.ok_or(problem)?;
                    told(cx, &touched_before(cx, work).await?).await;
                    return Ok(before);
                }
                answer => return answer,
            }
        }
    }

    async fn step_transaction(
        &self,
        cx: &Context<'_>,
        work: &Work<'_>,
        doing: &Doing<'_>,
    ) -> Result<Answer, Problem> {
        let begun = self.store.begin(work.deadline).await;
        let mut tx = begun.map_err(problem::of_store)?;
        let done = async {
            let mut door = Door::within(&mut tx);
            let answer =
                perform_what(cx, &mut door, work.what, work.pairs.clone(), work.text).await?;
            check_affected(door.changed(), cx.options)?;
            let touched = door.touched();
            let (done, answer) = doing.done(cx, answer).await?;
            let kept = tx.keep_step(&done).await;
            if kept.map_err(problem::of_store)? {
                Ok((answer, touched))
            } else {
                Err(lost())
            }
        }
        .await;
        settle(cx, tx, done).await
    }

    async fn work(
        &self,
        cx: &Context<'_>,
        work: Work<'_>,
        place: Option<&Place<'_>>,
    ) -> Result<Answer, Problem> {
        if !needs_transaction(cx, &work) {
            let mut door = Door::direct(cx, work.deadline);
            if let Door::Direct { place: told, .. } = &mut door {
                *told = place;
            }
            return perform_what(cx, &mut door, work.what, work.pairs, work.text).await;
        }
        let key = work.key.as_ref();
        let _held = key.map(|key| self.in_flight.enter(key)).transpose()?;
        let mut tries = 1;
        loop {
            match Box::pin(self.transaction(cx, &work)).await {
                Err(problem) if problem.code == Code::WriteConflict && tries < TRIES => {
                    pause(tries).await;
                    tries += 1;
                }
                answer => return answer,
            }
        }
    }

    async fn transaction(&self, cx: &Context<'_>, work: &Work<'_>) -> Result<Answer, Problem> {
        let begun = self.store.begin(work.deadline).await;
        let mut tx = begun.map_err(problem::of_store)?;
        let done = async {
            if let Some(key) = &work.key
                && let Some(replay) = key.claim(&mut tx).await?
            {
                return Ok((replay, touched_before(cx, work).await?));
            }
            let mut door = Door::within(&mut tx);
            let answer =
                perform_what(cx, &mut door, work.what, work.pairs.clone(), work.text).await?;
            check_affected(door.changed(), cx.options)?;
            let touched = door.touched();
            if let Some(key) = &work.key {
                let kept = idempotency::kept(&answer)?;
                key.keep(&mut tx, &kept).await?;
            }
            Ok((answer, touched))
        }
        .await;
        settle(cx, tx, done).await
    }
}

/// Colliding again at the same moment would help nobody.
async fn pause(tries: u32) {
    tokio::time::sleep(Duration::from_millis(u64::from(tries) * 10)).await;
}

/// Keeps what was done, unless it failed or was only tried.
pub(crate) async fn settle(
    cx: &Context<'_>,
    tx: Tx,
    done: Result<(Answer, Touched), Problem>,
) -> Result<Answer, Problem> {
    match done {
        Ok((mut answer, _)) if cx.options.dry_run && !answer.meta.replayed => {
            tx.rollback().await.map_err(problem::of_store)?;
            answer.meta.rolled_back = true;
            Ok(answer)
        }
        Ok((answer, touched)) => {
            let change = cx.answers.change(&touched);
            let committed = tx.commit().await;
            let renewed = match change {
                Some(change) => Box::pin(change.done()).await,
                None => true,
            };
            committed.map_err(problem::of_store)?;
            if !renewed && session::are_hot(&touched) {
                session::run_out().await;
            }
            Ok(answer)
        }
        Err(problem) => {
            // The problem that matters is the call's; the database undoes an unfinished transaction anyway.
            let _ = tx.rollback().await;
            Err(problem)
        }
    }
}

/// What a call wrote to that was carried out before: whoever did that may have died before others were told.
async fn touched_before(cx: &Context<'_>, work: &Work<'_>) -> Result<Touched, Problem> {
    match work.what {
        What::Session(node) => session::touched(cx, *node, work.text).await,
        _ => Ok(Touched::new()),
    }
}

/// Nobody is told any more what was kept of these.
async fn told(cx: &Context<'_>, touched: &Touched) {
    if touched.is_empty() {
        return;
    }
    if let Some(change) = cx.answers.change(touched)
        && !Box::pin(change.done()).await
    {
        session::run_out().await;
    }
}

fn needs_transaction(cx: &Context<'_>, work: &Work<'_>) -> bool {
    let together = match work.what {
        what if what.is_read() => return false,
        // A list of new records is one statement; in any other form it may be several.
        What::Of(_, Verb::BulkCreate) => !work.text.starts_with('['),
        What::Of(model, verb) => {
            verb.is_bulk() || (*verb == Verb::Delete && delete::has_referrers(cx, model))
        }
        What::Workflow(..) => false,
        _ => true,
    };
    together || work.key.is_some() || cx.options.dry_run || cx.options.max_affected.is_some()
}

/// The answer of which is told from what it writes, and is small enough to be kept.
fn is_one_write(cx: &Context<'_>, work: &Work<'_>) -> bool {
    matches!(work.what, What::Of(_, Verb::Create))
        && cx.options.max_affected.is_none()
        && work.text.len() <= LARGEST_OUTPUT / 2
}

/// Refuses what changed more than the caller allows; the transaction is rolled back then.
pub(crate) fn check_affected(changed: u64, options: &Options) -> Result<(), Problem> {
    match options.max_affected {
        Some(most) if changed > most => Err(Problem::new(Code::MaxAffected).detail(format!(
            "{changed} records would change, and {most} are allowed; nothing was changed"
        ))),
        _ => Ok(()),
    }
}

async fn perform_what(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    what: &What,
    pairs: Pairs,
    text: &str,
) -> Result<Answer, Problem> {
    match what {
        What::Of(model, verb) => perform(cx, door, model, *verb, pairs, text).await,
        What::Workflow(place, _) => {
            let workflow = &cx.live.workflows[*place];
            Box::pin(workflow::call(cx, door, workflow, &pairs, text)).await
        }
        What::Session(node) => Box::pin(session::call(cx, door, *node, &pairs, text)).await,
        _ => Box::pin(transaction::call(cx, door, pairs, text)).await,
    }
}

/// One node of a model.
pub(crate) fn perform<'a>(
    cx: &'a Context<'a>,
    door: &'a mut Door<'_>,
    model: &'a Arc<Model>,
    verb: Verb,
    pairs: Pairs,
    text: &'a str,
) -> BoxFuture<'a, Result<Answer, Problem>> {
    async move {
        // Who may not do it at all learns nothing from how the input is read.
        for action in verb.needs() {
            cx.grant(model, *action)?;
        }
        if verb.is_bulk() {
            return Box::pin(many(cx, door, model, verb, pairs, text)).await;
        }
        let object = body::object(text, "")?;
        let done = match verb {
            Verb::Read => return read::read(cx, door, model, pairs, &object).await,
            Verb::List => return read::list(cx, door, model, pairs, &object).await,
            Verb::Count => return read::count(cx, door, model, pairs, &object).await,
            Verb::Search => return read::search(cx, door, model, pairs, &object).await,
            Verb::Aggregate => return aggregate::call(cx, door, model, pairs, &object).await,
            Verb::Create => create::call(cx, door, model, pairs, &object).await?,
            Verb::Update => change::call(cx, door, model, pairs, &object, How::Update).await?,
            Verb::Replace => change::call(cx, door, model, pairs, &object, How::Replace).await?,
            Verb::Restore => change::restore(cx, door, model, pairs, &object).await?,
            Verb::Delete => delete::call(cx, door, model, pairs, &object).await?,
            _ => upsert::call(cx, door, model, pairs, &object).await?,
        };
        Ok(done.answer())
    }
    .boxed()
}

/// Of many records.
async fn many(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    model: &Arc<Model>,
    verb: Verb,
    pairs: Pairs,
    text: &str,
) -> Result<Answer, Problem> {
    match verb {
        Verb::BulkCreate => bulk::create(cx, door, model, pairs, text).await,
        Verb::BulkUpdate => bulk::update(cx, door, model, pairs, text).await,
        Verb::BulkDelete => bulk::delete(cx, door, model, pairs, text).await,
        Verb::BulkUpsert => bulk::upsert(cx, door, model, pairs, text).await,
        _ => bulk::bulk(cx, door, model, pairs, text).await,
    }
}
