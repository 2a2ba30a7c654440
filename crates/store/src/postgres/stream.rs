//! A list of any length: a connection of its own, whose rows are read as they are taken.

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use futures_util::TryStreamExt as _;
use tokio_postgres::RowStream;
use tokio_postgres::types::{ToSql, Type};

use super::{Postgres, errors, pool, within};
use crate::Error;
use crate::sql::{self, Statement};
use crate::stream::Outlet;

impl Postgres {
    /// Streams that leave as many connections to others.
    pub(crate) fn usual_streams(&self) -> usize {
        self.pool.lendable() / 2
    }

    /// Returns once the query has begun; its rows go on in a task that ends with the outlet.
    pub(crate) async fn stream(
        self: &Arc<Self>,
        statement: &Statement,
        mut outlet: Outlet,
        deadline: Option<Instant>,
    ) -> Result<(), Error> {
        let (lent, rows) = self.begin_stream(statement, &outlet, deadline).await?;
        let store = Arc::clone(self);
        self.pool.spawn(async move {
            let mut done = pass_on(rows, &mut outlet).await;
            if done.is_ok() {
                let ended = lent.connection.client.batch_execute("COMMIT").await;
                done = ended.map_err(|error| errors::error(&error, None));
            }
            if done.is_ok() {
                store.pool.give_back(lent);
            } else {
                store.pool.cancel(lent);
            }
            let patience = outlet.pace.stall;
            // Who does not take the end does not get it.
            let _ = tokio::time::timeout(patience, outlet.finish(done)).await;
        });
        Ok(())
    }

    async fn begin_stream(
        &self,
        statement: &Statement,
        outlet: &Outlet,
        deadline: Option<Instant>,
    ) -> Result<(pool::Lent, RowStream), Error> {
        self.patiently(deadline, || async move {
            let lent = self.pool.lend().await?;
            let begun = within(deadline, async {
                let rows = begin(&lent.connection, statement, outlet).await;
                rows.map_err(|error| errors::error(&error, None))
            });
            match begun.await {
                Ok(rows) => Ok((lent, rows)),
                Err(error) => {
                    self.pool.cancel(lent);
                    Err(error)
                }
            }
        })
        .await
    }
}

/// Prepared for this once: a plan kept from before could be stale, and a transaction cannot try again.
async fn begin(
    connection: &pool::Connection,
    statement: &Statement,
    outlet: &Outlet,
) -> Result<RowStream, tokio_postgres::Error> {
    let time = outlet.pace.time.as_millis();
    let client = &connection.client;
    client
        .batch_execute(&format!(
            "BEGIN READ ONLY; SET LOCAL statement_timeout = {}",
            time.min(i32::MAX as u128)
        ))
        .await?;
    let types: Vec<Type> = statement.args.iter().map(sql::Arg::postgres_type).collect();
    let prepared = client.prepare_typed(&statement.text, &types).await?;
    let args = statement.args.iter().map(|arg| arg as &(dyn ToSql + Sync));
    client.query_raw(&prepared, args).await
}

async fn pass_on(rows: RowStream, outlet: &mut Outlet) -> Result<(), Error> {
    let mut rows = pin!(rows);
    loop {
        let row = tokio::select! {
            biased;
            row = rows.try_next() => row,
            () = outlet.gone() => return Err(Error::Stalled),
            () = tokio::time::sleep_until(outlet.until.into()) => return Err(Error::Timeout),
        };
        let row = row.map_err(|error| errors::error(&error, None))?;
        let Some(row) = row else { return Ok(()) };
        if !outlet.row(&row)? {
            return Ok(());
        }
        if outlet.is_full() {
            let patience = outlet.patience();
            tokio::time::timeout(patience, outlet.send())
                .await
                .unwrap_or(Err(Error::Stalled))?;
        }
    }
}
