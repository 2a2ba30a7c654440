//! A transaction: the writer's turn, held from begin to end.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::OwnedSemaphorePermit;

use super::together::savepoint;
use super::{Sqlite, begin, errors, finish, query, write_once};
use crate::sql::Statement;
use crate::{Claim, Error, Kept, Write, Written};

pub(crate) struct SqliteTx {
    store: Arc<Sqlite>,
    /// Gone once the transaction has ended.
    turn: Option<OwnedSemaphorePermit>,
    deadline: Option<Instant>,
    savepoints: u32,
}

impl SqliteTx {
    pub(crate) async fn begin(
        store: Arc<Sqlite>,
        deadline: Option<Instant>,
    ) -> Result<Self, Error> {
        let turn = Arc::clone(&store.turn).acquire_owned().await;
        let turn = turn.map_err(|_| Error::Unavailable("the store is closed".to_owned()))?;
        // From here on a dropped transaction rolls back, even one whose begin nobody waited for.
        let tx = Self {
            store,
            turn: Some(turn),
            deadline,
            savepoints: 0,
        };
        tx.store
            .writer
            .run(deadline, |connection| begin(connection))
            .await?;
        Ok(tx)
    }

    pub(crate) async fn rows<T: Send + 'static>(
        &mut self,
        statement: Statement,
        rows: impl FnOnce(&mut rusqlite::Rows<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.store
            .writer
            .run(self.deadline, move |connection| {
                query(connection, &statement, rows)
            })
            .await
    }

    pub(crate) async fn write(&mut self, write: &Write) -> Result<Written, Error> {
        let write = write.clone();
        // A statement of several must be undone whole where one of them fails, as PostgreSQL's single one is.
        let work = move |connection: &mut rusqlite::Connection| {
            savepoint(connection, |connection| write_once(connection, &write))
        };
        self.store.writer.run(self.deadline, work).await
    }

    async fn execute(&self, sql: String) -> Result<(), Error> {
        let work = move |connection: &mut rusqlite::Connection| {
            connection
                .execute_batch(&sql)
                .map_err(|error| errors::error(error, None))
        };
        self.store.writer.run(self.deadline, work).await
    }

    pub(crate) async fn savepoint(&mut self) -> Result<(), Error> {
        self.savepoints += 1;
        self.execute(format!("SAVEPOINT s{}", self.savepoints))
            .await
    }

    pub(crate) async fn release(&mut self) -> Result<(), Error> {
        self.execute(format!("RELEASE s{}", self.savepoints))
            .await?;
        self.savepoints -= 1;
        Ok(())
    }

    pub(crate) async fn undo(&mut self) -> Result<(), Error> {
        let name = self.savepoints;
        self.execute(format!("ROLLBACK TO s{name}; RELEASE s{name}"))
            .await?;
        self.savepoints -= 1;
        Ok(())
    }

    /// The writer's turn is taken, so the key can be in nobody else's hands: who held it has ended.
    pub(crate) async fn claim(
        &mut self,
        caller: &str,
        node: &str,
        key: &str,
        hash: &[u8; 32],
    ) -> Result<Claim, Error> {
        let (caller, node, key, hash) = (caller.to_owned(), node.to_owned(), key.to_owned(), *hash);
        let work = move |connection: &mut rusqlite::Connection| {
            claim_row(connection, &caller, &node, &key, &hash)
                .map_err(|error| errors::error(error, None))
        };
        self.store.writer.run(self.deadline, work).await
    }

    pub(crate) async fn keep(
        &mut self,
        caller: &str,
        node: &str,
        key: &str,
        hash: &[u8; 32],
        kept: &Kept,
    ) -> Result<(), Error> {
        let (caller, node, key) = (caller.to_owned(), node.to_owned(), key.to_owned());
        let (hash, kept) = (*hash, kept.clone());
        let work = move |connection: &mut rusqlite::Connection| {
            let sql = "UPDATE gantry_idempotency SET meta = ?, body = ?, hash = ? WHERE caller = ? AND node = ? AND key = ?";
            let row = (
                &kept.meta,
                kept.body.as_ref(),
                hash.as_slice(),
                &caller,
                &node,
                &key,
            );
            let kept = connection.execute(sql, row);
            kept.map(|_| ()).map_err(|error| errors::error(error, None))
        };
        self.store.writer.run(self.deadline, work).await
    }

    pub(crate) async fn commit(self) -> Result<(), Error> {
        self.end(true).await
    }

    pub(crate) async fn rollback(self) -> Result<(), Error> {
        self.end(false).await
    }

    async fn end(mut self, keep: bool) -> Result<(), Error> {
        // Without a deadline: what is decided is carried out.
        let ended = self
            .store
            .writer
            .run(None, move |connection| finish(connection, keep))
            .await;
        self.turn = None;
        ended
    }
}

impl Drop for SqliteTx {
    fn drop(&mut self) {
        if let Some(turn) = self.turn.take() {
            self.store.writer.send(move |connection| {
                // Nobody is left to tell.
                let _ = finish(connection, false);
                drop(turn);
            });
        }
    }
}

fn claim_row(
    connection: &rusqlite::Connection,
    caller: &str,
    node: &str,
    key: &str,
    hash: &[u8; 32],
) -> rusqlite::Result<Claim> {
    let now = jiff::Timestamp::now();
    let expired = now - std::time::Duration::from_hours(24);
    let sql = "DELETE FROM gantry_idempotency WHERE caller = ? AND node = ? AND key = ? AND created_at < ?";
    connection.execute(sql, (caller, node, key, format!("{expired:.6}")))?;
    let sql =
        "SELECT hash, meta, body FROM gantry_idempotency WHERE caller = ? AND node = ? AND key = ?";
    let mut found = connection.prepare_cached(sql)?;
    let mut rows = found.query((caller, node, key))?;
    let Some(row) = rows.next()? else {
        let sql = "INSERT INTO gantry_idempotency (caller, node, key, hash, created_at) VALUES (?, ?, ?, ?, ?)";
        connection.execute(
            sql,
            (caller, node, key, hash.as_slice(), format!("{now:.6}")),
        )?;
        return Ok(Claim::Fresh);
    };
    if row.get_ref(0)?.as_blob()? != hash {
        return Ok(Claim::Mismatch);
    }
    Ok(Claim::Replay(Kept {
        meta: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
        body: row.get::<_, Option<Vec<u8>>>(2)?.unwrap_or_default().into(),
    }))
}
