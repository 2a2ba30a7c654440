//! The system tables, and the rows that tell which migrations were done.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::desired;
use super::live::{Live, Row};
use super::mark::Mark;
use super::meta;
use super::plan::Plan;
use super::role;
use super::schema::Schema;
use super::snapshot::{self, Since};
use crate::{Engine, Error};

pub(super) const NOW_POSTGRES: &str = "now()";
pub(super) const NOW_SQLITE: &str = "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')";

/// One migration that was done, or undone.
#[derive(Debug, Clone, PartialEq)]
pub struct Migration {
    pub id: u64,
    /// `0003_film_add_rating`
    pub name: String,
    /// RFC 3339, UTC.
    pub at: String,
    pub state: State,
}

/// One of them, with what it did: a line for each step, as its plan said.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    pub migration: Migration,
    pub steps: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The tables are changed, indexes are being made: the next start goes on with them.
    Indexing,
    Applied,
    RolledBack,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Indexing => "indexing",
            Self::Applied => "applied",
            Self::RolledBack => "rolled_back",
        }
    }

    fn read(text: &str) -> Self {
        match text {
            "indexing" => Self::Indexing,
            "rolled_back" => Self::RolledBack,
            _ => Self::Applied,
        }
    }
}

/// Makes the system tables where they are missing, and the secret once.
pub(super) async fn ensure(live: &mut Live) -> Result<(), Error> {
    let engine = live.engine();
    let version = if exists(live).await? {
        desired::system_version(live).await?
    } else {
        0
    };
    if version < desired::SYSTEM_VERSION {
        live.run(&desired::system_tables(engine, version)).await?;
        role::grant(live).await?;
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)
            .map_err(|error| Error::Internal(format!("the system gives no randomness: {error}")))?;
        meta::put_once(live, "secret", &hex(&secret)).await?;
        meta::put(live, "schema", &desired::SYSTEM_VERSION.to_string()).await?;
    }
    Ok(())
}

async fn exists(live: &mut Live) -> Result<bool, Error> {
    let sql = match live.engine() {
        Engine::Postgres => {
            "SELECT count(*) FROM pg_class WHERE relname = 'gantry_migrations' AND relnamespace = current_schema()::regnamespace"
        }
        Engine::Sqlite => "SELECT count(*) FROM sqlite_master WHERE name = 'gantry_migrations'",
    };
    Ok(live.number(sql).await? > 0)
}

/// Oldest first; nothing where there are no system tables yet.
pub(super) async fn all(live: &mut Live) -> Result<Vec<Migration>, Error> {
    if !exists(live).await? {
        return Ok(Vec::new());
    }
    let at = at(live.engine());
    let sql = format!("SELECT id, name, {at}, state FROM gantry_migrations ORDER BY id");
    let rows = live.rows(&sql, &[]).await?;
    rows.into_iter().map(read).collect()
}

fn at(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => "to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
        Engine::Sqlite => "at",
    }
}

/// The statement whose rows [`recorded`] takes, newest first; all columns are texts.
pub(crate) fn latest(engine: Engine, limit: u64) -> String {
    let at = at(engine);
    format!(
        "SELECT CAST(id AS text), name, {at}, state, up FROM gantry_migrations ORDER BY gantry_migrations.id DESC LIMIT {limit}"
    )
}

pub(crate) fn recorded(mut row: Vec<Option<String>>) -> Result<Recorded, Error> {
    let up = row.pop().flatten().unwrap_or_default();
    let summaries = up.lines().filter_map(|line| line.strip_prefix("-- "));
    Ok(Recorded {
        steps: summaries.map(str::to_owned).collect(),
        migration: read(row)?,
    })
}

/// The last that was not undone.
pub(super) fn last(migrations: &[Migration]) -> Option<&Migration> {
    let done = migrations.iter().rev();
    done.into_iter()
        .find(|migration| migration.state != State::RolledBack)
}

pub(super) fn broken() -> Error {
    Error::Setup(
        "a row of gantry_migrations cannot be read: it was changed by hand, or by a newer Gantry"
            .to_owned(),
    )
}

fn read(row: Row) -> Result<Migration, Error> {
    let mut columns = row.into_iter().map(Option::unwrap_or_default);
    let mut next = || columns.next().unwrap_or_default();
    let id = next().parse().map_err(|_| broken())?;
    let (name, at, state) = (next(), next(), next());
    Ok(Migration {
        id,
        name,
        at,
        state: State::read(&state),
    })
}

/// What undoes a migration; empty once its parked data was purged.
pub(super) async fn down(live: &mut Live, id: u64) -> Result<String, Error> {
    column(live, "down", id).await
}

pub(super) async fn column(live: &mut Live, name: &str, id: u64) -> Result<String, Error> {
    let sql = format!("SELECT {name} FROM gantry_migrations WHERE id = {id}");
    let rows = live.rows(&sql, &[]).await?;
    rows.into_iter()
        .flatten()
        .flatten()
        .next()
        .ok_or_else(broken)
}

/// `since` tells what the snapshot may be told against.
pub(super) async fn insert(
    live: &mut Live,
    id: u64,
    plan: &Plan,
    schema: &Schema,
    state: State,
    since: Option<&Since>,
) -> Result<(), Error> {
    let now = match live.engine() {
        Engine::Postgres => NOW_POSTGRES,
        Engine::Sqlite => NOW_SQLITE,
    };
    let values: Vec<_> = (2..=8).map(|number| live.text(number)).collect();
    let key = match live.engine() {
        Engine::Postgres => "$1::text::bigint",
        Engine::Sqlite => "CAST($1 AS INTEGER)",
    };
    let sql = format!(
        "INSERT INTO gantry_migrations (id, at, name, state, up, down, snapshot, checksum, gantry_version) \
         VALUES ({key}, {now}, {})",
        values.join(", ")
    );
    let (up, down) = (plan.up(), plan.down());
    let checksum = hex(&Sha256::digest(format!("{up}\n{down}")));
    let snapshot = snapshot::of(live, schema, since).await?;
    let version = env!("CARGO_PKG_VERSION");
    let values = [
        &id.to_string(),
        plan.name.as_str(),
        state.name(),
        &up,
        &down,
        &snapshot,
        &checksum,
        version,
    ];
    live.rows(&sql, &values).await?;
    mark_done(live, id, schema, state).await
}

/// Says how far a migration is, and what the database looks like after it.
pub(super) async fn record(
    live: &mut Live,
    id: u64,
    schema: &Schema,
    state: State,
    since: Option<&Since>,
) -> Result<(), Error> {
    let snapshot = snapshot::of(live, schema, since).await?;
    let sql = format!(
        "UPDATE gantry_migrations SET state = {}, snapshot = {} WHERE id = {id}",
        live.text(1),
        live.text(2)
    );
    live.rows(&sql, &[state.name(), &snapshot]).await?;
    mark_done(live, id, schema, state).await
}

async fn mark_done(live: &mut Live, id: u64, schema: &Schema, state: State) -> Result<(), Error> {
    if state == State::Applied {
        Mark::keep(live, id, &schema.version()).await?;
    }
    Ok(())
}

pub(super) async fn set_state(live: &mut Live, id: u64, state: State) -> Result<(), Error> {
    let sql = format!(
        "UPDATE gantry_migrations SET state = '{}' WHERE id = {id}",
        state.name()
    );
    live.run(&sql).await
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
