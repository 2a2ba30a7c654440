//! Schedules tick within the looks of those who wait for runs: each tick once, whoever looks.

use std::sync::{Arc, Weak};
use std::time::Duration;

use jiff::Timestamp;
use model::Workflow;
use model::workflow::{Missed, Overlap, Trigger};
use serde_json::json;
use store::{ScheduleRow, Tx};
use uuid::Uuid;
use wire::Problem;

use super::Runs;
use super::triggered::{self, Cause};
use crate::live::Live;
use crate::problem;

/// Ticks of one schedule that are caught up on at once; the rest at the next look.
const MOST_TICKS: usize = 100;
const PAUSE: Duration = Duration::from_secs(1);
/// A tick that is told this late was missed.
const LATE: Duration = Duration::from_mins(1);

#[derive(Default)]
pub(super) struct Schedules {
    /// Of which the rows were written.
    of: Weak<Live>,
    next: Option<Timestamp>,
    /// Between two looks at what cannot be started here.
    pause: Duration,
}

impl Schedules {
    /// How long it is until something is due, by what the store knows now.
    pub(super) async fn look(&mut self, runs: &Runs) -> Result<Option<Duration>, Problem> {
        self.next = runs.store.next_tick().await.map_err(problem::of_store)?;
        let left = |next: Timestamp| next.duration_since(Timestamp::now());
        let left = |next| Duration::try_from(left(next)).unwrap_or_default();
        Ok(self.next.map(left).map(|left| left.max(self.pause)))
    }

    /// Starts what is due.
    pub(super) async fn fire(&mut self, runs: &Arc<Runs>, live: &Arc<Live>) -> Result<(), Problem> {
        self.pause = Duration::ZERO;
        if !std::ptr::eq(self.of.as_ptr(), Arc::as_ptr(live)) {
            let rows = rows(live);
            runs.store
                .schedule(&rows)
                .await
                .map_err(problem::of_store)?;
            self.look(runs).await?;
            self.of = Arc::downgrade(live);
        }
        while self.next.is_some_and(|next| next <= Timestamp::now()) {
            for workflow in live.workflows.iter().filter(|workflow| ticks(workflow)) {
                runs.keep(workflow).await?;
            }
            let mut tx = runs.store.begin(None).await.map_err(problem::of_store)?;
            match due(&mut tx, live).await {
                Ok(cancelled) => {
                    tx.commit().await.map_err(problem::of_store)?;
                    runs.steer(&cancelled);
                }
                Err(problem) => {
                    // The problem that matters is the tick's.
                    let _ = tx.rollback().await;
                    return Err(problem);
                }
            }
            let before = self.next;
            self.look(runs).await?;
            if self.next == before {
                // Another process is at it, or has the files that tell of it.
                self.pause = PAUSE;
                break;
            }
        }
        Ok(())
    }
}

fn ticks(workflow: &Workflow) -> bool {
    let mut triggers = workflow.triggers.iter();
    triggers.any(|trigger| matches!(trigger, Trigger::Cron { .. }))
}

/// What says when it ticks.
fn text_of(trigger: &Trigger) -> Option<String> {
    match trigger {
        Trigger::Cron { cron, zone, .. } => Some(format!("{cron} {zone}")),
        _ => None,
    }
}

fn rows(live: &Live) -> Vec<ScheduleRow> {
    let now = Timestamp::now();
    let mut rows = Vec::new();
    for workflow in live.workflows.iter() {
        for (number, trigger) in (0..).zip(&workflow.triggers) {
            if let (Some(ticks), Some(next_at)) = (text_of(trigger), trigger.next_after(now)) {
                rows.push(ScheduleRow {
                    workflow: workflow.name.clone(),
                    number,
                    ticks,
                    next_at,
                });
            }
        }
    }
    rows
}

/// The runs begin in the transaction that says when the schedule ticks next. Those that are cancelled for them are told.
async fn due(tx: &mut Tx, live: &Live) -> Result<Vec<Uuid>, Problem> {
    let mut cancelled = Vec::new();
    let rows = tx.schedules_due().await.map_err(problem::of_store)?;
    let now = Timestamp::now();
    for row in rows {
        let place = live.workflow(&row.workflow);
        let workflow = place.map(|place| &live.workflows[place]);
        let trigger = workflow.and_then(|workflow| workflow.triggers.get(row.number as usize));
        let trigger = trigger.filter(|trigger| text_of(trigger).as_ref() == Some(&row.ticks));
        let (Some(workflow), Some(trigger)) = (workflow, trigger) else {
            // Of other files than these: whoever has them starts it.
            continue;
        };
        let (ticks, next) = ticks_until(trigger, row.next_at, now);
        for tick in ticks {
            cancelled.extend(start(tx, workflow, &row, trigger, tick).await?);
        }
        if let Some(next_at) = next {
            let next = ScheduleRow { next_at, ..row };
            tx.tick(&next).await.map_err(problem::of_store)?;
        }
    }
    Ok(cancelled)
}

/// The ticks to start something for, and the first one after them.
fn ticks_until(
    trigger: &Trigger,
    first: Timestamp,
    now: Timestamp,
) -> (Vec<Timestamp>, Option<Timestamp>) {
    let Trigger::Cron { missed, .. } = trigger else {
        return (Vec::new(), None);
    };
    let mut ticks = Vec::new();
    let mut next = Some(first);
    while let Some(tick) = next.filter(|tick| *tick <= now) {
        if *missed == Missed::All && ticks.len() == MOST_TICKS {
            return (ticks, next);
        }
        if *missed != Missed::All {
            ticks.clear();
        }
        ticks.push(tick);
        next = trigger.next_after(tick);
    }
    if *missed == Missed::None {
        ticks.retain(|tick| now.duration_since(*tick).unsigned_abs() < LATE);
    }
    (ticks, next)
}

async fn start(
    tx: &mut Tx,
    workflow: &Workflow,
    row: &ScheduleRow,
    trigger: &Trigger,
    tick: Timestamp,
) -> Result<Vec<Uuid>, Problem> {
    let mut cancelled = Vec::new();
    let Trigger::Cron { overlap, .. } = trigger else {
        return Ok(cancelled);
    };
    let by = triggered::starter(row.number);
    let under_way = tx.triggered(&workflow.name, &by).await;
    let under_way = under_way.map_err(problem::of_store)?;
    match overlap {
        Overlap::Skip if !under_way.is_empty() => return Ok(cancelled),
        Overlap::CancelRunning => {
            for id in under_way {
                tx.cancel_run(id).await.map_err(problem::of_store)?;
                cancelled.push(id);
            }
        }
        _ => {}
    }
    let cause = Cause {
        number: row.number,
        given: &json!({"time": format!("{tick}")}),
        tenant: None,
        at: tick.max(Timestamp::now()),
    };
    let mut run = match triggered::run(workflow, cause) {
        Ok(run) => run,
        Err(why) => {
            let (workflow, number, why) = (&workflow.name, row.number, why.detail);
            tracing::error!(
                workflow,
                number,
                why,
                "A schedule cannot start its workflow"
            );
            return Ok(cancelled);
        }
    };
    if *overlap == Overlap::Queue && run.slot.is_none() {
        run.slot = Some(store::Slot {
            key: format!("{}:trigger:{}", workflow.name, row.number),
            limit: 1,
        });
    }
    tx.start_run(&run, None).await.map_err(problem::of_store)?;
    Ok(cancelled)
}
