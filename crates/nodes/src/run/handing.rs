//! Runs that begin while somebody waits for runs are theirs from the first: nobody need look for them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use store::{NewRun, RunRow};
use tokio::sync::Notify;
use uuid::Uuid;
use wire::run::LEASE;

/// Who comes for a run later than this leaves it to whoever looks once its lease has run out.
const FRESH: Duration = Duration::from_secs(LEASE.as_secs() / 2);

/// Where runs are handed over.
#[derive(Default)]
pub(crate) struct Desk {
    state: Mutex<State>,
    news: Notify,
}

#[derive(Default)]
struct State {
    /// How many more whoever waits takes.
    free: u32,
    handed: Vec<Handed>,
}

/// A run, and the lease under which it began.
pub(super) struct Handed {
    pub(super) row: RunRow,
    pub(super) lease: Uuid,
    at: Instant,
}

/// While it lives somebody waits.
pub(super) struct Open<'a>(&'a Desk);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.state().free = 0;
    }
}

/// One run of whoever waits, that is about to begin.
pub(crate) struct Place<'a> {
    desk: &'a Desk,
    pub(crate) lease: Uuid,
    handed: AtomicBool,
}

impl Desk {
    /// One at a time waits for so many.
    pub(super) fn open(&self, most: u32) -> Open<'_> {
        self.state().free = most;
        Open(self)
    }

    /// Nothing where nobody waits.
    pub(crate) fn place(&self) -> Option<Place<'_>> {
        let mut state = self.state();
        state.free = state.free.checked_sub(1)?;
        Some(Place {
            desk: self,
            lease: Uuid::now_v7(),
            handed: AtomicBool::new(false),
        })
    }

    /// Until something was handed over.
    pub(super) async fn heard(&self) {
        self.news.notified().await;
    }

    /// What was handed over, at most so many.
    pub(super) fn take(&self, most: u32) -> Vec<Handed> {
        let mut state = self.state();
        state.handed.retain(|handed| handed.at.elapsed() < FRESH);
        let most = state.handed.len().min(most as usize);
        state.handed.drain(..most).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    /// The run has begun under the place's lease.
    pub(crate) fn hand(&self, run: &NewRun) {
        let Some(row) = run.held_row() else {
            return;
        };
        self.desk.state().handed.push(Handed {
            row,
            lease: self.lease,
            at: Instant::now(),
        });
        self.handed.store(true, Ordering::Release);
        self.desk.news.notify_one();
    }

    pub(crate) fn is_handed(&self) -> bool {
        self.handed.load(Ordering::Acquire)
    }
}
