//! Runs: how they begin, who holds them, and what becomes of their steps.

use std::time::{Duration, Instant};

use uuid::Uuid;
use wire::run::{Advance, Lease, Signal, StepRow};

use super::{Inner, Store, Tx, needs_transaction};
use crate::run::{Columns, Texts, garbled, run_row, signal_row, step_row};
use crate::sql::Statement;
use crate::sql::run as sql;
use crate::{
    Engine, Error, Kept, NewRun, NewStep, RenewedRow, RunAdvanced, RunNews, RunRow, StepDone,
    StepKept, Write, Written,
};

/// Steps that are told in one statement: each number of them is a statement of its own.
const AT_ONCE: usize = 4;
/// Tries of a transaction that collided with others.
const TRIES: u32 = 4;

/// Carries the work out in a transaction of its own, again where it collided.
macro_rules! in_transaction {
    ($store:expr, $tx:ident => $work:expr) => {{
        let mut tries = 1;
        loop {
            let mut begun = $store.begin(None).await?;
            let $tx = &mut begun;
            let done = $work.await;
            match super::run::settled(begun, done).await {
                Err(Error::Conflict) if tries < super::run::TRIES_OF_TX => tries += 1,
                done => break done,
            }
        }
    }};
}
pub(super) use in_transaction;

pub(super) const TRIES_OF_TX: u32 = TRIES;

/// Keeps what was done, or nothing.
pub(super) async fn settled<T>(tx: Tx, done: Result<T, Error>) -> Result<T, Error> {
    match done {
        Ok(done) => tx.commit().await.map(|()| done),
        Err(error) => {
            // The error that matters is the work's.
            let _ = tx.rollback().await;
            Err(error)
        }
    }
}

impl Store {
    /// A statement that only reads.
    pub(super) async fn ask(&self, statement: Statement) -> Result<Vec<Texts>, Error> {
        match &self.inner {
            Inner::Postgres(postgres) => postgres.ask_texts(&statement).await,
            Inner::Sqlite(sqlite) => sqlite.ask_texts(statement).await,
        }
    }

    /// A statement that is a transaction by itself.
    pub(super) async fn tell(&self, statement: Statement) -> Result<Vec<Texts>, Error> {
        match &self.inner {
            Inner::Postgres(postgres) => postgres.tell_texts(&statement).await,
            Inner::Sqlite(sqlite) => sqlite.tell_texts(statement).await,
        }
    }

    /// The file of a workflow as it is, for runs that begin with it.
    pub async fn keep_workflow(&self, name: &str, version: &str, text: &str) -> Result<(), Error> {
        let statement = sql::keep_workflow(self.engine(), name, version, text);
        self.tell(statement).await.map(drop)
    }

    pub async fn workflow_text(&self, name: &str, version: &str) -> Result<Option<String>, Error> {
        let rows = self.ask(sql::workflow_text(self.engine(), name, version));
        Ok(rows.await?.into_iter().flatten().flatten().next())
    }

    pub async fn start_run(&self, run: &NewRun) -> Result<(), Error> {
        match &self.inner {
            Inner::Postgres(postgres) if run.slot.is_none() => return postgres.start(run).await,
            Inner::Sqlite(_) if run.slot.is_none() => {
                let statement = sql::start(self.engine(), run, None, false);
                return self.tell(statement).await.map(drop);
            }
            _ => {}
        }
        in_transaction!(self, tx => tx.start_run(run, None))
    }

    /// Up to `most` runs that may go on and that nobody holds.
    pub async fn claim_runs(&self, lease: Uuid, most: u32) -> Result<Vec<RunRow>, Error> {
        let rows = self.tell(sql::claim(self.engine(), lease, most)).await?;
        rows.into_iter().map(run_row).collect()
    }

    /// Calls whenever another process than `own` tells of runs, until the store is closed. On SQLite there is no other.
    pub fn hear_runs(&self, own: Uuid, heard: impl Fn(RunNews) + Send + Sync + 'static) {
        if let Inner::Postgres(postgres) = &self.inner {
            postgres.hear(own, heard);
        }
    }

    /// Tells other processes that runs may go on, and which were steered.
    pub async fn tell_of_runs(&self, own: Uuid, steered: &[Uuid]) -> Result<(), Error> {
        match &self.inner {
            Inner::Postgres(postgres) => postgres.tell_others(own, steered).await,
            Inner::Sqlite(_) => Ok(()),
        }
    }

