//! Starts of runs: alone while the way is free, in one statement with others while it is not.

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

/// See [`super::reading`]: who is alone lets those go who have come meanwhile.
struct Turn(Arc<Postgres>);

impl Drop for Turn {
    fn drop(&mut self) {
        let jobs = self.0.starts.next(MOST_RUNS);
        if !jobs.is_empty() {
            let postgres = Arc::clone(&self.0);
            self.0.pool.spawn(postgres.start_rounds(jobs));
        }
    }
}

impl Postgres {
    /// A run without a slot that no other called.
    pub(crate) async fn start(self: &Arc<Self>, run: &NewRun) -> Result<(), Error> {
        let mut answered = None;
        let goes_now = self.starts.goes_now(|| {
            let (answer, receiver) = oneshot::channel();
            answered = Some(receiver);
            Start {
                run: run.clone(),
                answer,
            }
        });
        if goes_now {
            let _turn = Turn(Arc::clone(self));
            return self.start_these(std::slice::from_ref(run)).await;
        }
        let answered = answered.ok_or(Error::Unconfirmed)?;
        answered.await.unwrap_or(Err(Error::Unconfirmed))
    }

    async fn start_rounds(self: Arc<Self>, mut jobs: Vec<Start>) {
        while !jobs.is_empty() {
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
            jobs = self.starts.next(MOST_RUNS);
        }
    }

    async fn start_these(&self, runs: &[NewRun]) -> Result<(), Error> {
        self.tell_texts(&start_all(runs)).await.map(drop)
    }
}
