//! Runs as others than their holder see and steer them.

use jiff::Timestamp;
use uuid::Uuid;
use wire::run::State;

use super::run::in_transaction;
use super::{Store, Tx};
use crate::run::{Columns, garbled, run_row};
use crate::sql::run as sql;
use crate::{Error, RunFilter, RunRow, ScheduleRow};

/// What one run may be told in all.
const MOST_SIGNALS: u32 = 10_000;
/// Runs that are forgotten in one transaction.
const FORGOTTEN_AT_ONCE: u64 = 500;

/// What came of a wish to do a run again.
#[derive(Debug, Clone)]
pub enum Retried {
    Queued(Box<RunRow>),
    /// It has not ended.
    UnderWay,
    /// It succeeded, and no step was named.
    Succeeded,
    NoSuchStep,
}

impl Store {
    pub async fn find_run(&self, id: Uuid) -> Result<Option<RunRow>, Error> {
        let rows = self.ask(sql::find(self.engine(), id, false)).await?;
        rows.into_iter().next().map(run_row).transpose()
    }

    pub async fn list_runs(&self, filter: &RunFilter) -> Result<Vec<RunRow>, Error> {
        let rows = self.ask(sql::list(self.engine(), filter)).await?;
        rows.into_iter().map(run_row).collect()
    }

    /// Ends what nobody has begun, asks the holder of all else to end it, and the same of all that it called. Each by
    /// itself, so that no two who end runs wait for each other. Answers all of them.
    pub async fn cancel_run(&self, id: Uuid) -> Result<Vec<Uuid>, Error> {
        let (mut ids, mut cancelled) = (vec![id], Vec::new());
        while let Some(id) = ids.pop() {
            in_transaction!(self, tx => tx.cancel_run(id))?;
            cancelled.push(id);
            let children = self.ask(sql::children(self.engine(), id)).await?;
            for child in children {
                ids.push(Columns::new(child).read()?);
            }
        }
        Ok(cancelled)
    }

    /// The signal's number; nothing where the run has ended or was told too much.
    pub async fn signal_run(
        &self,
        id: Uuid,
        name: &str,
        payload: &str,
        by: &str,
    ) -> Result<Option<i64>, Error> {
        in_transaction!(self, tx => tx.signal_run(id, (name, payload, by)))
    }

    /// From the step at that path on, or from the one that failed.
    pub async fn retry_run(&self, id: Uuid, from: Option<&str>) -> Result<Retried, Error> {
        in_transaction!(self, tx => tx.retry_run(id, from))
    }

    /// From now on exactly these tick.
    pub async fn schedule(&self, rows: &[ScheduleRow]) -> Result<(), Error> {
        in_transaction!(self, tx => tx.schedule(rows))
    }

    pub async fn next_tick(&self) -> Result<Option<Timestamp>, Error> {
        let rows = self.ask(sql::next_tick(self.engine())).await?;
        let at = rows.into_iter().flatten().flatten().next();
        at.map(|at| at.parse().map_err(|_| garbled())).transpose()
    }

    /// How many there are in each state of those that have not ended.
    pub async fn count_runs(&self) -> Result<Vec<(State, u64)>, Error> {
        let rows = self.ask(sql::count_open(self.engine())).await?;
        let row = |row| {
            let mut columns = Columns::new(row);
            let state = State::parse(&columns.text()?).ok_or_else(garbled)?;
            Ok((state, columns.read()?))
        };
        rows.into_iter().map(row).collect()
    }

    /// The workflows of which there are runs.
    pub async fn run_workflows(&self) -> Result<Vec<String>, Error> {
        let rows = self.ask(sql::run_workflows(self.engine())).await?;
        Ok(rows.into_iter().flatten().flatten().collect())
    }

    /// Forgets ended runs of the workflow that are older than the moment, or than `most` others. Answers how many.
    pub async fn forget_runs(
        &self,
        workflow: &str,
        before: Timestamp,
        most: u64,
    ) -> Result<u64, Error> {
        let engine = self.engine();
        let mut forgotten = 0;
        loop {
            let ended = sql::ended(engine, workflow, before, most, FORGOTTEN_AT_ONCE);
            let rows = self.ask(ended).await?;
            let ids = rows.into_iter().map(|row| Columns::new(row).read());
            let ids: Vec<Uuid> = ids.collect::<Result<_, _>>()?;
            if ids.is_empty() {
                return Ok(forgotten);
            }
            in_transaction!(self, tx => tx.forget_runs(&ids))?;
            forgotten += ids.len() as u64;
        }
    }