    /// How long until the next run may go on by itself.
    pub async fn next_due(&self) -> Result<Option<Duration>, Error> {
        let rows = self.ask(sql::next_due(self.engine())).await?;
        let millis = rows.into_iter().flatten().flatten().next();
        let millis = millis.map(|text| text.parse().map_err(|_| garbled()));
        Ok(millis.transpose()?.map(Duration::from_millis))
    }

    /// Of the epochs that the runs have now, in the order in which they ended.
    pub async fn steps_of(&self, runs: &[Uuid]) -> Result<Vec<(Uuid, StepRow)>, Error> {
        let rows = self.ask(sql::steps_of(self.engine(), runs)).await?;
        rows.into_iter().map(step_row).collect()
    }

    /// Those that were not consumed, in their order.
    pub async fn signals_of(&self, runs: &[Uuid]) -> Result<Vec<(Uuid, Signal)>, Error> {
        let rows = self.ask(sql::signals_of(self.engine(), runs)).await?;
        rows.into_iter().map(signal_row).collect()
    }

    /// Those that are still held.
    pub async fn renew_runs(&self, leases: &[Lease]) -> Result<Vec<RenewedRow>, Error> {
        if leases.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.tell(sql::renew(self.engine(), leases)).await?;
        let mut renewed: Vec<_> = rows.into_iter().map(renewed).collect::<Result<_, _>>()?;
        // Another may only be at work on the row, which the first look does not wait for.
        let missing = leases.iter().filter(|lease| {
            let mut runs = renewed.iter().map(|row: &RenewedRow| row.run);
            !runs.any(|run| run == lease.run)
        });
        let missing: Vec<_> = missing.copied().collect();
        if leases.len() > 1 {
            for lease in missing {
                let rows = self.tell(sql::renew(self.engine(), &[lease])).await?;
                for row in rows {
                    renewed.push(self::renewed(row)?);
                }
            }
        }
        Ok(renewed)
    }

    /// What became of steps, and what comes next; [`Error::LeaseLost`] where the lease is another's by now.
    pub async fn advance_run(&self, advance: &Advance) -> Result<RunAdvanced, Error> {
        let at_once = advance.steps.len() <= AT_ONCE && !advance.then.fails();
        if let Inner::Postgres(postgres) = &self.inner
            && at_once
        {
            match postgres.advance(advance).await? {
                Some(row) => {
                    return Ok(RunAdvanced {
                        finished_at: Columns::new(row).maybe(),
                        cancelled: Vec::new(),
                    });
                }
                None if !advance.then.ends() => return Err(Error::LeaseLost),
                // It may have a slot.
                None => {}
            }
        }
        in_transaction!(self, tx => tx.advance_run(advance))
    }

    /// What is kept of a step that was done before.
    pub async fn kept_step(&self, step: &wire::Step) -> Result<Option<StepKept>, Error> {
        let rows = self.ask(sql::step_kept(self.engine(), step)).await?;
        rows.into_iter().next().map(kept).transpose()
    }

    /// A write and the step that it is the whole of, in one transaction; [`Error::LeaseLost`] where the step was done
    /// before, or the lease is another's. What does not write anything keeps nothing.
    pub async fn write_step(
        &self,
        write: &Write,
        step: &NewStep,
        deadline: Option<Instant>,
    ) -> Result<Written, Error> {
        if let Inner::Postgres(postgres) = &self.inner
            && !needs_transaction(write)
            && let Some(written) = postgres.create_step(write, step, deadline).await?
        {
            self.news.notify_one();
            return Ok(written);
        }
        self.write_step_in_tx(write, step, deadline).await
    }

    async fn write_step_in_tx(
        &self,
        write: &Write,
        step: &NewStep,
        deadline: Option<Instant>,
    ) -> Result<Written, Error> {
        let mut tx = self.begin(deadline).await?;
        let done = async {
            let written = tx.write(write).await?;
            if written.rows.iter().all(Option::is_none) {
                return Ok(written);
            }
            let done = step.done(&written)?;
            tx.keep_step(&done)
                .await?
                .then_some(written)
                .ok_or(Error::LeaseLost)
        }
        .await;
        settled(tx, done).await
    }

    /// Keeps the answer of a step that changed nothing. False where it was done before, or the lease is another's.
    pub async fn keep_step(&self, done: &StepDone) -> Result<bool, Error> {
        let rows = self.tell(sql::step_done(self.engine(), done)).await?;
        Ok(!rows.is_empty())
    }
}

fn renewed(row: Texts) -> Result<RenewedRow, Error> {
    let mut columns = Columns::new(row);
    Ok(RenewedRow {
        run: columns.read()?,
        acting: columns.text()?,
        started_by: columns.text()?,
        cancelling: columns.flag()?,
    })
}

