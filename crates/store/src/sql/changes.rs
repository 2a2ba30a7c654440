//! The outbox in the order of visibility.

use model::Value;

use super::{Scalar, Statement, Writer};
use crate::{Engine, Position};

/// `seq, at, model, record, op, version, tenant, gone`, and on PostgreSQL the transaction.
pub(crate) fn changes(engine: Engine, after: Position, limit: u64) -> Statement {
    let mut writer = Writer::new(engine);
    writer.sql("SELECT seq, at, model, record, op, version, tenant, ");
    match engine {
        // Below the horizon every transaction has ended, and none that is still to come can be below it.
        Engine::Postgres => writer
            .sql("gone::text, xid FROM gantry_outbox WHERE xid < pg_snapshot_xmin(pg_current_snapshot()) AND (xid, seq) > (")
            .arg(Value::Text(after.transaction.to_string()), Scalar::Text, false)
            .sql("::text::xid8, ")
            .arg(Value::Int(after.seq), Scalar::Int, false)
            .sql(") ORDER BY xid, seq LIMIT "),
        Engine::Sqlite => writer
            .sql("gone FROM gantry_outbox WHERE seq > ")
            .arg(Value::Int(after.seq), Scalar::Int, false)
            .sql(" ORDER BY seq LIMIT "),
    };
    writer.number(limit);
    writer.finish()
}
