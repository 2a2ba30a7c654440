//! What is asked of runs and done to them by others than whoever holds them, their schedules, and their end.

use jiff::Timestamp;
use uuid::Uuid;

use crate::sql::{Statement, Writer};
use crate::{Engine, RunFilter, ScheduleRow};

const STEP_POSTGRES: &str = "SELECT run::text, path, what, state, CASE WHEN state = 'done' THEN output END, problem, note, attempts::text, \
   to_char(started_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), to_char(ended_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";
const STEP_SQLITE: &str = "SELECT run, path, what, state, CASE WHEN state = 'done' THEN output END, problem, note, \
   CAST(attempts AS TEXT), started_at, ended_at";
const SIGNAL_POSTGRES: &str = "SELECT run::text, seq::text, name, payload, told_by, \
   to_char(at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM gantry_signal WHERE run";
const SIGNAL_SQLITE: &str =
    "SELECT run, CAST(seq AS TEXT), name, payload, told_by, at FROM gantry_signal WHERE run";

impl Writer {
    /// More conditions of a run, but for where its page begins and ends.
    pub(super) fn admitted(&mut self, filter: &RunFilter) -> &mut Self {
        let state = filter.state.map(|state| state.as_str().to_owned());
        for (column, text) in [
            (" AND started_by = ", &filter.started_by),
            (" AND tenant = ", &filter.tenant),
            (" AND workflow = ", &filter.workflow),
            (" AND session = ", &filter.session),
            (" AND state = ", &state),
        ] {
            if let Some(text) = text {
                self.sql(column).text(text);
            }
        }
        self
    }
}

/// Of the epochs that the runs have now, in the order in which they ended.
pub(crate) fn steps_of(engine: Engine, runs: &[Uuid]) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql(match engine {
        Engine::Postgres => STEP_POSTGRES,
        Engine::Sqlite => STEP_SQLITE,
    });
    writer
        .sql(" FROM gantry_step WHERE (run, epoch) IN (SELECT id, epoch FROM gantry_run WHERE id");
    writer.any_of(runs).sql(") ORDER BY seq");
    writer.finish()
}

pub(crate) fn signals_of(engine: Engine, runs: &[Uuid]) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql(match engine {
        Engine::Postgres => SIGNAL_POSTGRES,
        Engine::Sqlite => SIGNAL_SQLITE,
    });
    writer.any_of(runs).sql(" ORDER BY run, seq");
    writer.finish()
}

pub(crate) fn find(engine: Engine, id: Uuid, lock: bool) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql("SELECT ").run_columns();
    writer.sql(" FROM gantry_run WHERE id = ").uuid(id);
    if lock {
        writer.postgres(" FOR NO KEY UPDATE");
    }
    writer.finish()
}

pub(crate) fn list(engine: Engine, filter: &RunFilter) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql("SELECT ").run_columns();
    writer.sql(" FROM gantry_run WHERE true").admitted(filter);
    if let Some(before) = filter.before {
        writer.sql(" AND id < ").uuid(before);
    }
    writer.sql(" ORDER BY id DESC LIMIT ").number(filter.limit);
    writer.finish()
}

/// The run's slot, which never changes.
pub(crate) fn slot_of(engine: Engine, id: Uuid) -> Statement {
    let mut writer = Writer::new(engine);
    writer
        .sql("SELECT slot FROM gantry_run WHERE id = ")
        .uuid(id);
    writer.finish()
}

/// Ends at once what nobody has begun. Answers the parent.
pub(crate) fn cancel_queued(engine: Engine, id: Uuid) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql("UPDATE gantry_run SET state = 'cancelled', due_at = NULL, cancelling = ");
    writer.truth(true).sql(", finished_at = ").now();
    writer.sql(" WHERE id = ").uuid(id);
    writer.sql(" AND state = 'queued' AND claims = 0 RETURNING CAST(parent AS text)");
    writer.finish()
}

/// Asks whoever holds it to end it; what waits is claimed for that.
pub(crate) fn cancel(engine: Engine, id: Uuid) -> Statement {
    let mut writer = Writer::new(engine);
    writer
        .sql("UPDATE gantry_run SET cancelling = ")
        .truth(true);
    writer.sql(", woken = ").truth(true);
    writer
        .sql(", due_at = CASE WHEN state = 'waiting' THEN ")
        .now();
    writer.sql(" ELSE due_at END WHERE id = ").uuid(id);
    writer.sql(" AND finished_at IS NULL RETURNING 'x'");
    writer.finish()
}

