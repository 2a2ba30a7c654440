//! What becomes of steps, under the lease of their run.

use jiff::Timestamp;
use model::Value;
use uuid::Uuid;
use wire::run::{Advance, StepRow, Then};

use super::UNSYNCED;
use crate::sql::{Scalar, Statement, Writer};
use crate::{Engine, StepDone};

const COLUMNS: &str = "INSERT INTO gantry_step (run, epoch, path, what, state, meta, output, problem, note, child, attempts, started_at, ended_at) ";

/// The columns behind `path`.
struct Row<'a> {
    path: &'a str,
    what: &'a str,
    state: &'static str,
    meta: Option<&'a str>,
    output: Option<&'a str>,
    problem: Option<String>,
    note: Option<String>,
    child: Option<Uuid>,
    attempts: u32,
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
}

impl Row<'_> {
    fn write(self, writer: &mut Writer) {
        writer.text(self.path).sql(", ").text(self.what).sql(", ");
        writer.text(self.state).sql(", ");
        writer.maybe_text(self.meta).sql(", ");
        writer.maybe_text(self.output).sql(", ");
        writer.maybe_text(self.problem).sql(", ");
        writer.maybe_text(self.note).sql(", ");
        writer.maybe_uuid(self.child).sql(", ");
        writer.int(self.attempts).sql(", ");
        writer.time(self.started_at).sql(", ");
        writer.time(self.ended_at);
    }
}

fn replaced(writer: &mut Writer) {
    writer.sql(
        " ON CONFLICT (run, epoch, path) DO UPDATE SET what = excluded.what, state = excluded.state, meta = excluded.meta, \
         output = excluded.output, problem = excluded.problem, note = excluded.note, child = excluded.child, \
         ended_at = excluded.ended_at, seq = ",
    );
    writer.sql(match writer.engine {
        Engine::Postgres => "DEFAULT",
        Engine::Sqlite => "(SELECT max(seq) + 1 FROM gantry_step)",
    });
}

/// Answers a row where the step was written: its run is held under this lease, and it was not done before.
pub(crate) fn step_done(engine: Engine, done: &StepDone) -> Statement {
    let mut writer = Writer::new(engine);
    insert_done(&mut writer, done);
    writer.sql(" RETURNING 'x'");
    writer.finish()
}

fn insert_done(writer: &mut Writer, done: &StepDone) {
    let body = std::str::from_utf8(&done.kept.body).unwrap_or_default();
    writer.sql(COLUMNS).sql("SELECT id, epoch, ");
    let row = Row {
        path: &done.step.path,
        what: &done.what,
        state: if done.child.is_some() {
            "waiting"
        } else {
            "done"
        },
        meta: Some(&done.kept.meta),
        output: done.child.is_none().then_some(body),
        problem: None,
        note: done.child.map(|child| format!("{{\"run\":\"{child}\"}}")),
        child: done.child,
        attempts: 1,
        started_at: Some(done.begun),
        ended_at: done.child.is_none().then(Timestamp::now),
    };
    row.write(writer);
    held(writer, &done.step);
    replaced(writer);
    writer.sql(NOT_DONE);
}

const NOT_DONE: &str = ", attempts = gantry_step.attempts + 1 WHERE gantry_step.state <> 'done' AND gantry_step.child IS NULL";

/// A lease that is about to be taken waits for this, or this for that and finds it gone.
fn held(writer: &mut Writer, step: &wire::Step) {
    writer.sql(" FROM gantry_run WHERE id = ").uuid(step.run);
    writer.sql(" AND epoch = ").int(step.epoch);
    writer.sql(" AND lease = ").uuid(step.lease);
    writer.postgres(" FOR SHARE");
}

/// The same of one or more for whoever commits at once: where one is not written the statement fails, and the
/// transaction with it. Of several, none waits for who is at work on its run: whoever locks several waits for nobody.
pub(crate) fn steps_done_or_fail(done: &[&StepDone]) -> Statement {
    let mut writer = Writer::new(Engine::Postgres);
    writer.sql("WITH s AS (");
    if let [one] = done {
        insert_done(&mut writer, one);
    } else {
        insert_all_done(&mut writer, done);
    }
    writer.sql(" RETURNING 1) SELECT 1 / (count(*) = ");
    writer.int(i64::try_from(done.len()).unwrap_or(i64::MAX));
    writer.sql(")::int FROM s");
    writer.finish()
}

