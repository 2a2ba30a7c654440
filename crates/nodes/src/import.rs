//! Any number of records as they come: read, checked and written part by part, in one transaction.

mod records;

use std::sync::Arc;
use std::time::{Duration, Instant};

use model::{FieldId, Model, Verb};
use store::Tx;
use wire::{Answer, Body, Code, Meta, Problem};

use crate::answers::Touched;
use crate::arguments::Pairs;
use crate::context::Context;
use crate::create::no_query;
use crate::door::Door;
use crate::idempotency::{self, InFlight, Key};
use crate::work::{check_affected, settle};
use crate::{body, bulk, plan, problem};
use records::Records;

/// Tells those who send more than fits a call how it would be taken.
pub(crate) fn hinted(problem: Problem) -> Problem {
    match problem.code {
        Code::LimitExceeded | Code::PayloadTooLarge => problem.hint(
            "send fewer records at a time, or any number as JSON Lines or CSV with `Prefer: return=minimal`",
        ),
        _ => problem,
    }
}

/// What is asked beside the records.
pub(crate) struct Import<'a> {
    pub(crate) model: &'a Arc<Model>,
    pub(crate) verb: Verb,
    pub(crate) pairs: Pairs,
    /// Its hash is known once the body was read.
    pub(crate) key: Option<Key>,
    pub(crate) asked: idempotency::Hash,
    pub(crate) deadline: Option<Instant>,
}

/// A body that is read no further is read away for a while: whoever still sends on a connection that closes never sees
/// why.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 64 << 20;

pub(crate) async fn call(
    cx: &Context<'_>,
    in_flight: &InFlight,
    import: Import<'_>,
    body: Body,
) -> Result<Answer, Problem> {
    let Import {
        model,
        verb,
        pairs,
        mut key,
        asked,
        deadline,
    } = import;
    let until = Instant::now().checked_add(cx.limits.stream_time);
    let until = deadline.into_iter().chain(until).min();
    let mut records = Records::new(cx, model, body, asked);
    let work = async {
        let on = begin(cx, model, verb, pairs)?;
        let _admission = cx.store.admit().map_err(problem::of_store)?;
        let _held = key.as_ref().map(|key| in_flight.enter(key)).transpose()?;
        let mut tx = begin_patient(cx, until).await?;
        if let Some(key) = &mut key {
            match key.claim(&mut tx).await {
                Ok(_) => {}
                // The key was used; whether by this very body is known at its end, for which nobody is kept waiting.
                Err(used) if used.code == Code::IdempotencyMismatch => {
                    tx.rollback().await.map_err(problem::of_store)?;
                    records.skip().await?;
                    key.hash = records.hash();
                    return replay(cx, key, until).await;
                }
                Err(problem) => return Err(problem),
            }
        }
        let done = write(
            cx,
            &mut tx,
            model,
            on.as_deref(),
            &mut records,
            key.as_mut(),
        )
        .await;
        settle(cx, tx, done).await
    };
    let done = match until {
        Some(until) => tokio::time::timeout_at(until.into(), work).await,
        None => Ok(work.await),
    };
    let done = done.unwrap_or_else(|_| {
        Err(Problem::new(Code::Timeout)
            .detail("the import took longer than it may; nothing is kept"))
    });
    if done.is_err() {
        // Who sends on after that is not waited for.
        let _ = tokio::time::timeout(LINGER, records.discard(LINGER_BYTES)).await;
    }
    done
}

/// By which fields records are known, where they may be there already. Whoever may not do it at all is told so first.
fn begin(
    cx: &Context<'_>,
    model: &Arc<Model>,
    verb: Verb,
    pairs: Pairs,
) -> Result<Option<Vec<FieldId>>, Problem> {
    plan::need_all(cx, model, verb.needs())?;
    if verb == Verb::BulkUpsert {
        return bulk::known_by(cx, model, pairs, None).map(Some);
    }
    no_query(&pairs, &[])?;
    Ok(None)
}

/// A transaction that may wait for its client, whose patience is not the database's business.
async fn begin_patient(cx: &Context<'_>, until: Option<Instant>) -> Result<Tx, Problem> {
    let mut tx = cx.store.begin(until).await.map_err(problem::of_store)?;
    tx.be_patient().await.map_err(problem::of_store)?;
    Ok(tx)
}

async fn replay(cx: &Context<'_>, key: &Key, until: Option<Instant>) -> Result<Answer, Problem> {
    let mut tx = cx.store.begin(until).await.map_err(problem::of_store)?;
    let claimed = key.claim(&mut tx).await;
    tx.rollback().await.map_err(problem::of_store)?;
    // What was kept may have grown too old meanwhile.
    claimed?.ok_or_else(|| Problem::new(Code::WriteConflict).hint("call again"))
}

async fn write(
    cx: &Context<'_>,
    tx: &mut Tx,
    model: &Arc<Model>,
    on: Option<&[FieldId]>,
    records: &mut Records<'_>,
    key: Option<&mut Key>,
) -> Result<(Answer, Touched), Problem> {
    let mut door = Door::within(tx);
    let (mut affected, mut all_new) = (0, true);
    while let Some(part) = records.next().await? {
        let list = body::list(&part.text, "")?;
        let written = bulk::part(cx, &mut door, model, on, &list, part.first).await;
        let written = written.map_err(|problem| part.with_lines(problem))?;
        all_new &= written.iter().all(|done| done.created);
        affected += written.len() as u64;
        check_affected(door.changed(), cx.options)?;
    }
    let answer = Answer {
        meta: Meta {
            created: on.is_none() || (all_new && affected > 0),
            affected: Some(affected),
            rows: Some(affected),
            ..Meta::default()
        },
        body: Body::empty(),
    };
    let touched = door.touched();
    if let Some(key) = key {
        key.hash = records.hash();
        key.keep(tx, &idempotency::kept(&answer)?).await?;
    }
    Ok((answer, touched))
}
