//! Small pages: alone while few are asked for, else several in a row on one connection, which spares both sides most of
//! their waking up. Nobody stays behind a slow one: who is not answered soon asks again alone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use tokio::sync::oneshot;
use tokio_postgres::Row;

use super::{Postgres, run};
use crate::Error;
use crate::sql::Statement;

/// Pages asked for in a row.
const MOST_IN_A_ROW: usize = 8;
/// For an answer from a row. Most take a fraction of a millisecond.
const PATIENCE: Duration = Duration::from_millis(25);

/// Somebody who waits for a place in a row.
pub(super) struct Asked {
    statement: Arc<Statement>,
    answer: oneshot::Sender<Vec<Row>>,
}

/// See [`super::reading`]: who is alone lets those go who have come meanwhile.
struct Turn(Arc<Postgres>);

impl Drop for Turn {
    fn drop(&mut self) {
        let jobs = self.0.pages.next(MOST_IN_A_ROW);
        if !jobs.is_empty() {
            let postgres = Arc::clone(&self.0);
            self.0.pool.spawn(postgres.page_rounds(jobs));
        }
    }
}

impl Postgres {
    /// A read that is not expected to take long, though it may.
    pub(crate) async fn page(
        self: &Arc<Self>,
        statement: Statement,
        deadline: Option<Instant>,
    ) -> Result<Vec<Row>, Error> {
        let statement = Arc::new(statement);
        let mut answered = None;
        let goes_now = self.pages.goes_now(|| {
            let (answer, receiver) = oneshot::channel();
            answered = Some(receiver);
            Asked {
                statement: Arc::clone(&statement),
                answer,
            }
        });
        let _turn = goes_now.then(|| Turn(Arc::clone(self)));
        if let Some(answered) = answered
            && let Ok(Ok(rows)) = tokio::time::timeout(PATIENCE, answered).await
        {
            return Ok(rows);
        }
        // Also who met a failure: reads may be asked again, and alone it is told as it is.
        self.scan(&statement, deadline).await
    }

    async fn page_rounds(self: Arc<Self>, mut jobs: Vec<Asked>) {
        while !jobs.is_empty() {
            // Whoever lost patience asks alone by now.
            jobs.retain(|job| !job.answer.is_closed());
            self.page_round(jobs).await;
            jobs = self.pages.next(MOST_IN_A_ROW);
        }
    }

    async fn page_round(&self, jobs: Vec<Asked>) {
        if jobs.is_empty() {
            return;
        }
        // Without a connection all ask alone, and wait for one there.
        let Ok(lent) = self.pool.lend().await else {
            return;
        };
        let connection = &lent.connection;
        let (statements, answers): (Vec<_>, Vec<_>) = jobs
            .into_iter()
            .map(|job| (job.statement, job.answer))
            .unzip();
        let asked = statements
            .iter()
            .map(|statement| run(connection, statement));
        let mut row: FuturesOrdered<_> = asked.collect();
        let mut is_stuck = false;
        for mut answer in answers {
            let rows = tokio::select! {
                biased;
                rows = row.next() => rows,
                () = answer.closed() => {
                    is_stuck = true;
                    break;
                }
            };
            if let Some(Ok(rows)) = rows {
                let _ = answer.send(rows);
            }
        }
        drop(row);
        if is_stuck {
            // The rest of the row asks alone. The connection is given up: a cancel may arrive after its statement has
            // ended, and would hit that of whoever had the connection next.
            self.pool.cancel(lent);
        } else {
            self.pool.give_back(lent);
        }
    }
}