/// Those that the run called are to end: at once where nobody has begun one and it is in no slot, else by whoever holds
/// or claims it.
pub(crate) fn cancel_called(engine: Engine, run: Uuid) -> Statement {
    const UNBEGUN: &str =
        "CASE WHEN state = 'queued' AND claims = 0 AND (slot IS NULL OR due_at IS NULL) THEN ";
    let mut writer = Writer::new(engine);
    writer
        .sql("UPDATE gantry_run SET cancelling = ")
        .truth(true);
    writer.sql(", woken = ").truth(true);
    writer.sql(", state = ").sql(UNBEGUN);
    writer.sql("'cancelled' ELSE state END, finished_at = ");
    writer.sql(UNBEGUN).now();
    writer.sql(" END, due_at = ").sql(UNBEGUN);
    writer.sql("NULL ELSE CASE WHEN state = 'waiting' THEN ");
    writer.now().sql(" ELSE due_at END END WHERE ");
    // In the order of ids: whoever locks several does so.
    match engine {
        Engine::Postgres => writer.sql("id = ANY(ARRAY(SELECT id FROM gantry_run WHERE parent = "),
        Engine::Sqlite => writer.sql("parent = "),
    };
    writer.uuid(run);
    writer.sql(" AND finished_at IS NULL AND NOT cancelling");
    writer.postgres(" ORDER BY id FOR NO KEY UPDATE)) AND finished_at IS NULL");
    writer.sql(" RETURNING CAST(id AS text)");
    writer.finish()
}

/// Those that it called and that have not ended.
pub(crate) fn children(engine: Engine, id: Uuid) -> Statement {
    let mut writer = Writer::new(engine);
    writer
        .sql("SELECT CAST(id AS text) FROM gantry_run WHERE parent = ")
        .uuid(id);
    writer.sql(" AND finished_at IS NULL AND NOT cancelling ORDER BY id");
    writer.finish()
}

/// Answers the signal's number, unless the run has ended or was told as much as it may be.
pub(crate) fn count_signal(engine: Engine, id: Uuid, most: u32) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql(
        "UPDATE gantry_run SET signals = signals + 1, due_at = CASE WHEN state = 'waiting' THEN ",
    );
    writer.now().sql(" ELSE due_at END WHERE id = ").uuid(id);
    writer
        .sql(" AND finished_at IS NULL AND signals < ")
        .number(most.into());
    writer.sql(" RETURNING CAST(signals AS text)");
    writer.finish()
}

pub(crate) fn add_signal(
    engine: Engine,
    id: Uuid,
    seq: i64,
    (name, payload, by): (&str, &str, &str),
) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql("INSERT INTO gantry_signal (run, seq, name, payload, told_by, at) VALUES (");
    writer.uuid(id).sql(", ").int(seq).sql(", ").text(name);
    writer.sql(", ").text(payload).sql(", ").text(by);
    writer.sql(", ").now().sql(")");
    writer.finish()
}

/// Where the step at that path stands, or the first that failed of what failed last.
pub(crate) fn retry_from(engine: Engine, id: Uuid, epoch: u32, from: Option<&str>) -> Statement {
    let mut writer = Writer::new(engine);
    writer
        .sql("SELECT CAST(min(seq) AS text) FROM gantry_step WHERE run = ")
        .uuid(id);
    writer.sql(" AND epoch = ").int(epoch);
    if let Some(from) = from {
        writer.sql(" AND path = ").text(from);
        return writer.finish();
    }
    writer.sql(" AND state = 'failed' AND (path || '.') LIKE (SELECT replace(path, '_', '\\_') || '.%' FROM gantry_step WHERE run = ");
    writer.uuid(id).sql(" AND epoch = ").int(epoch);
    writer.sql(" AND state = 'failed' ORDER BY seq DESC LIMIT 1) ESCAPE '\\'");
    writer.finish()
}

/// What ended well before then is taken into the next epoch.
pub(crate) fn retry_steps(engine: Engine, id: Uuid, epoch: u32, before: i64) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql(
        "INSERT INTO gantry_step (run, epoch, path, what, state, meta, output, attempts, started_at, ended_at) \
         SELECT run, epoch + 1, path, what, state, meta, output, attempts, started_at, ended_at FROM gantry_step WHERE run = ",
    );
    writer.uuid(id).sql(" AND epoch = ").int(epoch);
    writer
        .sql(" AND state IN ('done', 'skipped') AND seq < ")
        .int(before);
    writer.sql(" ORDER BY seq");
    writer.finish()
}

pub(crate) fn retry(engine: Engine, id: Uuid, parked: bool) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql("UPDATE gantry_run SET state = 'queued', epoch = epoch + 1, output = NULL, problem = NULL, cancelling = ");
    writer.truth(false).sql(", woken = ").truth(false);
    writer.sql(", finished_at = NULL, due_at = ");
    if parked {
        writer.sql("NULL");
    } else {
        writer.now();
    }
    writer
        .sql(" WHERE id = ")
        .uuid(id)
        .sql(" RETURNING ")
        .run_columns();
    writer.finish()
}

