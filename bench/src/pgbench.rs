//! pgbench with the bare handler's SQL, prepared: what the database alone can do.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::contender::load_generator;
use crate::work::{BULK, BULK_SQL, CREATE_SQL, FILMS, LIST_SQL, READ_SQL, Work, film, scatter};

pub(crate) fn measure(
    scripts: &Path,
    database: &str,
    work: Work,
    clients: usize,
    seconds: f64,
) -> anyhow::Result<Value> {
    let script = scripts.join(format!("{}.sql", work.name()));
    fs::write(&script, sql(work))?;
    // Whole seconds are all that it takes; there is no warm-up, but it leaves the connecting out of its figure.
    let seconds = seconds.ceil();
    let mut command = load_generator(binary())?;
    command
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=1"])
        .arg(format!("--client={clients}"))
        .arg(format!("--time={seconds}"))
        .arg("--file")
        .arg(&script)
        .arg(database);
    let output = command.output().context("starting pgbench")?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "pgbench: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let figure = |before: &str| -> anyhow::Result<f64> {
        let rest = text.lines().find_map(|line| line.strip_prefix(before));
        let number = rest.and_then(|rest| rest.split_whitespace().next());
        number
            .with_context(|| format!("pgbench said no {before:?}:\n{text}"))?
            .parse()
            .context("a number")
    };
    Ok(json!({
        "per_second": figure("tps = ")?,
        "p50_ms": figure("latency average = ")?,
        "p99_ms": null,
    }))
}

fn binary() -> PathBuf {
    let mut folders: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin/pgbench"))
        .filter(|path| path.exists())
        .collect();
    folders.sort();
    folders.pop().unwrap_or_else(|| "pgbench".into())
}

/// The statement with pgbench's variables in the places of the parameters.
fn sql(work: Work) -> String {
    let films = format!("\\set n random(1, {FILMS})\n");
    match work {
        Work::Read => {
            let id = "('00000000-0000-7000-8000-' || lpad(to_hex(:n::bigint), 12, '0'))::uuid";
            format!("{films}{};\n", READ_SQL.replace("$1", id))
        }
        Work::List => {
            let bound = format!("\\set gross random(0, {})\n", FILMS * 900);
            format!("{bound}{};\n", LIST_SQL.replace("$1", ":gross"))
        }
        Work::Create => {
            let places = [
                ("$1", "gen_random_uuid()"),
                ("$2", "'The film number ' || :n::bigint"),
                ("$3", "'1977-05-25'"),
                ("$4", ":n * 1000"),
                ("$5", "'7.5'"),
                ("$6", "'Director ' || :n::bigint % 500"),
            ];
            format!("{films}{};\n", fill(CREATE_SQL, &places))
        }
        Work::Bulk => bulk_sql(),
    }
}

fn bulk_sql() -> String {
    let films: Vec<Value> = (0..BULK as u64)
        .map(|number| film(scatter(number)))
        .collect();
    let column = |name: &str| {
        let values: Vec<String> = films
            .iter()
            .map(|film| match &film[name] {
                Value::String(text) => format!("\"{text}\""),
                other => other.to_string(),
            })
            .collect();
        format!("'{{{}}}'", values.join(","))
    };
    let places = [
        (
            "$1",
            format!("ARRAY(SELECT gen_random_uuid() FROM generate_series(1, {BULK}))"),
        ),
        ("$2", column("title")),
        ("$3", column("released")),
        ("$4", column("gross")),
        ("$5", column("rating")),
        ("$6", column("director")),
    ];
    let places: Vec<(&str, &str)> = places
        .iter()
        .map(|(place, by)| (*place, by.as_str()))
        .collect();
    format!("{};\n", fill(BULK_SQL, &places))
}

fn fill(sql: &str, places: &[(&str, &str)]) -> String {
    places
        .iter()
        .fold(sql.to_owned(), |sql, (place, by)| sql.replace(place, by))
}
