//! Ends of runs: in one statement with others that come at the same moment, or while the way is not free.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::oneshot;
use wire::run::{Advance, Then};

use super::Postgres;
use crate::Error;
use crate::run::Texts;
use crate::sql::run::{advance_at_once, succeed_all};

/// Rows of one statement.
const MOST_RUNS: usize = 256;

/// Somebody who waits for a round.
pub(super) struct Ending {
    advance: Advance,
    answer: oneshot::Sender<Result<Option<Texts>, Error>>,
}

impl Postgres {
    /// What came of steps and what comes next, in one statement; answers when the run ended. Nothing where the lease is
    /// another's, or the run ends and has a slot.
    pub(crate) async fn advance(
        self: &Arc<Self>,
        advance: &Advance,
    ) -> Result<Option<Texts>, Error> {
        let tells_nothing = advance.steps.is_empty() && advance.consumed.is_empty();
        if !tells_nothing || !matches!(advance.then, Then::Succeed(_)) {
            return self.advance_alone(advance).await;
        }
        let (answer, answered) = oneshot::channel();
        let ending = Ending {
            advance: advance.clone(),
            answer,
        };
        if self.ends.begins(ending) {
            self.pool.spawn(Arc::clone(self).end_rounds());
        }
        match answered.await.unwrap_or(Err(Error::Unconfirmed))? {
            Some(row) => Ok(Some(row)),
            // It may be a child, or another may be at work on its row.
            None => self.advance_alone(advance).await,
        }
    }

    async fn advance_alone(&self, advance: &Advance) -> Result<Option<Texts>, Error> {
        let rows = self.tell_texts(&advance_at_once(advance)).await?;
        Ok(rows.into_iter().next())
    }

    async fn end_rounds(self: Arc<Self>) {
        loop {
            // Who was woken at the same moment comes along.
            tokio::task::yield_now().await;
            let mut jobs = self.ends.next(MOST_RUNS);
            if jobs.is_empty() {
                return;
            }
            // Who has gone must not find it ended later.
            jobs.retain(|job| !job.answer.is_closed());
            let (ends, answers): (Vec<_>, Vec<_>) = jobs
                .into_iter()
                .map(|job| (job.advance, job.answer))
                .unzip();
            if let [alone] = &*ends {
                for answer in answers {
                    // Who has gone needs no answer.
                    let _ = answer.send(self.advance_alone(alone).await);
                }
            } else if !ends.is_empty() {
                let ended = self.end_these(&ends).await;
                for (advance, answer) in ends.iter().zip(answers) {
                    let ended = ended.as_ref().map(|ended| {
                        let at = ended.get(&advance.run.to_string())?;
                        Some(vec![at.clone()])
                    });
                    // Who has gone needs no answer.
                    let _ = answer.send(ended.map_err(Clone::clone));
                }
            }
        }
    }

    /// When each ended, by its id.
    async fn end_these(&self, ends: &[Advance]) -> Result<HashMap<String, Option<String>>, Error> {
        let rows = self.tell_texts(&succeed_all(ends)).await?;
        let ended = rows.into_iter().filter_map(|row| {
            let mut columns = row.into_iter();
            Some((columns.next()??, columns.next()?))
        });
        Ok(ended.collect())
    }
}