/// A schedule that is new, or ticks otherwise than it did.
pub(crate) fn schedule(engine: Engine, row: &ScheduleRow) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql("INSERT INTO gantry_schedule (workflow, number, ticks, next_at) VALUES (");
    writer.text(&row.workflow).sql(", ").int(row.number);
    writer
        .sql(", ")
        .text(&row.ticks)
        .sql(", ")
        .time(Some(row.next_at));
    writer.sql(
        ") ON CONFLICT (workflow, number) DO UPDATE SET ticks = excluded.ticks, next_at = excluded.next_at \
         WHERE gantry_schedule.ticks <> excluded.ticks",
    );
    writer.finish()
}

/// Those that no file tells of any more.
pub(crate) fn unschedule(engine: Engine, kept: &[ScheduleRow]) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql("DELETE FROM gantry_schedule");
    if !kept.is_empty() {
        writer.sql(" WHERE (workflow, number) NOT IN (VALUES ");
        writer.list(kept, |writer, row| {
            writer.sql("(").text(&row.workflow).sql(", ");
            writer.int(row.number).sql(")");
        });
        writer.sql(")");
    }
    writer.finish()
}

pub(crate) fn schedules_due(engine: Engine) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql(match engine {
        Engine::Postgres => "SELECT workflow, number::text, ticks, to_char(next_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
        Engine::Sqlite => "SELECT workflow, CAST(number AS TEXT), ticks, next_at",
    });
    writer.sql(" FROM gantry_schedule WHERE next_at <= ").now();
    writer.sql(" ORDER BY next_at LIMIT 16");
    writer.postgres(" FOR UPDATE SKIP LOCKED");
    writer.finish()
}

pub(crate) fn tick(engine: Engine, row: &ScheduleRow) -> Statement {
    let mut writer = Writer::new(engine);
    writer
        .sql("UPDATE gantry_schedule SET next_at = ")
        .time(Some(row.next_at));
    writer.sql(" WHERE workflow = ").text(&row.workflow);
    writer.sql(" AND number = ").int(row.number);
    writer.finish()
}

/// The moment of the next tick.
pub(crate) fn next_tick(engine: Engine) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql(match engine {
        Engine::Postgres => {
            "SELECT to_char(min(next_at), 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM gantry_schedule"
        }
        Engine::Sqlite => "SELECT min(next_at) FROM gantry_schedule",
    });
    writer.finish()
}

/// What that trigger started and has not ended.
pub(crate) fn triggered(engine: Engine, workflow: &str, by: &str) -> Statement {
    let mut writer = Writer::new(engine);
    writer
        .sql("SELECT CAST(id AS text) FROM gantry_run WHERE started_by = ")
        .text(by);
    writer.sql(" AND workflow = ").text(workflow);
    writer.sql(" AND finished_at IS NULL ORDER BY id");
    writer.finish()
}

/// Ended runs of the workflow that are older than the moment, or than so many others.
pub(crate) fn ended(
    engine: Engine,
    workflow: &str,
    before: Timestamp,
    most: u64,
    limit: u64,
) -> Statement {
    let mut writer = Writer::new(engine);
    writer
        .sql("SELECT CAST(id AS text) FROM gantry_run WHERE workflow = ")
        .text(workflow);
    writer
        .sql(" AND finished_at IS NOT NULL AND (finished_at < ")
        .time(Some(before));
    writer
        .sql(" OR id <= (SELECT id FROM gantry_run WHERE workflow = ")
        .text(workflow);
    writer
        .sql(" AND finished_at IS NOT NULL ORDER BY id DESC LIMIT 1 OFFSET ")
        .number(most);
    writer.sql(")) ORDER BY id LIMIT ").number(limit);
    writer.finish()
}

pub(crate) fn count_open(engine: Engine) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql("SELECT state, CAST(count(*) AS text) FROM gantry_run WHERE finished_at IS NULL GROUP BY state");
    writer.finish()
}

/// The workflows of which there are runs.
pub(crate) fn run_workflows(engine: Engine) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql("SELECT DISTINCT workflow FROM gantry_run");
    writer.finish()
}

/// With their steps and what they were told.
pub(crate) fn forget(engine: Engine, runs: &[Uuid]) -> [Statement; 3] {
    let tables = [
        "DELETE FROM gantry_step WHERE run",
        "DELETE FROM gantry_signal WHERE run",
        "DELETE FROM gantry_run WHERE id",
    ];
    tables.map(|text| {
        let mut writer = Writer::new(engine);
        writer.sql(text).any_of(runs);
        writer.finish()
    })
}

/// Definitions that no run needs, and that were not started for a day.
pub(crate) fn forget_workflows(engine: Engine, before: Timestamp) -> Statement {
    let mut writer = Writer::new(engine);
    writer
        .sql("DELETE FROM gantry_workflow WHERE used_at < ")
        .time(Some(before));
    writer.sql(
        " AND NOT EXISTS (SELECT 1 FROM gantry_run r WHERE r.workflow = gantry_workflow.name \
         AND r.version = gantry_workflow.version)",
    );
    writer.finish()
}
