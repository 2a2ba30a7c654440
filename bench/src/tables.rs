//! The databases on PostgreSQL: films for those that have no HTTP, and the cleaning after a measurement.

use std::time::Duration;

use anyhow::Context;
use tokio_postgres::{Client, NoTls};

use crate::process::processor_time_of_server;
use crate::statements::FILL;
use crate::work::{FILMS, FIRST_CREATED_ID};

pub(crate) fn create_database(server: &str, name: &str) -> anyhow::Result<()> {
    execute(
        server,
        &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
    )?;
    execute(server, &format!("CREATE DATABASE {name}"))
}

/// The same films that others get over HTTP, into tables that are there.
pub(crate) fn fill(database: &str) -> anyhow::Result<()> {
    execute(database, &FILL.replace("$films", &FILMS.to_string()))?;
    execute(database, "VACUUM ANALYZE film")
}

/// Every contender begins every measurement with the same number of films, and nothing to tell.
pub(crate) fn clean(database: &str) -> anyhow::Result<()> {
    execute(
        database,
        &format!("DELETE FROM film WHERE id >= '{FIRST_CREATED_ID}'"),
    )?;
    execute(database, "TRUNCATE gantry_outbox")?;
    execute(database, "VACUUM ANALYZE film")
}

/// So that no measurement pays for another's dirty pages.
pub(crate) fn checkpoint(server: &str) -> anyhow::Result<()> {
    execute(server, "CHECKPOINT")
}

pub(crate) fn execute(database: &str, sql: &str) -> anyhow::Result<()> {
    with_client(database, async |client| {
        client.batch_execute(sql).await.context(sql.to_owned())
    })
}

/// The numbers of a statement's only row.
pub(crate) fn numbers<const N: usize>(database: &str, sql: &str) -> anyhow::Result<[f64; N]> {
    with_client(database, async |client| {
        let row = client.query_one(sql, &[]).await?;
        let mut numbers = [0.0; N];
        for (at, number) in numbers.iter_mut().enumerate() {
            *number = row.try_get(at)?;
        }
        Ok(numbers)
    })
}

/// `server_version`, for the report.
pub(crate) fn version(server: &str) -> anyhow::Result<String> {
    with_client(server, async |client| {
        let row = client.query_one("SHOW server_version", &[]).await?;
        Ok(row.try_get(0)?)
    })
}

/// The processor time that the server has used, all of its processes together.
pub(crate) fn processor_time(server: &str) -> anyhow::Result<Duration> {
    with_client(server, async |client| {
        let row = client.query_one("SELECT pg_backend_pid()", &[]).await?;
        let backend: i32 = row.try_get(0)?;
        processor_time_of_server(u32::try_from(backend)?)
    })
}

fn with_client<T>(
    database: &str,
    work: impl AsyncFnOnce(&Client) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(database, NoTls).await?;
        let working = async {
            let done = work(&client).await;
            drop(client);
            done
        };
        let (done, ended) = tokio::join!(working, connection);
        ended?;
        done
    })
}
