//! What became of runs behind a place: what is kept of each kind of news by the order of its moments.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;
use wire::run::LEASE;

use crate::sql::{Statement, Writer};
use crate::{Engine, RunFilter, RunPlace};

/// Kind, moment, run, step's path, workflow and output of what is news; of each kind the first in their order, which is
/// their index's.
pub(crate) fn changed(engine: Engine, filter: &RunFilter, after: &RunPlace) -> Statement {
    let mut writer = Writer::new(engine);
    began(&mut writer, filter, after);
    writer.sql(" UNION ALL ");
    ended(&mut writer, filter, after);
    writer.sql(" UNION ALL ");
    waits(&mut writer, filter, after);
    writer.sql(" UNION ALL ");
    emitted(&mut writer, filter, after);
    writer.sql(" UNION ALL ");
    goes_on(&mut writer, filter, after.at);
    writer.finish()
}

/// Those runs, as they are.
pub(crate) fn find_all(engine: Engine, runs: &[Uuid]) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql("SELECT ").run_columns();
    writer.sql(" FROM gantry_run WHERE id").any_of(runs);
    writer.finish()
}

/// The moment in which a run of that id began.
pub(crate) fn began_at(run: Uuid) -> Option<Timestamp> {
    let (seconds, nanos) = run.get_timestamp()?.to_unix();
    let nanos = i32::try_from(nanos).ok()?;
    Timestamp::new(i64::try_from(seconds).ok()?, nanos).ok()
}

/// Their ids are in the order in which they began, to the millisecond. The upper bound, which all are within, has
/// PostgreSQL use the index from the first: see [`super::claim`].
fn began(writer: &mut Writer, filter: &RunFilter, after: &RunPlace) {
    let (first, next) = (first_of(after.at, 0), first_of(after.at, 1));
    let after = if after.at.as_microsecond() % 1000 == 0 {
        after.run.clamp(first, next)
    } else {
        next
    };
    writer.sql("SELECT * FROM (SELECT 'began' AS kind, NULL AS at, CAST(id AS text) AS run, '' AS path, workflow, NULL AS output");
    writer.sql(" FROM gantry_run WHERE id > ").uuid(after);
    writer.postgres(" AND id <= 'ffffffff-ffff-ffff-ffff-ffffffffffff'");
    writer.admitted(filter).sql(" ORDER BY gantry_run.id");
    writer.sql(" LIMIT ").number(filter.limit).sql(") began");
}

/// Before all ids that were made so many milliseconds after the moment's own.
fn first_of(at: Timestamp, later: u64) -> Uuid {
    let millis = u64::try_from(at.as_millisecond()).unwrap_or_default();
    Uuid::from_u128(u128::from(millis + later) << 80)
}

fn ended(writer: &mut Writer, filter: &RunFilter, after: &RunPlace) {
    writer
        .sql("SELECT * FROM (SELECT 'ended', ")
        .moment("finished_at");
    writer.sql(", CAST(id AS text), '', workflow, NULL FROM gantry_run WHERE finished_at >= ");
    writer.time(Some(after.at));
    writer.postgres(" AND finished_at <= 'infinity'");
    writer.sql(" AND (finished_at, id) > (");
    writer.time(Some(after.at)).sql(", ").uuid(after.run);
    writer.sql(")").admitted(filter);
    writer.sql(" ORDER BY finished_at, gantry_run.id LIMIT ");
    writer.number(filter.limit).sql(") ended");
}

fn waits(writer: &mut Writer, filter: &RunFilter, after: &RunPlace) {
    writer
        .sql("SELECT * FROM (SELECT 'waits', ")
        .moment("s.started_at");
    writer.sql(", CAST(s.run AS text), s.path, workflow, NULL FROM gantry_step s JOIN gantry_run r ON r.id = s.run AND r.epoch = s.epoch ");
    writer.sql("WHERE s.state = 'waiting' AND (s.started_at, s.run, s.path) > (");
    behind(writer, after)
        .admitted(filter)
        .sql(" ORDER BY s.started_at, s.run, s.path");
    writer.sql(" LIMIT ").number(filter.limit).sql(") waits");
}

fn emitted(writer: &mut Writer, filter: &RunFilter, after: &RunPlace) {
    writer
        .sql("SELECT * FROM (SELECT 'emitted', ")
        .moment("s.ended_at");
    writer.sql(", CAST(s.run AS text), s.path, workflow, s.output FROM gantry_step s JOIN gantry_run r ON r.id = s.run ");
    writer.sql("WHERE s.what = 'emit' AND s.state = 'done' AND (s.ended_at, s.run, s.path) > (");
    behind(writer, after)
        .admitted(filter)
        .sql(" ORDER BY s.ended_at, s.run, s.path");
    writer.sql(" LIMIT ").number(filter.limit).sql(") emitted");
}

/// Those that go on again, or for the first time: among those that may go on now, or are held under a lease whose id was
/// made since.
fn goes_on(writer: &mut Writer, filter: &RunFilter, since: Timestamp) {
    writer.sql("SELECT * FROM (SELECT 'goes_on', NULL, CAST(id AS text), '', workflow, NULL FROM gantry_run WHERE due_at >= ");
    writer.time(Some(since)).sql(" AND due_at <= ");
    writer.soon(LEASE + Duration::from_secs(1));
    writer.sql(" AND (state = 'queued' OR state = 'running' AND lease >= ");
    writer.uuid(first_of(since, 0)).sql(")").admitted(filter);
    writer.sql(" ORDER BY due_at LIMIT ");
    writer.number(filter.limit).sql(") goes_on");
}

fn behind<'a>(writer: &'a mut Writer, after: &RunPlace) -> &'a mut Writer {
    writer.time(Some(after.at)).sql(", ").uuid(after.run);
    writer.sql(", ").text(&after.path).sql(")")
}

impl Writer {
    fn moment(&mut self, column: &'static str) -> &mut Self {
        match self.engine {
            Engine::Postgres => {
                self.sql("to_char(").sql(column);
                self.sql(", 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
            }
            Engine::Sqlite => self.sql(column),
        }
    }
}