fn kept(row: Texts) -> Result<StepKept, Error> {
    let mut columns = Columns::new(row);
    let (meta, body) = (columns.maybe(), columns.maybe());
    Ok(match columns.maybe() {
        Some(child) => StepKept::Child(child.parse().map_err(|_| garbled())?),
        None => StepKept::Answer(Kept {
            meta: meta.unwrap_or_default(),
            body: body.unwrap_or_default().into(),
        }),
    })
}

impl Tx {
    async fn lock_slot(&mut self, key: &str) -> Result<(), Error> {
        match self.engine() {
            Engine::Postgres => self.texts(sql::lock_slot(key)).await.map(drop),
            Engine::Sqlite => Ok(()),
        }
    }

    /// The run's slot, where it has one, which is this transaction's until it ends.
    pub(super) async fn slot_of(&mut self, id: Uuid) -> Result<Option<String>, Error> {
        let rows = self.texts(sql::slot_of(self.engine(), id)).await?;
        let slot = rows.into_iter().flatten().flatten().next();
        if let Some(key) = &slot {
            self.lock_slot(key).await?;
        }
        Ok(slot)
    }

    pub(super) async fn is_slot_full(&mut self, key: &str, limit: u32) -> Result<bool, Error> {
        let rows = self.texts(sql::slot_taken(self.engine(), key)).await?;
        let taken = rows.into_iter().flatten().flatten().next();
        let taken: u64 = taken
            .and_then(|text| text.parse().ok())
            .ok_or_else(garbled)?;
        Ok(taken >= u64::from(limit))
    }

    /// Somebody of the slot has ended.
    pub(super) async fn leave_slot(&mut self, slot: Option<&str>) -> Result<(), Error> {
        if let Some(key) = slot {
            self.texts(sql::admit(self.engine(), key)).await?;
        }
        Ok(())
    }

    /// `parent` is the run whose step started it.
    pub async fn start_run(&mut self, run: &NewRun, parent: Option<Uuid>) -> Result<(), Error> {
        let mut parked = false;
        if let Some(slot) = &run.slot {
            self.lock_slot(&slot.key).await?;
            parked = self.is_slot_full(&slot.key, slot.limit).await?;
        }
        let statement = sql::start(self.engine(), run, parent, parked);
        self.texts(statement).await.map(drop)
    }

    /// Keeps the answer of a step with its effect. False where it was done before, or the lease is another's.
    pub async fn keep_step(&mut self, done: &StepDone) -> Result<bool, Error> {
        let rows = self.texts(sql::step_done(self.engine(), done)).await?;
        Ok(!rows.is_empty())
    }

    async fn advance_run(&mut self, advance: &Advance) -> Result<RunAdvanced, Error> {
        let engine = self.engine();
        let fails = advance.then.fails();
        // Before the run itself: who of them ends at this moment locks its own row, and then this one's.
        let mut called = if fails {
            self.cancel_called(advance).await?
        } else {
            Vec::new()
        };
        let ends = advance.then.ends();
        let slot = if ends {
            self.slot_of(advance.run).await?
        } else {
            None
        };
        let rows = self.texts(sql::then(engine, advance)).await?;
        let held = rows.into_iter().next().ok_or(Error::LeaseLost)?;
        let mut held = Columns::new(held);
        let (parent, ended) = (held.maybe(), held.maybe());
        for step in &advance.steps {
            self.texts(sql::step_told(engine, advance, step)).await?;
        }
        if !advance.consumed.is_empty() {
            let consume = sql::consume(engine, advance.run, &advance.consumed);
            self.texts(consume).await?;
        }
        if ends {
            self.leave_slot(slot.as_deref()).await?;
            let parent = parent.map(|parent| parent.parse().map_err(|_| garbled()));
            if let Some(parent) = parent.transpose()? {
                self.texts(sql::wake(engine, parent)).await?;
            }
        }
        if fails {
            // What began until the row was this transaction's.
            called.extend(self.cancel_called(advance).await?);
        }
        Ok(RunAdvanced {
            finished_at: ended,
            cancelled: called,
        })
    }

    /// Those that the run called: who has not begun ends, the others are asked to.
    async fn cancel_called(&mut self, advance: &Advance) -> Result<Vec<Uuid>, Error> {
        let statement = sql::cancel_called(self.engine(), advance.run);
        let rows = self.texts(statement).await?;
        rows.into_iter()
            .map(|row| Columns::new(row).read())
            .collect()
    }
}
