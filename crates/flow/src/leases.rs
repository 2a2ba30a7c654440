//! The leases that are held here, renewed together, and what renewals tell of their runs. Of a run that was cancelled or
//! sent a signal dataflow tells at once, and its lease is renewed then.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{Notify, watch};
use uuid::Uuid;
use wire::run::{Acting, Held, LEASE, Lease, RENEWAL, Renew, Renewed, Signal, StillHeld, Told};
use wire::{Caller, Code};

use crate::asking::Asking;

/// What a run's lease brings while it is held. Once the lease is lost its sender is gone.
#[derive(Debug, Clone, Default)]
pub(crate) struct News {
    pub(crate) caller: Caller,
    pub(crate) cancelling: bool,
    pub(crate) signals: Vec<Signal>,
}

#[derive(Default)]
pub(crate) struct Leases {
    kept: Mutex<HashMap<Uuid, Kept>>,
    /// One renewal at a time, so that none tells what another knew better.
    renewing: tokio::sync::Mutex<()>,
    heard: Mutex<Heard>,
    /// Of runs that are held there is news.
    due: Notify,
}

/// What was told, until it is looked at.
#[derive(Default)]
struct Heard {
    any: bool,
    /// Also of those that are not held here: a claim may be about to bring them.
    runs: HashMap<Uuid, Instant>,
}

struct Kept {
    lease: Uuid,
    renewed: Instant,
    news: watch::Sender<News>,
}

impl Leases {
    pub(crate) fn keep(&self, held: &Held, since: Instant) -> watch::Receiver<News> {
        let (news, told) = watch::channel(News {
            caller: caller(&held.caller),
            cancelling: held.run.cancelling,
            signals: Vec::new(),
        });
        let kept = Kept {
            lease: held.lease,
            renewed: since,
            news,
        };
        self.kept().insert(held.run.id, kept);
        if self.heard().runs.contains_key(&held.run.id) {
            self.due.notify_one();
        }
        told
    }

    /// Of that run, or of any, there may be news.
    pub(crate) fn hear(&self, told: Told) {
        let mut heard = self.heard();
        match told {
            Told::Any => heard.any = true,
            Told::Run(run) => drop(heard.runs.insert(run, Instant::now())),
        }
        self.due.notify_one();
    }

    /// The run is no longer carried here.
    pub(crate) fn forget(&self, run: Uuid, lease: Uuid) {
        let mut kept = self.kept();
        if kept.get(&run).is_some_and(|kept| kept.lease == lease) {
            kept.remove(&run);
        }
    }

    /// Renews for ever, all from time to time, and those of which something was heard at once.
    pub(crate) async fn renew(&self, asking: &Asking) {
        tokio::join!(self.renew_all(asking), self.renew_heard(asking));
    }

    async fn renew_heard(&self, asking: &Asking) {
        loop {
            self.due.notified().await;
            let leases = self.leases_heard();
            self.renew_once(asking, leases).await;
        }
    }

    /// The leases that are held of runs of which something was heard.
    fn leases_heard(&self) -> Vec<Lease> {
        let held = self.leases();
        let mut heard = self.heard();
        // Of later claims, and by the next renewal of all, it comes by itself.
        heard.runs.retain(|_, at| at.elapsed() < RENEWAL);
        if std::mem::take(&mut heard.any) {
            return held;
        }
        let is_heard = |lease: &Lease| heard.runs.remove(&lease.run).is_some();
        held.into_iter().filter(is_heard).collect()
    }

    async fn renew_all(&self, asking: &Asking) {
        let mut ticks = tokio::time::interval(RENEWAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            self.renew_once(asking, self.leases()).await;
        }
    }

    fn leases(&self) -> Vec<Lease> {
        let kept = self.kept();
        let lease = |(run, kept): (&Uuid, &Kept)| Lease {
            run: *run,
            lease: kept.lease,
        };
        kept.iter().map(lease).collect()
    }

    async fn renew_once(&self, asking: &Asking, leases: Vec<Lease>) {
        if leases.is_empty() {
            return;
        }
        let _alone = self.renewing.lock().await;
        let begun = Instant::now();
        let renew = Renew { leases };
        let renewed = asking
            .hidden_once::<Renewed>("renew", &renew, RENEWAL)
            .await;
        match renewed {
            Ok(renewed) => self.renewed(&renew.leases, renewed, begun),
            Err(problem) => {
                if problem.code != Code::Unavailable {
                    tracing::warn!(
                        code = problem.code.as_str(),
                        "leases cannot be renewed: {problem}"
                    );
                }
                self.kept().retain(|_, kept| kept.renewed + LEASE > begun);
            }
        }
    }

    fn renewed(&self, asked: &[Lease], renewed: Renewed, at: Instant) {
        let mut held: HashMap<Uuid, StillHeld> = renewed
            .runs
            .into_iter()
            .map(|held| (held.run, held))
            .collect();
        let mut kept = self.kept();
        for Lease { run, lease } in asked {
            let Some(one) = kept.get_mut(run).filter(|kept| kept.lease == *lease) else {
                continue;
            };
            let Some(still) = held.remove(run) else {
                kept.remove(run);
                continue;
            };
            one.renewed = at;
            one.news.send_modify(|news| {
                news.caller = caller(&still.caller);
                news.cancelling = still.cancelling;
                news.signals = still.signals;
            });
        }
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<Uuid, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn caller(acting: &Acting) -> Caller {
    acting
        .assertion
        .clone()
        .map_or(Caller::Anonymous, Caller::Assertion)
}