/// Each run is looked up by its id, whatever was in the table when the plan was made: see [`super::claim`].
fn insert_all_done(writer: &mut Writer, done: &[&StepDone]) {
    let column = |writer: &mut Writer, scalar: Scalar, value: &dyn Fn(&StepDone) -> Value| {
        let values = done.iter().map(|done| value(done)).collect();
        writer.arg(Value::Array(values), scalar, true);
    };
    let body = |done: &StepDone| String::from_utf8_lossy(&done.kept.body).into_owned();
    writer.sql(COLUMNS).sql(
        "SELECT r.id, r.epoch, t.path, t.what, 'done', t.meta, t.output, NULL, NULL, NULL, 1, t.begun, now() FROM unnest(",
    );
    column(writer, Scalar::Uuid, &|done| Value::Uuid(done.step.run));
    writer.sql(", ");
    column(writer, Scalar::Int, &|done| {
        Value::Int(done.step.epoch.into())
    });
    writer.sql(", ");
    column(writer, Scalar::Uuid, &|done| Value::Uuid(done.step.lease));
    writer.sql(", ");
    column(writer, Scalar::Text, &|done| {
        Value::Text(done.step.path.clone())
    });
    writer.sql(", ");
    column(writer, Scalar::Text, &|done| Value::Text(done.what.clone()));
    writer.sql(", ");
    column(writer, Scalar::Text, &|done| {
        Value::Text(done.kept.meta.clone())
    });
    writer.sql(", ");
    column(writer, Scalar::Text, &|done| Value::Text(body(done)));
    writer.sql(", ");
    column(writer, Scalar::Timestamp, &|done| {
        Value::Timestamp(done.begun)
    });
    writer.sql(
        ") AS t(run, epoch, lease, path, what, meta, output, begun), LATERAL (SELECT id, epoch FROM gantry_run \
         WHERE id = t.run AND epoch = t.epoch AND lease = t.lease FOR SHARE SKIP LOCKED) r WHERE true",
    );
    replaced(writer);
    writer.sql(NOT_DONE);
}

/// What is kept of a step: its answer's meta and body, or the run that it started.
pub(crate) fn step_kept(engine: Engine, step: &wire::Step) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql("SELECT meta, output, ");
    writer.sql(match engine {
        Engine::Postgres => "child::text",
        Engine::Sqlite => "child",
    });
    writer.sql(" FROM gantry_step WHERE run = ").uuid(step.run);
    writer.sql(" AND epoch = ").int(step.epoch);
    writer.sql(" AND path = ").text(&step.path);
    writer.sql(" AND (state = 'done' OR child IS NOT NULL)");
    writer.finish()
}

/// A row of `run.advance`.
pub(crate) fn step_told(engine: Engine, advance: &Advance, step: &StepRow) -> Statement {
    let mut writer = Writer::new(engine);
    // Else `ON` could be read as a join's.
    insert_told(&mut writer, advance, step, " WHERE true");
    writer.finish()
}

fn insert_told(writer: &mut Writer, advance: &Advance, step: &StepRow, of: &'static str) {
    let json = |value: serde_json::Result<String>| value.ok();
    writer.sql(COLUMNS).sql("SELECT ").uuid(advance.run);
    writer.sql(", ").int(advance.epoch).sql(", ");
    let time = |text: &str| text.parse::<Timestamp>().ok();
    let row = Row {
        path: &step.path,
        what: &step.what,
        state: step.state.as_str(),
        meta: None,
        output: step.output.as_deref().map(serde_json::value::RawValue::get),
        problem: step
            .problem
            .as_ref()
            .and_then(|problem| json(serde_json::to_string(problem))),
        note: step
            .note
            .as_ref()
            .and_then(|note| json(serde_json::to_string(note))),
        child: step.note.as_ref().and_then(|note| note.run),
        attempts: step.attempts,
        started_at: Some(time(&step.started_at).unwrap_or_else(Timestamp::now)),
        ended_at: step.ended_at.as_deref().and_then(time),
    };
    row.write(writer);
    writer.sql(of);
    replaced(writer);
    writer.sql(", attempts = excluded.attempts WHERE gantry_step.state <> 'done'");
}

pub(crate) fn consume(engine: Engine, run: Uuid, seqs: &[u64]) -> Statement {
    let mut writer = Writer::new(engine);
    writer
        .sql("DELETE FROM gantry_signal WHERE run = ")
        .uuid(run);
    writer.sql(" AND seq IN (");
    writer.list(seqs, |writer, seq| {
        writer.number(*seq);
    });
    writer.sql(")");
    writer.finish()
}

const ENDED: &str = "to_char(finished_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";

/// What comes next of the run; answers its parent and when it ended, where the lease holds.
pub(crate) fn then(engine: Engine, advance: &Advance) -> Statement {
    let mut writer = Writer::new(engine);
    let answered = match engine {
        Engine::Postgres => {
            "parent::text, to_char(finished_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
        }
        Engine::Sqlite => "parent, finished_at",
    };
    write_then(&mut writer, advance, answered, "");
    writer.finish()
}

