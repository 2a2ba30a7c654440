//! The system tables, and the rows that tell which migrations were done.

use std::fmt::Write as _;

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::desired;
use super::inspect::Found;
use super::live::{Live, Row};
use super::plan::Plan;
use super::role;
use super::schema::Schema;
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

/// What a migration left.
#[derive(Default)]
pub(super) struct Left {
    pub(super) schema: Schema,
    pub(super) found: Found,
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
        let secret = hex(&secret);
        for (key, value) in [
            ("secret", secret.as_str()),
            ("schema", &desired::SYSTEM_VERSION.to_string()),
        ] {
            let keep = if key == "secret" {
                "NOTHING"
            } else {
                "UPDATE SET value = excluded.value"
            };
            let sql = format!(
                "INSERT INTO gantry_meta (key, value) VALUES ({}, {}) ON CONFLICT (key) DO {keep}",
                text(engine, 1),
                text(engine, 2)
            );
            live.rows(&sql, &[key, value]).await?;
        }
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
    let at = match live.engine() {
        Engine::Postgres => "to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
        Engine::Sqlite => "at",
    };
    let sql = format!("SELECT id, name, {at}, state FROM gantry_migrations ORDER BY id");
    let rows = live.rows(&sql, &[]).await?;
    rows.into_iter().map(read).collect()
}

/// The last that was not undone.
pub(super) fn last(migrations: &[Migration]) -> Option<&Migration> {
    let done = migrations.iter().rev();
    done.into_iter()
        .find(|migration| migration.state != State::RolledBack)
}

fn broken() -> Error {
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

/// What a migration left, as text: megabytes where there are many models, so only one is read, and only where needed.
pub(super) async fn snapshot(live: &mut Live, id: u64) -> Result<String, Error> {
    column(live, "snapshot", id).await
}

async fn column(live: &mut Live, name: &str, id: u64) -> Result<String, Error> {
    let sql = format!("SELECT {name} FROM gantry_migrations WHERE id = {id}");
    let rows = live.rows(&sql, &[]).await?;
    rows.into_iter()
        .flatten()
        .flatten()
        .next()
        .ok_or_else(broken)
}

impl Left {
    pub(super) fn read(snapshot: &str) -> Result<Self, Error> {
        let snapshot: Json = serde_json::from_str(snapshot).map_err(|_| broken())?;
        Ok(Self {
            schema: Schema::from_json(&snapshot["tables"]).ok_or_else(broken)?,
            found: Found::from_json(&snapshot["found"]),
        })
    }
}

pub(super) async fn insert(
    live: &mut Live,
    id: u64,
    plan: &Plan,
    schema: &Schema,
    state: State,
) -> Result<(), Error> {
    let engine = live.engine();
    let now = match engine {
        Engine::Postgres => NOW_POSTGRES,
        Engine::Sqlite => NOW_SQLITE,
    };
    let values: Vec<_> = (2..=8).map(|number| text(engine, number)).collect();
    let key = match engine {
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
    let snapshot = text_of(schema, &super::inspect::inspect(live).await?);
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
    live.rows(&sql, &values).await.map(drop)
}

/// Says how far a migration is, and what the database looks like after it.
pub(super) async fn record(
    live: &mut Live,
    id: u64,
    schema: &Schema,
    state: State,
) -> Result<(), Error> {
    let snapshot = text_of(schema, &super::inspect::inspect(live).await?);
    let engine = live.engine();
    let sql = format!(
        "UPDATE gantry_migrations SET state = {}, snapshot = {} WHERE id = {id}",
        text(engine, 1),
        text(engine, 2)
    );
    live.rows(&sql, &[state.name(), &snapshot]).await.map(drop)
}

pub(super) async fn set_state(live: &mut Live, id: u64, state: State) -> Result<(), Error> {
    let sql = format!(
        "UPDATE gantry_migrations SET state = '{}' WHERE id = {id}",
        state.name()
    );
    live.run(&sql).await
}

/// The snapshot of a database that is as the models want it: what [`Left::read`] reads.
pub(super) fn text_of(schema: &Schema, found: &Found) -> String {
    let mut out = b"{\"tables\":".to_vec();
    schema.write_json(&mut out);
    out.extend_from_slice(b",\"found\":");
    found.write_json(schema, &mut out);
    out.push(b'}');
    String::from_utf8(out).expect("JSON is UTF-8")
}

fn text(engine: Engine, number: u32) -> String {
    match engine {
        Engine::Postgres => format!("${number}::text"),
        Engine::Sqlite => format!("${number}"),
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
