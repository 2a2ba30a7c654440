//! Doing and undoing migrations, one process at a time.

use std::ops::Range;
use std::time::Duration;

use model::Models;

use super::history::{self, Migration, State};
use super::inspect;
use super::live::Live;
use super::mark::Mark;
use super::plan::scripts;
use super::planning::Planned;
use super::schema::{PARKED, Schema, quote};
use super::snapshot::{self, Since};
use super::{
    Applied, ApplyOptions, RolledBack, Told, desired, parts, planning, replica, role, sqlite, steps,
};
use crate::{Engine, Error, Settings};

/// `gantry migr` in bytes: any number does, as long as nobody else takes it in our database.
const LOCK: i64 = 0x6761_6e74_7279_6d67;
const POLL: Duration = Duration::from_millis(100);
/// How often a step that could not get its table lock in time, or was a deadlock's victim, is tried again.
const ATTEMPTS: u32 = 10;

/// Brings the database to the models. Waits for another process that does; goes on where one was killed.
/// Fails with [`Error::Destructive`] where something would be taken away without leave, and with [`Error::Drift`]
/// where our tables are not as the last migration left them.
pub async fn apply(
    settings: &Settings,
    models: &Models,
    options: &ApplyOptions,
) -> Result<Applied, Error> {
    apply_over(settings, None, models, options).await
}

/// The same by a process that knows for which models the tables are as yet, most likely.
pub async fn apply_over(
    settings: &Settings,
    served: Option<&Models>,
    models: &Models,
    options: &ApplyOptions,
) -> Result<Applied, Error> {
    let mut live = Live::open(settings).await?;
    let served = served.map(|served| desired::schema(live.engine(), served));
    let desired = desired::schema(live.engine(), models);
    if live.engine() == Engine::Sqlite && options.allow_destructive {
        // Before the transaction, which would keep the replicas from saying goodbye.
        let migrations = history::all(&mut live).await?;
        let plan = planning::plan(&mut live, &migrations, &desired).await?.plan;
        if plan.destructive().next().is_some() {
            replica::wait(&mut live, &desired.version()).await?;
        }
    }
    lock(&mut live).await?;
    let applied = apply_locked(&mut live, settings, served, &desired, options).await;
    unlock(&mut live, applied).await
}

/// Undoes the last `steps` migrations; what they had parked is back, what was made since is parked.
pub async fn rollback(settings: &Settings, steps: usize) -> Result<RolledBack, Error> {
    let mut live = Live::open(settings).await?;
    lock(&mut live).await?;
    let undone = rollback_locked(&mut live, steps).await;
    unlock(&mut live, undone).await
}

/// Deletes what migrations before number `before` parked, for good: they cannot be undone any more.
/// Answers what was deleted.
pub async fn purge(settings: &Settings, before: u64) -> Result<Vec<String>, Error> {
    let mut live = Live::open(settings).await?;
    lock(&mut live).await?;
    let purged = purge_locked(&mut live, before).await;
    unlock(&mut live, purged).await
}

