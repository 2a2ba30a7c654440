//! Runs, alike on both engines but for locks, which SQLite's one writer does not need.

mod asked;
mod changed;
mod steps;
mod triggers;

use std::time::Duration;

use jiff::Timestamp;
use model::Value;
use uuid::Uuid;
use wire::run::{LEASE, Lease};

pub(crate) use asked::*;
pub(crate) use changed::*;
pub(crate) use steps::*;
pub(crate) use triggers::*;

use super::{Scalar, Statement, Writer};
use crate::{Engine, NewRun};

impl Writer {
    pub(super) fn text(&mut self, text: impl Into<String>) -> &mut Self {
        self.arg(Value::Text(text.into()), Scalar::Text, false)
    }

    pub(super) fn maybe_text(&mut self, text: Option<impl Into<String>>) -> &mut Self {
        let value = text.map_or(Value::Null, |text| Value::Text(text.into()));
        self.arg(value, Scalar::Text, false)
    }

    pub(super) fn uuid(&mut self, id: Uuid) -> &mut Self {
        self.arg(Value::Uuid(id), Scalar::Uuid, false)
    }

    pub(super) fn maybe_uuid(&mut self, id: Option<Uuid>) -> &mut Self {
        self.arg(id.map_or(Value::Null, Value::Uuid), Scalar::Uuid, false)
    }

    pub(super) fn int(&mut self, int: impl Into<i64>) -> &mut Self {
        self.arg(Value::Int(int.into()), Scalar::Int, false)
    }

    pub(super) fn time(&mut self, at: Option<Timestamp>) -> &mut Self {
        let value = at.map_or(Value::Null, Value::Timestamp);
        self.arg(value, Scalar::Timestamp, false)
    }

    /// The database's own clock where there may be several of us.
    pub(super) fn now(&mut self) -> &mut Self {
        match self.engine {
            Engine::Postgres => self.sql("now()"),
            Engine::Sqlite => self.time(Some(Timestamp::now())),
        }
    }

    /// So long from now.
    fn soon(&mut self, after: Duration) -> &mut Self {
        match self.engine {
            Engine::Postgres => {
                self.sql("now() + interval '1 s' * ");
                self.number(after.as_secs())
            }
            Engine::Sqlite => self.time(Some(Timestamp::now() + after)),
        }
    }

    pub(super) fn postgres(&mut self, text: &'static str) -> &mut Self {
        match self.engine {
            Engine::Postgres => self.sql(text),
            Engine::Sqlite => self,
        }
    }

    pub(super) fn truth(&mut self, truth: bool) -> &mut Self {
        match (self.engine, truth) {
            (Engine::Postgres, true) => self.sql("true"),
            (Engine::Postgres, false) => self.sql("false"),
            (Engine::Sqlite, true) => self.sql("1"),
            (Engine::Sqlite, false) => self.sql("0"),
        }
    }

    pub(super) fn any_of(&mut self, ids: &[Uuid]) -> &mut Self {
        match self.engine {
            Engine::Postgres => {
                let ids = ids.iter().copied().map(Value::Uuid).collect();
                self.sql(" = ANY(");
                self.arg(Value::Array(ids), Scalar::Uuid, true).sql(")")
            }
            Engine::Sqlite => {
                self.sql(" IN (");
                self.list(ids, |writer, id| {
                    writer.uuid(*id);
                });
                self.sql(")")
            }
        }
    }

    /// Columns as texts, in the order in which `run::run_row` reads them.
    pub(super) fn run_columns(&mut self) -> &mut Self {
        self.sql(match self.engine {
            Engine::Postgres => RUN_POSTGRES,
            Engine::Sqlite => RUN_SQLITE,
        })
    }
}

const RUN_POSTGRES: &str = "id::text, workflow, version, state, epoch::text, input, output, problem, started_by, session, \
   parent::text, cancelling::int::text, \
   to_char(created_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), to_char(started_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), \
   to_char(finished_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), acting, tenant, (claims = 1 AND signals = 0)::int::text, signals::text";
