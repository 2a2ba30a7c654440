//! A transaction on a connection of its own.

use std::sync::Arc;
use std::time::Instant;

use sha2::Digest as _;
use tokio_postgres::Row;

use super::{errors, pool, run, within, write_once};
use crate::sql::Statement;
use crate::{Claim, Error, Kept, Write, Written};

pub(crate) struct PostgresTx {
    /// Gone once the transaction has ended. Dropped with it, the connection closes, and the server rolls back.
    lent: Option<pool::Lent>,
    store: Arc<super::Postgres>,
    deadline: Option<Instant>,
    savepoints: u32,
}

impl PostgresTx {
    pub(crate) async fn begin(
        store: Arc<super::Postgres>,
        deadline: Option<Instant>,
    ) -> Result<Self, Error> {
        let mut tries = 0;
        loop {
            let lent = store.pool.lend().await?;
            match lent.connection.client.batch_execute("BEGIN").await {
                Ok(()) => {
                    return Ok(Self {
                        lent: Some(lent),
                        store,
                        deadline,
                        savepoints: 0,
                    });
                }
                Err(_) if lent.connection.client.is_closed() && tries < 2 => tries += 1,
                Err(error) => return Err(errors::error(&error, None)),
            }
        }
    }

    fn connection(&self) -> Result<&pool::Connection, Error> {
        let ended = || Error::Internal("the transaction has ended".to_owned());
        self.lent
            .as_ref()
            .map(|lent| &lent.connection)
            .ok_or_else(ended)
    }

    pub(crate) async fn rows(&mut self, statement: &Statement) -> Result<Vec<Row>, Error> {
        let connection = self.connection()?;
        let rows = within(self.deadline, async {
            run(connection, statement)
                .await
                .map_err(|error| errors::error(&error, None))
        });
        rows.await
    }

    pub(crate) async fn write(&mut self, write: &Write) -> Result<Written, Error> {
        let connection = self.connection()?;
        within(self.deadline, write_once(connection, write)).await
    }

    async fn execute(&self, sql: &str) -> Result<(), Error> {
        let run = self.connection()?.client.batch_execute(sql);
        within(self.deadline, async {
            run.await.map_err(|error| errors::error(&error, None))
        })
        .await
    }

    pub(crate) async fn be_patient(&mut self) -> Result<(), Error> {
        self.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            .await
    }

    pub(crate) async fn savepoint(&mut self) -> Result<(), Error> {
        self.savepoints += 1;
        self.execute(&format!("SAVEPOINT s{}", self.savepoints))
            .await
    }

    pub(crate) async fn release(&mut self) -> Result<(), Error> {
        self.execute(&format!("RELEASE SAVEPOINT s{}", self.savepoints))
            .await?;
        self.savepoints -= 1;
        Ok(())
    }

    pub(crate) async fn undo(&mut self) -> Result<(), Error> {
        let name = self.savepoints;
        self.execute(&format!(
            "ROLLBACK TO SAVEPOINT s{name}; RELEASE SAVEPOINT s{name}"
        ))
        .await?;
        self.savepoints -= 1;
        Ok(())
    }

    pub(crate) async fn claim(
        &mut self,
        caller: &str,
        node: &str,
        key: &str,
        hash: &[u8; 32],
    ) -> Result<Claim, Error> {
        let client = &self.connection()?.client;
        let failed = |error: tokio_postgres::Error| errors::error(&error, None);
        // The lock lasts until the transaction ends, so whoever holds it is at work on this very key.
        let digest = sha2::Sha256::digest(format!("{caller}\0{node}\0{key}"));
        let mut lock = [0; 8];
        lock.copy_from_slice(&digest[..8]);
        let row = client
            .query_one(
                "SELECT pg_try_advisory_xact_lock($1)",
                &[&i64::from_be_bytes(lock)],
            )
            .await
            .map_err(failed)?;
        if !row.get::<_, bool>(0) {
            return Ok(Claim::InFlight);
        }
        let sql = "DELETE FROM gantry_idempotency WHERE caller = $1 AND node = $2 AND key = $3 \
                   AND created_at < now() - interval '24 hours'";
        client
            .execute(sql, &[&caller, &node, &key])
            .await
            .map_err(failed)?;
        let sql = "SELECT hash, meta, body FROM gantry_idempotency WHERE caller = $1 AND node = $2 AND key = $3";
        let Some(row) = client
            .query_opt(sql, &[&caller, &node, &key])
            .await
            .map_err(failed)?
        else {
            let sql =
                "INSERT INTO gantry_idempotency (caller, node, key, hash) VALUES ($1, $2, $3, $4)";
            client
                .execute(sql, &[&caller, &node, &key, &hash.as_slice()])
                .await
                .map_err(failed)?;
            return Ok(Claim::Fresh);
        };
        if row.get::<_, &[u8]>(0) != hash {
            return Ok(Claim::Mismatch);
        }
        let body: Option<&[u8]> = row.get(2);
        Ok(Claim::Replay(Kept {
            meta: row.get::<_, Option<String>>(1).unwrap_or_default(),
            body: bytes::Bytes::copy_from_slice(body.unwrap_or_default()),
        }))
    }

    pub(crate) async fn keep(
        &mut self,
        caller: &str,
        node: &str,
        key: &str,
        hash: &[u8; 32],
        kept: &Kept,
    ) -> Result<(), Error> {
        let sql = "UPDATE gantry_idempotency SET meta = $4, body = $5, hash = $6 WHERE caller = $1 AND node = $2 AND key = $3";
        let client = &self.connection()?.client;
        let kept = client
            .execute(
                sql,
                &[
                    &caller,
                    &node,
                    &key,
                    &kept.meta,
                    &kept.body.as_ref(),
                    &hash.as_slice(),
                ],
            )
            .await;
        kept.map_err(|error| errors::error(&error, None))?;
        Ok(())
    }

    pub(crate) async fn commit(self) -> Result<(), Error> {
        self.end("COMMIT").await
    }

    pub(crate) async fn rollback(self) -> Result<(), Error> {
        self.end("ROLLBACK").await
    }

    async fn end(mut self, sql: &str) -> Result<(), Error> {
        let ended = || Error::Internal("the transaction has ended".to_owned());
        let lent = self.lent.take().ok_or_else(ended)?;
        let done = lent.connection.client.batch_execute(sql).await;
        let done = done.map_err(|error| errors::error(&error, None));
        // A server that shuts down may have committed before it says so.
        if sql == "COMMIT" && matches!(done, Err(Error::Unavailable(_))) {
            return Err(Error::Unconfirmed);
        }
        self.store.pool.give_back(lent);
        done
    }
}
