//! The bare contenders' table and films, in a database of their own, and the cleaning after a measurement.

use anyhow::Context;
use tokio_postgres::{Client, NoTls};

use crate::work::{FILMS, FIRST_CREATED_ID};

/// The columns, keys and indexes that Gantry makes for the model of `contender`.
const TABLE: &str = "
CREATE TABLE film (
    id uuid PRIMARY KEY,
    title text COLLATE \"C\" NOT NULL,
    released date,
    gross bigint,
    rating numeric,
    director text COLLATE \"C\",
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    created_by text NOT NULL,
    _version bigint NOT NULL
);
CREATE INDEX film_gross ON film (gross, id);
";

pub(crate) fn create_database(server: &str, name: &str) -> anyhow::Result<()> {
    execute(
        server,
        &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
    )?;
    execute(server, &format!("CREATE DATABASE {name}"))
}

/// The same films that Gantry's contenders get over HTTP.
pub(crate) fn fill_bare(database: &str) -> anyhow::Result<()> {
    execute(database, TABLE)?;
    execute(
        database,
        &format!(
            "INSERT INTO film SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
                'The film number ' || n, '1950-01-01'::date + (n % 25000)::int, n % {FILMS} * 1000,
                (n % 10 || '.' || n % 7)::numeric, 'Director ' || n % 500, now(), now(), 'bench', 1
             FROM generate_series(1, {FILMS}) AS n"
        ),
    )?;
    execute(database, "VACUUM ANALYZE film")
}

/// Every contender begins every measurement with the same number of films.
pub(crate) fn clean(database: &str) -> anyhow::Result<()> {
    execute(
        database,
        &format!("DELETE FROM film WHERE id >= '{FIRST_CREATED_ID}'"),
    )?;
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

/// `server_version`, for the report.
pub(crate) fn version(server: &str) -> anyhow::Result<String> {
    with_client(server, async |client| {
        let row = client.query_one("SHOW server_version", &[]).await?;
        Ok(row.try_get(0)?)
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
