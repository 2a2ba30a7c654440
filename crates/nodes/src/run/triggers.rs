//! Changes of records start workflows within the looks of those who wait for runs: each change once, whoever looks.
//!
//! How far a workflow has seen to the changes of a model is a row; it moves in the transaction that starts the runs, and
//! only from where it was read.

mod records;
mod starts;

use std::sync::{Arc, Weak};
use std::time::Duration;

use model::Workflow;
use store::{Error, NewRun, Position, Store, TriggerRow, Unseen};
use wire::Problem;

use super::Runs;
use crate::live::Live;
use crate::problem;

/// Changes that are seen to at once; the rest at the next look.
const PAGE: u64 = 200;
/// The first and the longest pause while changes are there whose order is not settled.
const SOON: Duration = Duration::from_millis(5);
const LATE: Duration = Duration::from_secs(1);
/// The pause where another process was at it.
const ASIDE: Duration = Duration::from_millis(20);

#[derive(Default)]
pub(super) struct Triggers {
    /// Of which the rows were written.
    of: Weak<Live>,
    /// All up to there was seen to, by what this process knows.
    seen: Option<Position>,
    /// When to look again, where nobody calls before.
    next: Option<Duration>,
    unsettled: Duration,
}

/// Before this process takes its first call, so that none of its own changes goes unseen.
pub(crate) async fn begin(store: &Store, live: &Live) -> Result<(), Problem> {
    if live.watched.is_empty() {
        return Ok(());
    }
    follow(store, live, None).await.map_err(problem::of_store)
}

/// A trigger that is new sees what comes from now on.
async fn follow(store: &Store, live: &Live, from: Option<Position>) -> Result<(), Error> {
    let end = store.changes_end().await?;
    let seen = from.unwrap_or(end);
    let row = |(workflow, model): (&Workflow, &str)| TriggerRow {
        workflow: workflow.name.clone(),
        model: model.to_owned(),
        seen,
    };
    let rows: Vec<_> = watches(live).map(row).collect();
    store.follow(&rows).await
}

/// Which workflow has triggers of which model.
fn watches(live: &Live) -> impl Iterator<Item = (&Workflow, &str)> {
    live.workflows.iter().flat_map(|workflow| {
        let mut models: Vec<_> = workflow.watched().collect();
        models.sort_unstable();
        models.dedup();
        models.into_iter().map(move |model| (workflow, model))
    })
}

impl Triggers {
    /// How long until this must look again by itself.
    pub(super) fn next(&self) -> Option<Duration> {
        self.next
    }

    /// Starts what changes are to start. What goes wrong here is no trouble of those who wait for other runs.
    pub(super) async fn fire(&mut self, runs: &Runs, live: &Arc<Live>) {
        if live.opening().is_some() {
            // Tables change.
            self.next = Some(LATE);
            return;
        }
        if let Err(error) = self.look(runs, live).await {
            tracing::warn!(error = %error, "The triggers by changes cannot be looked at now");
            (self.seen, self.next) = (None, Some(LATE));
        }
    }

    async fn look(&mut self, runs: &Runs, live: &Arc<Live>) -> Result<(), Error> {
        self.next = None;
        if !std::ptr::eq(self.of.as_ptr(), Arc::as_ptr(live)) {
            follow(&runs.store, live, None).await?;
            (self.of, self.seen) = (Arc::downgrade(live), None);
            self.unsettled = SOON;
        }
        if live.watched.is_empty() {
            return Ok(());
        }
        if let Some(seen) = self.seen {
            match runs.store.unseen(seen).await? {
                Unseen::Nothing => {
                    self.unsettled = SOON;
                    return Ok(());
                }
                Unseen::Soon => {
                    self.next = Some(self.unsettled);
                    self.unsettled = LATE.min(self.unsettled * 2);
                    return Ok(());
                }
                Unseen::Now => self.unsettled = SOON,
            }
        }
        Box::pin(self.see(runs, live)).await
    }

    /// One page of changes.
    async fn see(&mut self, runs: &Runs, live: &Live) -> Result<(), Error> {
        let rows = runs.store.followed().await?;
        let watched: Vec<_> = watches(live).collect();
        let is_ours = |row: &TriggerRow| {
            let mut watched = watched.iter();
            watched.any(|(workflow, model)| workflow.name == row.workflow && *model == row.model)
        };
        let rows: Vec<_> = rows.into_iter().filter(is_ours).collect();
        if rows.len() < watched.len() {
            // Somebody with other files took them away.
            follow(&runs.store, live, self.seen).await?;
            self.next = Some(ASIDE);
            return Ok(());
        }
        let Some(from) = rows.iter().map(|row| row.seen).min() else {
            return Ok(());
        };
        let changes = runs.store.changes(from, PAGE).await?;
        // Asked after reading: what was pruned before that is seen as pruned.
        let forgotten = runs.store.changes_forgotten().await?;
        let is_full = changes.len() as u64 == PAGE;
        let read = changes.last().map_or(from, |last| last.position);
        let end = runs.store.changes_end().await?;
        tell_of_lost(&rows, forgotten, end);
        let new = starts::of(runs, live, &rows, &changes).await?;
        let moves = moves(rows, read.max(forgotten), end);
        if move_on(runs, &moves, new).await? {
            self.seen = moves.iter().map(|(_, to)| *to).min();
            // Behind the page there may be some whose order was not settled.
            self.next = Some(if is_full { Duration::ZERO } else { SOON });
        } else {
            (self.seen, self.next) = (None, Some(ASIDE));
        }
        Ok(())
    }
}

/// Of rows that stand where changes cannot be read.
fn tell_of_lost(rows: &[TriggerRow], forgotten: Position, end: Position) {
    for row in rows {
        let (workflow, model) = (&row.workflow, &row.model);
        if row.seen < forgotten {
            tracing::error!(
                workflow,
                model,
                "Changes were cleared out before they could start the workflow, which goes on with those that are kept: \
                 `limits.changes_kept` says for how long they are"
            );
        }
        if row.seen > end {
            tracing::error!(
                workflow,
                model,
                "The database was restored from another server: changes start the workflow from now on"
            );
        }
    }
}

/// Where the rows go. Those that are further on already stay there, unless that is where nothing can be.
fn moves(rows: Vec<TriggerRow>, to: Position, end: Position) -> Vec<(TriggerRow, Position)> {
    let place = |row: TriggerRow| {
        let place = if row.seen > end {
            end
        } else {
            row.seen.max(to)
        };
        (row, place)
    };
    rows.into_iter().map(place).collect()
}

/// The runs begin in the transaction that says how far the changes were seen to. False where another was there first.
async fn move_on(
    runs: &Runs,
    moves: &[(TriggerRow, Position)],
    new: Vec<NewRun>,
) -> Result<bool, Error> {
    if moves.iter().all(|(row, to)| row.seen == *to) {
        return Ok(true);
    }
    let mut tx = runs.store.begin(None).await?;
    let done = async {
        for (row, to) in moves {
            if row.seen != *to && !tx.see(row, *to).await? {
                return Ok(false);
            }
        }
        tx.start_runs(new).await?;
        Ok(true)
    }
    .await;
    match done {
        Ok(true) => tx.commit().await.map(|()| true),
        // Those who collided look again.
        Ok(false) | Err(Error::Conflict) => {
            let _ = tx.rollback().await;
            Ok(false)
        }
        Err(error) => {
            // The error that matters is the work's.
            let _ = tx.rollback().await;
            Err(error)
        }
    }
}
