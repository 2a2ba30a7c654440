//! The leases that are held here, renewed together, and what renewals tell of their runs.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::watch;
use uuid::Uuid;
use wire::run::{Acting, Held, LEASE, Lease, RENEWAL, Renew, Renewed, Signal, StillHeld};
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
pub(crate) struct Leases(Mutex<HashMap<Uuid, Kept>>);

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
        told
    }

    /// The run is no longer carried here.
    pub(crate) fn forget(&self, run: Uuid, lease: Uuid) {
        let mut kept = self.kept();
        if kept.get(&run).is_some_and(|kept| kept.lease == lease) {
            kept.remove(&run);
        }
    }

    /// Renews for ever.
    pub(crate) async fn renew(&self, asking: &Asking) {
        let mut ticks = tokio::time::interval(RENEWAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            self.renew_once(asking).await;
        }
    }

    async fn renew_once(&self, asking: &Asking) {
        let leases: Vec<_> = self
            .kept()
            .iter()
            .map(|(run, kept)| Lease {
                run: *run,
                lease: kept.lease,
            })
            .collect();
        if leases.is_empty() {
            return;
        }
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn caller(acting: &Acting) -> Caller {
    acting
        .assertion
        .clone()
        .map_or(Caller::Anonymous, Caller::Assertion)
}