/// PostgreSQL: by polling, since a session that waits for a lock holds a snapshot that CREATE INDEX CONCURRENTLY
/// waits for. SQLite: one write transaction around everything.
async fn lock(live: &mut Live) -> Result<(), Error> {
    match live.engine() {
        Engine::Sqlite => live.run("PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE").await,
        Engine::Postgres => {
            live.run("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
                .await?;
            let sql = format!("SELECT CASE WHEN pg_try_advisory_lock({LOCK}) THEN 1 ELSE 0 END");
            while live.number(&sql).await? == 0 {
                tokio::time::sleep(POLL).await;
            }
            Ok(())
        }
    }
}

async fn unlock<T>(live: &mut Live, done: Result<T, Error>) -> Result<T, Error> {
    match (live.engine(), done) {
        (Engine::Sqlite, Ok(done)) => live.run("COMMIT").await.map(|()| done),
        (Engine::Sqlite, Err(error)) => {
            // The first error is the one to tell; the connection's end rolls back as well.
            live.run("ROLLBACK").await.ok();
            Err(error)
        }
        (Engine::Postgres, done) => {
            live.run(&format!("SELECT pg_advisory_unlock({LOCK})"))
                .await
                .ok();
            done
        }
    }
}

/// SQLite does not look by itself while tables are rebuilt. Reads every row that refers, so only after a change.
async fn need_targets(live: &mut Live) -> Result<(), Error> {
    if live.engine() == Engine::Postgres {
        return Ok(());
    }
    let broken = live.rows("PRAGMA foreign_key_check", &[]).await?;
    match broken.first().map(|row| &row[..]) {
        Some([Some(table), _, Some(target), ..]) => Err(Error::Setup(format!(
            "{} rows would refer to nothing, such as one of {table} to {target}",
            broken.len()
        ))),
        _ => Ok(()),
    }
}

async fn apply_locked(
    live: &mut Live,
    settings: &Settings,
    served: Option<Schema>,
    desired: &Schema,
    options: &ApplyOptions,
) -> Result<Applied, Error> {
    history::ensure(live).await?;
    parts::undo(live).await?;
    let mut applied = Applied::default();
    let mut migrations = history::all(live).await?;
    if let Some(last) = history::last(&migrations).filter(|last| last.state == State::Indexing) {
        let left = snapshot::left(live, last.id).await?;
        let found = inspect::inspect(live).await?.of(&left.schema);
        refuse_drift(found.drift(&left.found, true))?;
        finish_indexes(live, last.id, &left.schema, None).await?;
        applied.resumed = Some(last.name.clone());
        migrations = history::all(live).await?;
    }
    let planned = planning::plan_next(live, &migrations, desired, served).await?;
    let plan = planned.plan.checked(options.allow_destructive)?;
    if plan.disturbs && options.undisturbed {
        applied.plan = plan;
        return Ok(applied);
    }
    let destructive = plan.destructive().next().is_some();
    applied.notes = role::ensure(live).await?;
    if plan.is_empty() {
        if let Some(last) = history::last(&migrations).filter(|_| !planned.is_marked) {
            Mark::keep(live, last.id, &desired.version()).await?;
        }
        return Ok(applied);
    }
    if destructive && live.engine() == Engine::Postgres {
        replica::wait(live, &desired.version()).await?;
    }
    let id = planning::next_id(&migrations);
    let planned = Planned { plan, ..planned };
    let work = Work {
        settings,
        id,
        planned: &planned,
        desired,
        told: options.told,
    };
    work.change_tables(live).await?;
    need_targets(live).await?;
    let Planned { plan, since, .. } = planned;
    if plan.steps.iter().any(|step| step.concurrent) && !options.indexes_later {
        finish_indexes(live, id, desired, since.as_ref()).await?;
    }
    applied.migration = Some(plan.name.clone());
    applied.plan = plan;
    Ok(applied)
}

fn refuse_drift(drift: Vec<String>) -> Result<(), Error> {
    if drift.is_empty() {
        Ok(())
    } else {
        Err(Error::Drift(drift))
    }
}

/// A migration that is carried out.
struct Work<'a> {
    settings: &'a Settings,
    id: u64,
    planned: &'a Planned,
    desired: &'a Schema,
    told: Option<Told>,
}

impl Work<'_> {
    async fn change_tables(&self, live: &mut Live) -> Result<(), Error> {
        let plan = &self.planned.plan;
        let parts = match live.engine() {
            Engine::Postgres if self.planned.only_makes => parts::of(plan, self.desired),
            _ => std::iter::once(0..plan.steps.len()).collect(),
        };
        if parts.len() > 1 {
            parts::note(live, plan).await?;
        }
        for part in parts {
            self.change(live, part).await?;
        }
        Ok(())
    }

    /// In a transaction, tried again where it did not get a lock.
    async fn change(&self, live: &mut Live, steps: Range<usize>) -> Result<(), Error> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            begin(live, self.settings).await?;
            let done = self.change_once(live, steps.clone()).await;
            match end(live, done).await {
                Err(Error::Timeout | Error::Conflict)
                    if attempt < ATTEMPTS && live.engine() == Engine::Postgres => {}
                done => return done,
            }
        }
    }

    async fn change_once(&self, live: &mut Live, steps: Range<usize>) -> Result<(), Error> {
        let Planned { plan, since, .. } = self.planned;
        let is_last = steps.end == plan.steps.len();
        let mut state = State::Applied;
        for at in steps {
            let step = &plan.steps[at];
            if step.concurrent {
                state = State::Indexing;
                continue;
            }
            let done = run_script(live, &step.sql).await;
            done.map_err(|error| in_step(&step.summary, error))?;
            if let Some(told) = self.told {
                told(at + 1, plan.steps.len());
            }
        }
        if !is_last {
            return Ok(());
        }
        parts::done(live).await?;
        role::grant(live).await?;
        history::insert(live, self.id, plan, self.desired, state, since.as_ref()).await
    }
}

async fn begin(live: &mut Live, settings: &Settings) -> Result<(), Error> {
    match live.engine() {
        Engine::Sqlite => Ok(()),
        Engine::Postgres => {
            let limit = settings.lock_timeout.as_millis();
            live.run(&format!("BEGIN; SET LOCAL lock_timeout = {limit}"))
                .await
        }
    }
}

