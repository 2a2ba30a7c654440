//! The outbox on SQLite: its numbers are in the order of commits, since one transaction writes at a time.

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::service::failed;
use super::{Sqlite, begin, finish, query};
use crate::changes::{FORGOTTEN, PRUNED_AT_ONCE};
use crate::sql::Statement;
use crate::{Change, Error, Op, Position};

impl Sqlite {
    pub(crate) async fn changes(&self, statement: Statement) -> Result<Vec<Change>, Error> {
        let ask = move |connection: &mut Connection| {
            query(connection, &statement, |rows| {
                let mut changes = Vec::new();
                while let Some(row) = rows.next().map_err(failed)? {
                    changes.push(change(row)?);
                }
                Ok(changes)
            })
        };
        self.readers.run(None, ask).await
    }

    /// The greatest number that was ever given, whatever was pruned since.
    pub(crate) async fn changes_end(&self) -> Result<Position, Error> {
        let ask = |connection: &mut Connection| {
            let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'gantry_outbox'";
            let seq = connection.query_row(sql, [], |row| row.get(0)).optional();
            Ok(place(seq.map_err(failed)?.unwrap_or(0)))
        };
        self.readers.run(None, ask).await
    }

    pub(crate) async fn changes_forgotten(&self) -> Result<Option<String>, Error> {
        let ask = |connection: &mut Connection| {
            let sql = "SELECT value FROM gantry_meta WHERE key = ?";
            let value = connection.query_row(sql, [FORGOTTEN], |row| row.get(0));
            value.optional().map_err(failed)
        };
        self.readers.run(None, ask).await
    }

    /// Forgets all before the first change that is not older than `before`, a part at a time.
    pub(crate) async fn forget_changes(&self, before: jiff::Timestamp) -> Result<u64, Error> {
        let before = format!("{before:.6}");
        let first = move |connection: &mut Connection| {
            let sql = "SELECT seq FROM gantry_outbox WHERE at >= ? ORDER BY seq LIMIT 1";
            let first = connection.query_row(sql, [before], |row| row.get(0));
            Ok(first.optional().map_err(failed)?.unwrap_or(i64::MAX))
        };
        let first: i64 = self.readers.run(None, first).await?;
        let mut pruned = 0;
        loop {
            let closed = |_| Error::Unavailable("the store is closed".to_owned());
            let _turn = self.turn.acquire().await.map_err(closed)?;
            let part = move |connection: &mut Connection| {
                begin(connection)?;
                let done = forget_part(connection, first).map_err(failed);
                finish(connection, done.is_ok())?;
                done
            };
            let count = self.writer.run(None, part).await? as u64;
            pruned += count;
            if count < PRUNED_AT_ONCE {
                return Ok(pruned);
            }
        }
    }
}

fn forget_part(connection: &Connection, first: i64) -> rusqlite::Result<usize> {
    let sql = format!(
        "SELECT max(seq) FROM (SELECT seq FROM gantry_outbox WHERE seq < ? ORDER BY seq LIMIT {PRUNED_AT_ONCE})"
    );
    let last: Option<i64> = connection.query_row(&sql, [first], |row| row.get(0))?;
    let Some(last) = last else { return Ok(0) };
    let sql = "INSERT INTO gantry_meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    connection.execute(sql, (FORGOTTEN, format!("0 {last}")))?;
    connection.execute("DELETE FROM gantry_outbox WHERE seq <= ?", [last])
}

fn place(seq: i64) -> Position {
    Position {
        transaction: 0,
        seq,
    }
}

fn change(row: &Row<'_>) -> Result<Change, Error> {
    let garbled = || Error::Internal("a row of the outbox cannot be read".to_owned());
    let text = |at: usize| row.get::<_, String>(at).map_err(failed);
    Ok(Change {
        position: place(row.get(0).map_err(failed)?),
        at: text(1)?.parse().map_err(|_| garbled())?,
        model: text(2)?,
        record: text(3)?.parse().map_err(|_| garbled())?,
        op: Op::parse(&text(4)?).ok_or_else(garbled)?,
        version: row.get(5).map_err(failed)?,
        tenant: row.get(6).map_err(failed)?,
        gone: row.get(7).map_err(failed)?,
    })
}