const RUN_SQLITE: &str = "id, workflow, version, state, CAST(epoch AS TEXT), input, output, problem, started_by, session, \
   parent, CAST(cancelling AS TEXT), created_at, started_at, finished_at, acting, tenant, \
   CAST(claims = 1 AND signals = 0 AS TEXT), CAST(signals AS TEXT)";

pub(crate) fn keep_workflow(engine: Engine, name: &str, version: &str, text: &str) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql("INSERT INTO gantry_workflow (name, version, text, used_at) VALUES (");
    writer.text(name).sql(", ").text(version).sql(", ");
    writer.text(text).sql(", ").now();
    writer.sql(") ON CONFLICT (name, version) DO UPDATE SET used_at = excluded.used_at");
    writer.finish()
}

pub(crate) fn workflow_text(engine: Engine, name: &str, version: &str) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql("SELECT text FROM gantry_workflow WHERE name = ");
    writer.text(name).sql(" AND version = ").text(version);
    writer.finish()
}

/// It can be claimed at once, unless it is held from the first or waits for others of its slot. A child is its parent's
/// owner's.
pub(crate) fn start(engine: Engine, run: &NewRun, parent: Option<Uuid>, parked: bool) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql(
        "INSERT INTO gantry_run (id, workflow, version, state, epoch, input, acting, started_by, tenant, session, \
         parent, slot, slots, lease, claims, started_at, due_at, created_at) VALUES (",
    );
    writer.uuid(run.id).sql(", ").text(&run.workflow).sql(", ");
    writer.text(&run.version).sql(match run.lease {
        None => ", 'queued', 1, ",
        Some(_) => ", 'running', 1, ",
    });
    writer
        .text(&run.input)
        .sql(", ")
        .text(&run.acting)
        .sql(", ");
    if let Some(parent) = parent {
        writer.sql("COALESCE((SELECT started_by FROM gantry_run WHERE id = ");
        writer.uuid(parent).sql("), ").text(&run.started_by);
        writer.sql(")");
    } else {
        writer.text(&run.started_by);
    }
    writer.sql(", ").maybe_text(run.tenant.as_ref());
    writer.sql(", ").maybe_text(run.session.as_ref());
    writer.sql(", ").maybe_uuid(parent).sql(", ");
    let slot = run.slot.as_ref();
    writer.maybe_text(slot.map(|slot| &slot.key)).sql(", ");
    let limit = slot.map_or(Value::Null, |slot| Value::Int(slot.limit.into()));
    writer.arg(limit, Scalar::Int, false).sql(", ");
    writer.maybe_uuid(run.lease).sql(", ");
    writer.int(run.lease.is_some()).sql(", ");
    writer.time(run.lease.map(|_| run.at)).sql(", ");
    match run.lease {
        Some(_) => writer.soon(LEASE),
        None if parked => writer.sql("NULL"),
        None => writer.now(),
    };
    writer.sql(", ").time(Some(run.at)).sql(")");
    writer.finish()
}