async fn end<T>(live: &mut Live, done: Result<T, Error>) -> Result<T, Error> {
    if live.engine() == Engine::Sqlite {
        return done;
    }
    match done {
        Ok(done) => live.run("COMMIT").await.map(|()| done),
        Err(error) => {
            live.run("ROLLBACK").await.ok();
            Err(error)
        }
    }
}

fn in_step(summary: &str, error: Error) -> Error {
    match error {
        Error::Setup(text) => Error::Setup(format!("{summary}: {text}")),
        other => other,
    }
}

/// Makes every index that is missing or invalid, and says that the migration is done. May be run again at any point.
async fn finish_indexes(
    live: &mut Live,
    id: u64,
    schema: &Schema,
    since: Option<&Since>,
) -> Result<(), Error> {
    let (found, looked_at) = match since {
        Some(since) => (
            inspect::some(live, &since.tables).await?,
            &schema.only(&since.tables),
        ),
        None => (inspect::inspect(live).await?, schema),
    };
    for table in looked_at.tables.values() {
        for (name, index) in &table.indexes {
            let there = found
                .0
                .get(&table.name)
                .and_then(|objects| objects.get(&format!("index {name}")));
            match there {
                Some(definition) if !definition.ends_with(" INVALID") => continue,
                Some(_) => {
                    live.run(&format!(
                        "DROP INDEX CONCURRENTLY IF EXISTS {}",
                        quote(name)
                    ))
                    .await?;
                }
                None => {}
            }
            let made = live.run(&steps::concurrently(index)).await;
            made.map_err(|error| in_step(&format!("{}: add index {name}", table.name), error))?;
        }
    }
    history::record(live, id, schema, State::Applied, since).await
}

async fn rollback_locked(live: &mut Live, steps: usize) -> Result<RolledBack, Error> {
    let mut undone = RolledBack::default();
    for _ in 0..steps {
        let migrations = history::all(live).await?;
        let Some(last) = history::last(&migrations) else {
            break;
        };
        let down = history::down(live, last.id).await?;
        if down.is_empty() {
            return Err(Error::Setup(format!(
                "{} cannot be undone: what it took away was purged",
                last.name
            )));
        }
        let mut before = migrations.iter().rev().filter(|one| one.id < last.id);
        let before = match before.find(|one| one.state != State::RolledBack) {
            Some(before) => {
                let left = snapshot::left(live, before.id).await?;
                Some((before.id, left.schema))
            }
            None => None,
        };
        if live.engine() == Engine::Postgres {
            live.run("BEGIN").await?;
        }
        let done = undo(live, last, &down, before).await;
        end(live, done).await?;
        undone.migrations.push(last.name.clone());
    }
    need_targets(live).await?;
    Ok(undone)
}

async fn undo(
    live: &mut Live,
    last: &Migration,
    down: &str,
    before: Option<(u64, Schema)>,
) -> Result<(), Error> {
    for script in scripts(down) {
        let done = run_script(live, &script).await;
        done.map_err(|error| in_step(&format!("{} cannot be undone", last.name), error))?;
    }
    history::set_state(live, last.id, State::RolledBack).await?;
    role::grant(live).await?;
    match before {
        Some((id, schema)) => history::record(live, id, &schema, State::Applied, None).await,
        None => Ok(()),
    }
}

/// Which parked columns a new table takes over depends on what was undone and purged since the script was written.
async fn run_script(live: &mut Live, script: &str) -> Result<(), Error> {
    let mut sql = script.to_owned();
    for table in sqlite::tables_in(script) {
        let parked = inspect::parked_columns(live).await?;
        let columns = parked.get(&table).map_or(&[][..], Vec::as_slice);
        sql = sqlite::expand(&sql, &table, columns);
    }
    live.run(&sql).await
}

async fn purge_locked(live: &mut Live, before: u64) -> Result<Vec<String>, Error> {
    let number = |name: &str| -> Option<u64> {
        let rest = name.strip_prefix(PARKED)?;
        rest.split_once('_')?.0.parse().ok()
    };
    let old = |name: &str| number(name).is_some_and(|number| number < before);
    let mut purged = Vec::new();
    for (table, objects) in inspect::inspect(live).await?.0 {
        if old(&table) {
            live.run(&format!("DROP TABLE {}", quote(&table))).await?;
            purged.push(table);
            continue;
        }
        for name in objects
            .keys()
            .filter_map(|object| object.strip_prefix("column "))
        {
            if old(name) {
                live.run(&format!(
                    "ALTER TABLE {} DROP COLUMN {}",
                    quote(&table),
                    quote(name)
                ))
                .await?;
                purged.push(format!("{table}.{name}"));
            }
        }
    }
    live.run(&format!(
        "UPDATE gantry_migrations SET down = '' WHERE id < {before}"
    ))
    .await?;
    Ok(purged)
}