/// All of it in one statement, where nobody waits for the run's slot; answers when it ended, where the lease holds.
pub(crate) fn advance_at_once(advance: &Advance) -> Statement {
    let mut writer = Writer::new(Engine::Postgres);
    let ends = advance.then.ends();
    writer.sql("WITH held AS (");
    write_then(
        &mut writer,
        advance,
        "id, parent, finished_at",
        if ends { " AND slot IS NULL" } else { "" },
    );
    writer.sql(")");
    for (number, step) in advance.steps.iter().enumerate() {
        writer.sql(", s").number(number as u64).sql(" AS (");
        insert_told(&mut writer, advance, step, " FROM held");
        writer.sql(")");
    }
    if !advance.consumed.is_empty() {
        writer.sql(
            ", used AS (DELETE FROM gantry_signal WHERE run = (SELECT id FROM held) AND seq IN (",
        );
        writer.list(&advance.consumed, |writer, seq| {
            writer.number(*seq);
        });
        writer.sql("))");
    }
    if ends {
        writer.sql(", woken AS (UPDATE gantry_run SET woken = true, due_at = CASE WHEN state = 'waiting' THEN now() ELSE due_at END ");
        writer.sql("WHERE id = (SELECT parent FROM held) AND finished_at IS NULL)");
    }
    writer.sql(" SELECT ").sql(ENDED);
    // What follows from steps that are kept follows again.
    if advance.steps.is_empty() && matches!(advance.then, Then::Succeed(_)) {
        writer.sql(UNSYNCED);
    }
    writer.sql(" FROM held");
    writer.finish()
}

/// Runs that succeeded and tell of no steps, on PostgreSQL: of those that are nobody's children and wait in no slot it
/// answers the id, and when it ended. None waits for who is at work on its run: whoever locks several waits for nobody.
/// Every epoch is within the bounds, by which one row is expected, which is then found by its id: see [`super::claim`].
pub(crate) fn succeed_all(ends: &[Advance]) -> Statement {
    let mut writer = Writer::new(Engine::Postgres);
    let outputs = ends.iter().map(|advance| match &advance.then {
        Then::Succeed(output) => Value::Text(output.get().to_owned()),
        _ => Value::Null,
    });
    let outputs = outputs.collect();
    let ids = ends.iter().map(|advance| Value::Uuid(advance.run));
    let epochs = ends.iter().map(|advance| Value::Int(advance.epoch.into()));
    let leases = ends.iter().map(|advance| Value::Uuid(advance.lease));
    let (ids, epochs, leases) = (ids.collect(), epochs.collect(), leases.collect());
    writer.sql(
        "WITH held AS (UPDATE gantry_run r SET state = 'succeeded', output = e.output, problem = NULL, lease = NULL, \
         due_at = NULL, finished_at = now() FROM (SELECT r.id, t.output FROM unnest(",
    );
    writer
        .arg(Value::Array(ids), Scalar::Uuid, true)
        .sql(", ")
        .arg(Value::Array(epochs), Scalar::Int, true)
        .sql(", ")
        .arg(Value::Array(leases), Scalar::Uuid, true)
        .sql(", ")
        .arg(Value::Array(outputs), Scalar::Text, true);
    writer.sql(
        ") AS t(run, epoch, lease, output), LATERAL (SELECT id FROM gantry_run WHERE id = t.run AND epoch = t.epoch \
         AND lease = t.lease AND slot IS NULL AND parent IS NULL FOR NO KEY UPDATE SKIP LOCKED) r \
         WHERE t.epoch BETWEEN 1 AND 4294967295) e \
         WHERE r.id = e.id RETURNING r.id, r.finished_at) SELECT id::text, ",
    );
    writer.sql(ENDED).sql(UNSYNCED).sql(" FROM held");
    writer.finish()
}

fn write_then(
    writer: &mut Writer,
    advance: &Advance,
    answered: &'static str,
    unless: &'static str,
) {
    let ends = |writer: &mut Writer,
                state: &'static str,
                output: Option<&str>,
                problem: Option<String>| {
        writer
            .sql("UPDATE gantry_run SET state = '")
            .sql(state)
            .sql("', output = ");
        writer
            .maybe_text(output)
            .sql(", problem = ")
            .maybe_text(problem);
        writer
            .sql(", lease = NULL, due_at = NULL, finished_at = ")
            .now();
    };
    match &advance.then {
        Then::Go => {
            writer.sql("SELECT ").sql(answered);
            return held(writer, &holding(advance));
        }
        Then::Wait {
            until,
            signals_seen,
        } => {
            let until = until.as_deref().and_then(|until| until.parse().ok());
            writer.sql("UPDATE gantry_run SET state = 'waiting', lease = NULL, due_at = CASE WHEN woken OR signals > ");
            writer.int(i64::try_from(*signals_seen).unwrap_or(i64::MAX));
            writer
                .sql(" THEN ")
                .now()
                .sql(" ELSE ")
                .time(until)
                .sql(" END, woken = ")
                .truth(false);
        }
        Then::Release => {
            writer
                .sql("UPDATE gantry_run SET state = 'queued', lease = NULL, due_at = ")
                .now();
        }
        Then::Succeed(output) => ends(writer, "succeeded", Some(output.get()), None),
        Then::Fail(problem) => ends(writer, "failed", None, serde_json::to_string(problem).ok()),
        Then::Cancel => ends(writer, "cancelled", None, None),
    }
    let step = holding(advance);
    writer.sql(" WHERE id = ").uuid(step.run);
    writer.sql(" AND epoch = ").int(step.epoch);
    writer.sql(" AND lease = ").uuid(step.lease);
    writer.sql(unless).sql(" RETURNING ").sql(answered);
}

fn holding(advance: &Advance) -> wire::Step {
    wire::Step {
        run: advance.run,
        epoch: advance.epoch,
        path: String::new(),
        lease: advance.lease,
    }
}