/// Several that neither have a slot nor are called by others, on PostgreSQL.
pub(crate) fn start_all(runs: &[NewRun]) -> Statement {
    let mut writer = Writer::new(Engine::Postgres);
    writer.sql(
        "INSERT INTO gantry_run (id, workflow, version, state, epoch, input, acting, started_by, tenant, session, lease, claims, \
         started_at, due_at, created_at) SELECT id, workflow, version, CASE WHEN lease IS NULL THEN 'queued' ELSE 'running' END, 1, \
         input, acting, started_by, tenant, session, lease, (lease IS NOT NULL)::int, CASE WHEN lease IS NOT NULL THEN at END, \
         CASE WHEN lease IS NULL THEN now() ELSE ",
    );
    writer.soon(LEASE).sql(" END, at FROM unnest(");
    let text = |text: &String| Value::Text(text.clone());
    let maybe = |text: &Option<String>| text.clone().map_or(Value::Null, Value::Text);
    let ids = runs.iter().map(|run| Value::Uuid(run.id)).collect();
    let leases = runs.iter();
    let leases = leases.map(|run| run.lease.map_or(Value::Null, Value::Uuid));
    let leases = leases.collect();
    let times = runs.iter().map(|run| Value::Timestamp(run.at)).collect();
    writer
        .arg(Value::Array(ids), Scalar::Uuid, true)
        .sql(", ")
        .arg(Value::Array(leases), Scalar::Uuid, true)
        .sql(", ")
        .arg(Value::Array(times), Scalar::Timestamp, true)
        .sql(", ");
    let texts: [Vec<Value>; 7] = [
        runs.iter().map(|run| text(&run.workflow)).collect(),
        runs.iter().map(|run| text(&run.version)).collect(),
        runs.iter().map(|run| text(&run.input)).collect(),
        runs.iter().map(|run| text(&run.acting)).collect(),
        runs.iter().map(|run| text(&run.started_by)).collect(),
        runs.iter().map(|run| maybe(&run.tenant)).collect(),
        runs.iter().map(|run| maybe(&run.session)).collect(),
    ];
    for (number, values) in texts.into_iter().enumerate() {
        if number > 0 {
            writer.sql(", ");
        }
        writer.arg(Value::Array(values), Scalar::Text, true);
    }
    writer.sql(
        ") AS new (id, lease, at, workflow, version, input, acting, started_by, tenant, session)",
    );
    writer.finish()
}

/// One at a time decides who of a slot may go.
pub(crate) fn lock_slot(key: &str) -> Statement {
    let mut writer = Writer::new(Engine::Postgres);
    writer.sql("SELECT pg_advisory_xact_lock(hashtextextended(");
    writer.text(key).sql(", 7))::text");
    writer.finish()
}

/// How many of the slot are under way.
pub(crate) fn slot_taken(engine: Engine, key: &str) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql("SELECT CAST(count(*) AS text) FROM gantry_run WHERE slot = ");
    writer.text(key);
    writer.sql(" AND finished_at IS NULL AND NOT (state = 'queued' AND due_at IS NULL)");
    writer.finish()
}

/// The first who waits may go, where there is room.
pub(crate) fn admit(engine: Engine, key: &str) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql("UPDATE gantry_run SET due_at = ").now();
    writer.sql(" WHERE id = (SELECT id FROM gantry_run WHERE slot = ");
    writer.text(key);
    writer.sql(" AND finished_at IS NULL AND state = 'queued' AND due_at IS NULL ORDER BY id LIMIT 1) AND slots > (");
    writer.sql("SELECT count(*) FROM gantry_run WHERE slot = ");
    writer.text(key);
    writer.sql(
        " AND finished_at IS NULL AND NOT (state = 'queued' AND due_at IS NULL)) RETURNING 'x'",
    );
    writer.finish()
}

/// The commit need not wait for the disk: a claim that a crash undoes is as if it had not been, and what the holder did
/// under it is written behind it.
const UNSYNCED: &str = ", set_config('synchronous_commit', 'off', true)";

/// Runs that may go on and that nobody holds are the lease's. PostgreSQL keeps the plan that it made while the table was
/// empty until the table is analysed: the lower bound, and a list that is made once and expected to be of one, have it use
/// the indexes from the first. Asked more than once, the limit would not hold.
pub(crate) fn claim(engine: Engine, lease: Uuid, most: u32) -> Statement {
    let mut writer = Writer::new(engine);
    if engine == Engine::Postgres {
        writer.sql(
            "WITH due (run) AS MATERIALIZED (SELECT id FROM gantry_run WHERE due_at > '-infinity' AND due_at <= now() \
             ORDER BY due_at LIMIT ",
        );
        writer.number(most.into());
        writer.sql(" FOR NO KEY UPDATE SKIP LOCKED) ");
    }
    writer
        .sql("UPDATE gantry_run SET state = 'running', lease = ")
        .uuid(lease);
    writer.sql(", due_at = ").soon(LEASE);
    writer.sql(", started_at = COALESCE(started_at, ").now();
    writer.sql("), woken = ").truth(false);
    writer.sql(", claims = claims + 1 ");
    match engine {
        Engine::Postgres => writer.sql("FROM due WHERE id = run"),
        Engine::Sqlite => {
            writer.sql("WHERE id IN (SELECT id FROM gantry_run WHERE due_at <= ");
            writer.now().sql(" ORDER BY due_at LIMIT ");
            writer.number(most.into()).sql(")")
        }
    };
    writer.sql(" RETURNING ").run_columns();
    writer.postgres(UNSYNCED);
    writer.finish()
}

