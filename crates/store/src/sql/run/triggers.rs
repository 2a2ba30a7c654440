//! How far the triggers of workflows have seen to the changes of models.

use uuid::Uuid;

use crate::sql::{Statement, Writer};
use crate::{Engine, Position, TriggerRow};

/// One that is there already stays where it is.
pub(crate) fn follow(engine: Engine, row: &TriggerRow) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql("INSERT INTO gantry_trigger (workflow, model, seen) VALUES (");
    writer.text(&row.workflow).sql(", ").text(&row.model);
    writer.sql(", ").text(row.seen.to_string());
    writer.sql(") ON CONFLICT (workflow, model) DO NOTHING");
    writer.finish()
}

/// Those that no file tells of any more.
pub(crate) fn unfollow(engine: Engine, kept: &[TriggerRow]) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql("DELETE FROM gantry_trigger");
    if !kept.is_empty() {
        writer.sql(" WHERE (workflow, model) NOT IN (VALUES ");
        writer.list(kept, |writer, row| {
            writer.sql("(").text(&row.workflow).sql(", ");
            writer.text(&row.model).sql(")");
        });
        writer.sql(")");
    }
    writer.finish()
}

pub(crate) fn followed(engine: Engine) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql("SELECT workflow, model, seen FROM gantry_trigger ORDER BY workflow, model");
    writer.finish()
}

/// Nothing comes back where another was there first.
pub(crate) fn see(engine: Engine, row: &TriggerRow, to: Position) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql("UPDATE gantry_trigger SET seen = ");
    writer.text(to.to_string());
    writer.sql(" WHERE workflow = ").text(&row.workflow);
    writer.sql(" AND model = ").text(&row.model);
    writer.sql(" AND seen = ").text(row.seen.to_string());
    writer.sql(" RETURNING 'x'");
    writer.finish()
}

/// `1` where the first change behind the position may be read, `0` where it is not settled yet.
pub(crate) fn unseen(engine: Engine, after: Position) -> Statement {
    let mut writer = Writer::new(engine);
    match engine {
        Engine::Postgres => {
            writer.sql(
                "SELECT (xid < pg_snapshot_xmin(pg_current_snapshot()))::int::text FROM gantry_outbox WHERE (xid, seq) > (",
            );
            writer.text(after.transaction.to_string());
            writer.sql("::text::xid8, ").int(after.seq);
            writer.sql(") ORDER BY xid, seq LIMIT 1");
        }
        Engine::Sqlite => {
            writer.sql("SELECT '1' FROM gantry_outbox WHERE seq > ");
            writer.int(after.seq).sql(" LIMIT 1");
        }
    }
    writer.finish()
}

/// What is kept of these records, of those that went for good behind the position.
pub(crate) fn gone(engine: Engine, model: &str, records: &[Uuid], after: Position) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql(match engine {
        Engine::Postgres => {
            "SELECT record::text, gone::text, tenant FROM gantry_outbox WHERE (xid, seq) > ("
        }
        Engine::Sqlite => "SELECT record, gone, tenant FROM gantry_outbox WHERE seq > ",
    });
    if engine == Engine::Postgres {
        writer.text(after.transaction.to_string());
        writer.sql("::text::xid8, ");
    }
    writer.int(after.seq).postgres(")");
    writer.sql(" AND gone IS NOT NULL AND model = ").text(model);
    writer.sql(" AND record").any_of(records);
    writer.finish()
}
