//! Starts of runs: in one statement with others that come at the same moment, or while the way is not free.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::Postgres;
use crate::sql::run::start_all;
use crate::{Error, NewRun};

/// Rows of one statement.
const MOST_RUNS: usize = 256;

/// Somebody who waits for a round.
pub(super) struct Start {
    run: NewRun,
    answer: oneshot::Sender<Result<(), Error>>,
}

impl Postgres {
    /// A run without a slot that no other called.
    pub(crate) async fn start(self: &Arc<Self>, run: &NewRun) -> Result<(), Error> {
        let (answer, answered) = oneshot::channel();
        let start = Start {
            run: run.clone(),
            answer,
        };
        if self.starts.begins(start) {
            self.pool.spawn(Arc::clone(self).start_rounds());
        }
        answered.await.unwrap_or(Err(Error::Unconfirmed))
    }

    async fn start_rounds(self: Arc<Self>) {
        loop {
            // Who was woken at the same moment comes along.
            tokio::task::yield_now().await;
            let mut jobs = self.starts.next(MOST_RUNS);
            if jobs.is_empty() {
                return;
            }
            // Who has gone must not find it begun later.
            jobs.retain(|job| !job.answer.is_closed());
            let (runs, answers): (Vec<_>, Vec<_>) =
                jobs.into_iter().map(|job| (job.run, job.answer)).unzip();
            if !runs.is_empty() {
                let started = self.start_these(&runs).await;
                for answer in answers {
                    // Who has gone needs no answer.
                    let _ = answer.send(started.clone());
                }
            }
        }
    }

    async fn start_these(&self, runs: &[NewRun]) -> Result<(), Error> {
        self.tell_texts(&start_all(runs)).await.map(drop)
    }
}