/// Milliseconds until the next run may go on; nothing where none may. PostgreSQL's `greatest` of 0 and nothing would be 0.
pub(crate) fn next_due(engine: Engine) -> Statement {
    let mut writer = Writer::new(engine);
    match engine {
        Engine::Postgres => writer.sql(
            "SELECT greatest(0, ceil(extract(epoch FROM min(due_at) - clock_timestamp()) * 1000))::bigint::text \
             FROM gantry_run WHERE due_at IS NOT NULL HAVING count(*) > 0",
        ),
        Engine::Sqlite => {
            writer.sql("SELECT CAST(max(0, CAST((julianday(min(due_at)) - julianday(");
            writer.time(Some(Timestamp::now()));
            writer.sql(")) * 86400000 AS INTEGER)) AS TEXT) FROM gantry_run WHERE due_at IS NOT NULL")
        }
    };
    writer.finish()
}

/// Who holds them still holds them for a while. In the order of ids, and none that another is at work on: whoever locks
/// several waits for nobody.
pub(crate) fn renew(engine: Engine, leases: &[Lease]) -> Statement {
    let mut writer = Writer::new(engine);
    writer
        .sql("UPDATE gantry_run SET due_at = ")
        .soon(LEASE)
        .sql(" WHERE ");
    match engine {
        Engine::Postgres => {
            let ids = leases.iter().map(|held| Value::Uuid(held.run)).collect();
            let tokens = leases.iter().map(|held| Value::Uuid(held.lease)).collect();
            writer.sql("id = ANY(ARRAY(SELECT r.id FROM gantry_run r JOIN unnest(");
            writer.arg(Value::Array(ids), Scalar::Uuid, true).sql(", ");
            writer.arg(Value::Array(tokens), Scalar::Uuid, true);
            writer.sql(
                ") AS l(id, lease) ON r.id = l.id AND r.lease = l.lease ORDER BY r.id FOR NO KEY UPDATE OF r",
            );
            if leases.len() > 1 {
                writer.sql(" SKIP LOCKED");
            }
            writer.sql("))");
        }
        Engine::Sqlite => {
            writer.sql("(id, lease) IN (VALUES ");
            writer.list(leases, |writer, held| {
                writer.sql("(").uuid(held.run).sql(", ");
                writer.uuid(held.lease).sql(")");
            });
            writer.sql(")");
        }
    }
    writer.sql(match engine {
        Engine::Postgres => {
            " RETURNING id::text, acting, started_by, cancelling::int::text, signals::text"
        }
        Engine::Sqlite => {
            " RETURNING id, acting, started_by, CAST(cancelling AS TEXT), CAST(signals AS TEXT)"
        }
    });
    writer.postgres(UNSYNCED);
    writer.finish()
}

/// Whoever called it may go on.
pub(crate) fn wake(engine: Engine, id: Uuid) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql("UPDATE gantry_run SET woken = ").truth(true);
    writer.sql(", due_at = CASE WHEN state = 'waiting' THEN ");
    writer.now().sql(" ELSE due_at END WHERE id = ").uuid(id);
    writer.sql(" AND finished_at IS NULL RETURNING state");
    writer.finish()
}
