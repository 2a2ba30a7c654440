//! `COPY`, the fastest way of rows into PostgreSQL: a thousand films and their outbox rows in one transaction.

use std::fmt::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bytes::Bytes;
use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_postgres::{Client, NoTls, Statement};
use uuid::Uuid;

use crate::process::load_generator;
use crate::statements::{COPY_FILMS, COPY_OUTBOX};
use crate::stream::Passed;
use crate::work::{BULK, film, film_id, scatter};

/// Starts the process that copies, on the core of the generators of load, and reads what it says.
pub(crate) fn measure(database: &str, clients: usize, seconds: f64) -> anyhow::Result<Value> {
    let mut command = load_generator(std::env::current_exe()?)?;
    command
        .args(["copy", database])
        .args([clients.to_string(), seconds.to_string()]);
    let output = command.output().context("starting to copy")?;
    ensure!(
        output.status.success(),
        "copy: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// That process. Prints one line of JSON, as the generator of load does.
pub(crate) fn run(database: &str, clients: &str, seconds: &str) -> anyhow::Result<()> {
    let clients: usize = clients.parse()?;
    let duration = Duration::from_secs_f64(seconds.parse()?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (mut latencies, answered) = runtime.block_on(copy(database, clients, duration))?;
    ensure!(!latencies.is_empty(), "nothing was copied in time");
    latencies.sort_unstable();
    let count = u32::try_from(latencies.len())?;
    println!(
        "{}",
        json!({
            "requests": count,
            "answered": answered,
            "per_second": f64::from(count) / duration.as_secs_f64(),
            "p50_ms": latencies[latencies.len() / 2].as_secs_f64() * 1000.0,
            "p99_ms": latencies[latencies.len() * 99 / 100].as_secs_f64() * 1000.0,
        })
    );
    Ok(())
}

async fn copy(
    database: &str,
    clients: usize,
    duration: Duration,
) -> anyhow::Result<(Vec<Duration>, usize)> {
    let begin = Instant::now() + duration / 4;
    let end = begin + duration;
    let mut connections = JoinSet::new();
    let mut copying = JoinSet::new();
    for _ in 0..clients {
        let (client, connection) = tokio_postgres::connect(database, NoTls).await?;
        connections.spawn(connection);
        copying.spawn(async move {
            let films = rendered();
            let tables = [
                client.prepare(COPY_FILMS).await?,
                client.prepare(COPY_OUTBOX).await?,
            ];
            let mut latencies = Vec::new();
            let mut answered = 0;
            while Instant::now() < end {
                let started = Instant::now();
                copy_once(&client, &tables, &films).await?;
                answered += 1;
                let now = Instant::now();
                if (begin..end).contains(&now) {
                    latencies.push(now - started);
                }
            }
            anyhow::Ok((latencies, answered))
        });
    }
    let mut all = (Vec::new(), 0);
    while let Some(done) = copying.join_next().await {
        let (latencies, answered) = done??;
        all.0.extend(latencies);
        all.1 += answered;
    }
    Ok(all)
}

/// The lines of a thousand films but for their ids.
fn rendered() -> Vec<String> {
    let at = "2026-01-01T00:00:00Z";
    (0..BULK as u64)
        .map(|number| {
            let film = film(scatter(number));
            let text = |name| film[name].as_str().unwrap_or("\\N");
            format!(
                "{}\t{}\t{}\t{}\t{}\t{at}\t{at}\tbench\t1\n",
                text("title"),
                text("released"),
                film["gross"],
                text("rating"),
                text("director")
            )
        })
        .collect()
}

/// All films in one transaction, and their outbox rows; whole thousands of them.
pub(crate) fn copy_all(database: &str, rows: u64) -> anyhow::Result<Passed> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let (mut client, connection) = tokio_postgres::connect(database, NoTls).await?;
        let copying = async {
            let films = rendered();
            let begun = Instant::now();
            let mut passed = Passed::nothing();
            let transaction = client.transaction().await?;
            let into = transaction.copy_in(COPY_FILMS).await?;
            let mut into = std::pin::pin!(into);
            for first in (1..=rows).step_by(BULK) {
                let mut lines = String::new();
                for (number, film) in (first..).zip(&films) {
                    write!(lines, "{}\t{film}", film_id(number)).expect("text takes text");
                }
                passed.count(lines.as_bytes());
                into.send(Bytes::from(lines)).await?;
            }
            into.finish().await?;
            let into = transaction.copy_in(COPY_OUTBOX).await?;
            let mut into = std::pin::pin!(into);
            for first in (1..=rows).step_by(BULK) {
                let mut lines = String::new();
                for number in (first..).take(BULK) {
                    let id = film_id(number);
                    writeln!(lines, "Film\t{id}\tcreate\t1").expect("text takes text");
                }
                into.send(Bytes::from(lines)).await?;
            }
            into.finish().await?;
            transaction.commit().await?;
            passed.took = begun.elapsed();
            drop(client);
            anyhow::Ok(passed)
        };
        let (passed, ended) = tokio::join!(copying, connection);
        ended?;
        passed
    })
}

async fn copy_once(
    client: &Client,
    tables: &[Statement; 2],
    films: &[String],
) -> anyhow::Result<()> {
    let (mut rows, mut told) = (String::new(), String::new());
    for film in films {
        let id = Uuid::now_v7();
        write!(rows, "{id}\t{film}").expect("text takes text");
        writeln!(told, "Film\t{id}\tcreate\t1").expect("text takes text");
    }
    client.batch_execute("BEGIN").await?;
    for (table, rows) in tables.iter().zip([rows, told]) {
        let into = client.copy_in(table).await?;
        let mut into = std::pin::pin!(into);
        into.send(Bytes::from(rows)).await?;
        into.finish().await?;
    }
    client.batch_execute("COMMIT").await?;
    Ok(())
}
