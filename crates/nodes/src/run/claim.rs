//! `run.claim`: runs that may go on, handed to whoever asks. One of those who ask looks, the others wait behind it; what
//! begins in this process meanwhile is its own from the first, what happens else here wakes it at once, others tell theirs,
//! and a clock does the rest.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use access::Signer;
use arc_swap::ArcSwap;
use store::{RunRow, Store};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;
use wire::run::{Advance, Claim, Claimed, Held, Signal, StepRow, Then};
use wire::{Answer, Problem};

use super::depth::Depth;
use super::handing::{Desk, Handed};
use super::schedules::Schedules;
use super::steered::revoked;
use super::told::Telling;
use super::triggers::Triggers;
use super::{acting, input};
use crate::keys;
use crate::live::Live;
use crate::problem;
use crate::workflow::answer_of;

/// The longest between two looks, for what nobody told.
const FALLBACK: Duration = Duration::from_secs(2);
/// The pause after the store failed.
const PAUSE: Duration = Duration::from_secs(1);
/// How long it is believed that a key is good.
const BELIEVED: Duration = Duration::from_secs(1);

pub(crate) struct Runs {
    pub(super) store: Store,
    pub(super) live: Arc<ArcSwap<Live>>,
    pub(super) signer: Signer,
    /// What begins while somebody waits.
    pub(crate) desk: Desk,
    /// Held by whoever looks.
    look: tokio::sync::Mutex<Look>,
    /// Something may be there.
    pub(super) news: Notify,
    pub(super) telling: Telling,
    pub(super) depth: tokio::sync::Mutex<Depth>,
    waiting: AtomicUsize,
    pub(super) ending: CancellationToken,
    pub(super) tasks: TaskTracker,
    kept: Mutex<HashMap<(String, String), Instant>>,
    good: Mutex<HashMap<String, (bool, Instant)>>,
}

#[derive(Default)]
struct Look {
    /// Nothing was there at the last look, and nothing comes by itself before then.
    quiet_until: Option<Instant>,
    /// The last look found all that there was: who begins now overtakes nobody.
    keeps_up: bool,
    schedules: Schedules,
    triggers: Triggers,
}

/// One of those who wait.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

pub(crate) async fn call(runs: &Arc<Runs>, text: &str) -> Result<Answer, Problem> {
    let claim: Claim = input::own(text)?;
    let most = claim.most.clamp(1, Claim::MOST);
    let wait = Duration::from_millis(claim.wait_ms.min(Claim::LONGEST_WAIT).into());
    let waiting = runs.wait(most, Instant::now() + wait);
    let claimed = tokio::select! {
        claimed = waiting => claimed?,
        () = runs.ending.cancelled() => Vec::new(),
    };
    Ok(Answer::json(answer_of(&Claimed { runs: claimed })?))
}

impl Runs {
    pub(crate) fn new(store: Store, live: Arc<ArcSwap<Live>>, signer: Signer) -> Arc<Self> {
        Arc::new(Self {
            store,
            live,
            signer,
            desk: Desk::default(),
            look: tokio::sync::Mutex::default(),
            news: Notify::new(),
            telling: Telling::default(),
            depth: tokio::sync::Mutex::default(),
            waiting: AtomicUsize::new(0),
            ending: CancellationToken::new(),
            tasks: TaskTracker::new(),
            kept: Mutex::default(),
            good: Mutex::default(),
        })
    }

    /// Nobody waits for runs any more.
    pub(crate) fn end_claims(&self) {
        self.ending.cancel();
    }