    /// Forgets definitions that no run needs and that were not started since.
    pub async fn forget_workflows(&self, before: Timestamp) -> Result<(), Error> {
        let forget = sql::forget_workflows(self.engine(), before);
        self.tell(forget).await.map(drop)
    }
}

impl Tx {
    /// False where it was over before.
    pub async fn cancel_run(&mut self, id: Uuid) -> Result<bool, Error> {
        let engine = self.engine();
        let slot = self.slot_of(id).await?;
        let ended = self.texts(sql::cancel_queued(engine, id)).await?;
        let Some(parent) = ended.into_iter().next() else {
            return Ok(!self.texts(sql::cancel(engine, id)).await?.is_empty());
        };
        self.leave_slot(slot.as_deref()).await?;
        if let Some(parent) = Columns::new(parent).maybe() {
            let parent = parent.parse().map_err(|_| garbled())?;
            self.texts(sql::wake(engine, parent)).await?;
        }
        Ok(true)
    }

    async fn signal_run(
        &mut self,
        id: Uuid,
        told: (&str, &str, &str),
    ) -> Result<Option<i64>, Error> {
        let engine = self.engine();
        let counted = self
            .texts(sql::count_signal(engine, id, MOST_SIGNALS))
            .await?;
        let Some(row) = counted.into_iter().next() else {
            return Ok(None);
        };
        let seq = Columns::new(row).read()?;
        self.texts(sql::add_signal(engine, id, seq, told)).await?;
        Ok(Some(seq))
    }

    async fn retry_run(&mut self, id: Uuid, from: Option<&str>) -> Result<Retried, Error> {
        let engine = self.engine();
        let slot = self.slot_of(id).await?;
        let rows = self.texts(sql::find(engine, id, true)).await?;
        let row = run_row(rows.into_iter().next().ok_or_else(garbled)?)?;
        match row.run.state {
            State::Succeeded if from.is_none() => return Ok(Retried::Succeeded),
            state if !state.is_final() => return Ok(Retried::UnderWay),
            _ => {}
        }
        let epoch = row.run.epoch;
        let at = self.texts(sql::retry_from(engine, id, epoch, from)).await?;
        let at = at.into_iter().flatten().flatten().next();
        let before = match (at, from) {
            (Some(at), _) => at.parse().map_err(|_| garbled())?,
            (None, Some(_)) => return Ok(Retried::NoSuchStep),
            // Nothing failed by itself: all that is done stays so.
            (None, None) => i64::MAX,
        };
        self.texts(sql::retry_steps(engine, id, epoch, before))
            .await?;
        let mut parked = false;
        if let Some(key) = &slot {
            // One of those that wait for their turn: the next who ends lets it go.
            parked = self.is_slot_full(key, 1).await?;
        }
        let rows = self.texts(sql::retry(engine, id, parked)).await?;
        let row = run_row(rows.into_iter().next().ok_or_else(garbled)?)?;
        Ok(Retried::Queued(Box::new(row)))
    }

    async fn schedule(&mut self, rows: &[ScheduleRow]) -> Result<(), Error> {
        let engine = self.engine();
        self.texts(sql::unschedule(engine, rows)).await?;
        for row in rows {
            self.texts(sql::schedule(engine, row)).await?;
        }
        Ok(())
    }

    /// Schedules whose time has come, held until this transaction ends: nobody else gets them meanwhile.
    pub async fn schedules_due(&mut self) -> Result<Vec<ScheduleRow>, Error> {
        let rows = self.texts(sql::schedules_due(self.engine())).await?;
        let row = |row| {
            let mut columns = Columns::new(row);
            Ok(ScheduleRow {
                workflow: columns.text()?,
                number: columns.read()?,
                ticks: columns.text()?,
                next_at: columns.read()?,
            })
        };
        rows.into_iter().map(row).collect()
    }

    /// Says when it ticks next.
    pub async fn tick(&mut self, row: &ScheduleRow) -> Result<(), Error> {
        self.texts(sql::tick(self.engine(), row)).await.map(drop)
    }

    /// What that trigger started and has not ended.
    pub async fn triggered(&mut self, workflow: &str, by: &str) -> Result<Vec<Uuid>, Error> {
        let rows = self
            .texts(sql::triggered(self.engine(), workflow, by))
            .await?;
        rows.into_iter()
            .map(|row| Columns::new(row).read())
            .collect()
    }

    async fn forget_runs(&mut self, ids: &[Uuid]) -> Result<(), Error> {
        for statement in sql::forget(self.engine(), ids) {
            self.texts(statement).await?;
        }
        Ok(())
    }
}
