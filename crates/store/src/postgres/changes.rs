//! The outbox on PostgreSQL: read below the horizon of open transactions, pruned from its beginning.

use model::{Kind, Value};
use tokio_postgres::Row;

use super::service::{failed, time};
use super::{Postgres, cells};
use crate::changes::{FORGOTTEN, PRUNED_AT_ONCE};
use crate::sql::Statement;
use crate::{Change, Error, Op, Position};

impl Postgres {
    pub(crate) async fn changes(&self, statement: &Statement) -> Result<Vec<Change>, Error> {
        let rows = self.read(statement, None).await?;
        rows.iter().map(change).collect()
    }

    pub(crate) async fn changes_end(&self) -> Result<Position, Error> {
        let sql = "SELECT pg_snapshot_xmin(pg_current_snapshot())";
        let row = self.patiently(None, || async move {
            let connection = self.pool.shared().await?;
            connection.client.query_one(sql, &[]).await.map_err(failed)
        });
        let transaction = transaction(&row.await?, 0)?;
        Ok(Position {
            transaction,
            seq: 0,
        })
    }

    pub(crate) async fn changes_forgotten(&self) -> Result<Option<String>, Error> {
        let sql = "SELECT value FROM gantry_meta WHERE key = $1";
        self.patiently(None, || async move {
            let connection = self.pool.shared().await?;
            let row = connection.client.query_opt(sql, &[&FORGOTTEN]).await;
            Ok(row.map_err(failed)?.map(|row| row.get(0)))
        })
        .await
    }

    /// Forgets all before the first change that is not older than `before`, a part at a time.
    pub(crate) async fn forget_changes(&self, before: jiff::Timestamp) -> Result<u64, Error> {
        let lent = self.pool.lend().await?;
        let client = &lent.connection.client;
        let mut pruned = client.execute(FOREIGN, &[]).await.map_err(failed)?;
        let first = client.query_opt(FIRST, &[&time(Some(before))]).await;
        let (transaction, seq) = match first.map_err(failed)? {
            Some(row) => (row.get::<_, String>(0), row.get::<_, i64>(1)),
            None => (u64::MAX.to_string(), 0),
        };
        loop {
            let last = client.query_opt(&last(), &[&transaction, &seq]).await;
            let Some(last) = last.map_err(failed)? else {
                break;
            };
            let (transaction, seq) = (last.get::<_, String>(0), last.get::<_, i64>(1));
            let row = client.query_one(&forget(), &[&transaction, &seq]).await;
            pruned += row.map_err(failed)?.get::<_, i64>(0).unsigned_abs();
        }
        self.pool.give_back(lent);
        Ok(pruned)
    }
}

/// Nothing that is seen is as new as the next transaction, unless it was restored from another server: there its number
/// would be told as new one day.
const FOREIGN: &str =
    "DELETE FROM gantry_outbox WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())";

const FIRST: &str =
    "SELECT xid::text, seq FROM gantry_outbox WHERE at >= $1 ORDER BY xid, seq LIMIT 1";

/// The last of the next part.
fn last() -> String {
    format!(
        "SELECT xid::text, seq FROM (SELECT xid, seq FROM gantry_outbox WHERE (xid, seq) < ($1::text::xid8, $2) \
           AND xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY xid, seq LIMIT {PRUNED_AT_ONCE}) part \
         ORDER BY part.xid DESC, part.seq DESC LIMIT 1"
    )
}

/// The rows and the word of it go together; of two who prune, the one that is behind does not take the word back.
fn forget() -> String {
    let place = |row: &str| {
        format!("split_part({row}.value, ' ', 1)::xid8, split_part({row}.value, ' ', 2)::bigint")
    };
    let (old, new) = (place("gantry_meta"), place("excluded"));
    format!(
        "WITH old AS (DELETE FROM gantry_outbox WHERE (xid, seq) <= ($1::text::xid8, $2) RETURNING 1), \
         word AS (INSERT INTO gantry_meta (key, value) VALUES ('{FORGOTTEN}', $1::text || ' ' || $2) \
           ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE ({old}) < ({new})) \
         SELECT count(*) FROM old"
    )
}

fn change(row: &Row) -> Result<Change, Error> {
    let garbled = || Error::Internal("a row of the outbox cannot be read".to_owned());
    let raw = |at| cells::raw(row, at)?.ok_or_else(garbled);
    let text = |at| row.try_get::<_, Option<String>>(at).map_err(failed);
    let Value::Timestamp(at) = cells::scalar(raw(1)?, &Kind::Timestamp)? else {
        return Err(garbled());
    };
    Ok(Change {
        position: Position {
            transaction: transaction(row, 8)?,
            seq: cells::int(raw(0)?)?,
        },
        at,
        model: text(2)?.ok_or_else(garbled)?,
        record: cells::uuid(raw(3)?)?,
        op: text(4)?
            .as_deref()
            .and_then(Op::parse)
            .ok_or_else(garbled)?,
        version: cells::int(raw(5)?)?,
        tenant: text(6)?,
        gone: text(7)?,
    })
}

/// `xid8`, which counts on where transactions' short numbers begin again.
fn transaction(row: &Row, at: usize) -> Result<u64, Error> {
    let missing = || Error::Internal("a transaction without its number".to_owned());
    let raw = cells::raw(row, at)?.ok_or_else(missing)?;
    Ok(cells::int(raw)?.cast_unsigned())
}