    pub(crate) async fn end(self: &Arc<Self>) {
        self.end_claims();
        self.give_back().await;
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Runs for which nobody has come.
    async fn give_back(self: &Arc<Self>) {
        for handed in self.desk.take(u32::MAX) {
            let given = self.say(&handed.row, handed.lease, Then::Release).await;
            if let Err(problem) = given {
                tracing::debug!(error = %problem, "a run is left to its lease");
            }
        }
    }

    pub(super) fn kept(&self) -> MutexGuard<'_, HashMap<(String, String), Instant>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A run may go on.
    pub(crate) fn wake(self: &Arc<Self>) {
        self.news.notify_one();
        if self.waiting.load(Ordering::Acquire) == 0 {
            self.tell_others();
        }
    }

    async fn wait(self: &Arc<Self>, most: u32, until: Instant) -> Result<Vec<Held>, Problem> {
        let waiting = Waiting::new(&self.waiting);
        let turn = tokio::time::timeout_at(until.into(), self.look.lock()).await;
        let Ok(mut look) = turn else {
            return Ok(Vec::new());
        };
        self.hear();
        loop {
            if let Some(quiet) = look.quiet_until {
                let ends = quiet.min(until);
                let open = self.desk.open(most);
                let is_over = tokio::select! {
                    () = self.desk.heard() => false,
                    heard = tokio::time::timeout_at(ends.into(), self.news.notified()) => {
                        look.quiet_until = None;
                        heard.is_err() && until <= quiet
                    }
                };
                drop(open);
                let handed = self.desk.take(most);
                if is_over || !handed.is_empty() {
                    return self.held_of_desk(handed).await;
                }
                if look.quiet_until.is_some() {
                    continue;
                }
            }
            // Some of the places are for those who begin meanwhile.
            let kept = if look.keeps_up { most / 2 } else { 0 };
            let open = self.desk.open(kept);
            let claimed = self.look(&mut look, most - kept).await;
            drop(open);
            let mut claimed = match claimed {
                Ok(claimed) => claimed,
                Err(problem) if until.elapsed().is_zero() => {
                    tracing::debug!(error = %problem, "who waits for runs waits for the store");
                    look.quiet_until = Some(Instant::now() + PAUSE);
                    continue;
                }
                Err(problem) => return Err(problem),
            };
            look.keeps_up = claimed.len() < (most - kept) as usize;
            claimed.extend(self.held_of_desk(self.desk.take(kept)).await?);
            if !look.keeps_up {
                drop(waiting);
                self.wake();
                return Ok(claimed);
            }
            if !claimed.is_empty() {
                return Ok(claimed);
            }
        }
    }

    async fn held_of_desk(self: &Arc<Self>, handed: Vec<Handed>) -> Result<Vec<Held>, Problem> {
        let rows = handed.into_iter().map(|handed| (handed.row, handed.lease));
        self.held(rows.collect()).await
    }

    /// Claims what there is.
    async fn look(self: &Arc<Self>, look: &mut Look, most: u32) -> Result<Vec<Held>, Problem> {
        let live = self.live.load_full();
        look.schedules.fire(self, &live).await?;
        look.triggers.fire(self, &live).await;
        let lease = Uuid::now_v7();
        let rows = self.store.claim_runs(lease, most).await;
        let rows = rows.map_err(problem::of_store)?;
        let rows: Vec<_> = rows.into_iter().map(|row| (row, lease)).collect();
        if rows.is_empty() {
            let (due, ticks) = tokio::join!(self.store.next_due(), look.schedules.look(self));
            let due = due.map_err(problem::of_store)?;
            let changes = look.triggers.next().unwrap_or(FALLBACK);
            let next = due.unwrap_or(FALLBACK).min(ticks?.unwrap_or(FALLBACK));
            let next = next.min(changes);
            // Just past, so that it is due.
            let next = next.min(FALLBACK) + Duration::from_millis(1);
            look.quiet_until = Some(Instant::now() + next);
            return Ok(Vec::new());
        }
        self.held(rows).await
    }

    /// Each with its lease.
    async fn held(self: &Arc<Self>, rows: Vec<(RunRow, Uuid)>) -> Result<Vec<Held>, Problem> {
        let begun: Vec<_> = rows
            .iter()
            .filter(|(row, _)| !row.is_fresh)
            .map(|(row, _)| row.run.id)
            .collect();
        let mut steps: HashMap<Uuid, Vec<StepRow>> = HashMap::new();
        let mut signals: HashMap<Uuid, Vec<Signal>> = HashMap::new();
        if !begun.is_empty() {
            let (found, told) =
                tokio::join!(self.store.steps_of(&begun), self.store.signals_of(&begun));
            for (run, step) in found.map_err(problem::of_store)? {
                steps.entry(run).or_default().push(step);
            }
            for (run, signal) in told.map_err(problem::of_store)? {
                signals.entry(run).or_default().push(signal);
            }
        }
        let mut held = Vec::with_capacity(rows.len());
        for (row, lease) in rows {
            let principal = acting::principal(&row.acting);
            if !self.is_good(&principal.id).await? {
                // Nobody acts for one whose credential was taken.
                self.say(&row, lease, Then::Fail(revoked())).await?;
                continue;
            }
            held.push(Held {
                lease,
                caller: acting::sign(&self.signer, &principal),
                steps: steps.remove(&row.run.id).unwrap_or_default(),
                signals: signals.remove(&row.run.id).unwrap_or_default(),
                signals_seen: row.signals,
                fresh: row.is_fresh,
                run: row.run,
            });
        }
        Ok(held)
    }

    /// What comes next of a run that nobody has begun to carry out.
    async fn say(self: &Arc<Self>, row: &RunRow, lease: Uuid, then: Then) -> Result<(), Problem> {
        let advance = Advance {
            run: row.run.id,
            epoch: row.run.epoch,
            lease,
            steps: Vec::new(),
            consumed: Vec::new(),
            then,
        };
        let said = self.store.advance_run(&advance).await;
        self.steer(&said.map_err(problem::of_store)?.cancelled);
        Ok(())
    }

    /// Whether who once called may still do so.
    pub(super) async fn is_good(&self, caller: &str) -> Result<bool, Problem> {
        let known = || self.good.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((good, at)) = known().get(caller)
            && at.elapsed() < BELIEVED
        {
            return Ok(*good);
        }
        let good = keys::is_good(&self.store, caller).await;
        let good = good.map_err(problem::of_store)?;
        let mut known = known();
        if known.len() >= 10_000 {
            known.clear();
        }
        known.insert(caller.to_owned(), (good, Instant::now()));
        Ok(good)
    }
}
