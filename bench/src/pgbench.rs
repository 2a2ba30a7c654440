//! pgbench with Gantry's SQL, prepared: what the database alone can do.

use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::process::{load_generator, of_postgres};
use crate::statements;
use crate::work::{BULK, FILMS, Work, film, scatter};

pub(crate) fn measure(
    scripts: &Path,
    database: &str,
    work: Work,
    clients: usize,
    seconds: f64,
) -> anyhow::Result<Value> {
    script(scripts, work.name(), &sql(work), database, clients, seconds)
}

/// One row for each statement, into a table that has but a number, a time and a text.
pub(crate) fn insert(
    scripts: &Path,
    database: &str,
    clients: usize,
    seconds: f64,
) -> anyhow::Result<Value> {
    let sql = "INSERT INTO plain (note) VALUES ('The film number 7');\n";
    script(scripts, "insert", sql, database, clients, seconds)
}

fn script(
    scripts: &Path,
    name: &str,
    sql: &str,
    database: &str,
    clients: usize,
    seconds: f64,
) -> anyhow::Result<Value> {
    let script = scripts.join(format!("{name}.sql"));
    fs::write(&script, sql)?;
    // Whole seconds are all that it takes; the first of them is its warm-up.
    let seconds = seconds.ceil() + 1.0;
    let mut command = load_generator(of_postgres("pgbench"))?;
    command
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=1"])
        .args([format!("--client={clients}"), format!("--time={seconds}")])
        .args(["--progress=1", "--file"])
        .arg(&script)
        .arg(database);
    let output = command.output().context("starting pgbench")?;
    let told = String::from_utf8_lossy(&output.stdout);
    let progress = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "pgbench: {told}{progress}");
    let new = || format!("pgbench said something new:\n{told}{progress}");
    let per_second = steady(&progress).with_context(new)?;
    let answered: f64 = told
        .split_once("number of transactions actually processed: ")
        .and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok())
        .with_context(new)?;
    let clients = u32::try_from(clients)?;
    Ok(json!({
        "answered": answered,
        "per_second": per_second,
        // Its mean: each client has one request under way, always.
        "p50_ms": f64::from(clients) * 1000.0 / per_second,
        "p99_ms": null,
    }))
}

/// Transactions a second, by its lines of progress after the first. (What it says at the end has the time in it in
/// which most clients have ended and some have not.)
fn steady(progress: &str) -> Option<f64> {
    let lines = progress.lines().filter_map(|line| {
        let mut words = line.strip_prefix("progress: ")?.split_whitespace();
        let at: f64 = words.next()?.parse().ok()?;
        let speed: f64 = words.nth(1)?.parse().ok()?;
        Some((at, speed))
    });
    let lines: Vec<(f64, f64)> = lines.collect();
    let (begin, end) = (lines.first()?.0, lines.last()?.0);
    let done: f64 = lines
        .windows(2)
        .map(|pair| pair[1].1 * (pair[1].0 - pair[0].0))
        .sum();
    (end > begin).then(|| done / (end - begin))
}

/// The statement with pgbench's variables in the places of the parameters.
fn sql(work: Work) -> String {
    let films = format!("\\set n random(1, {FILMS})\n");
    match work {
        Work::Read => {
            let id = "('00000000-0000-7000-8000-' || lpad(to_hex(:n::bigint), 12, '0'))::uuid";
            format!("{films}{};\n", statements::READ.replace("$1", id))
        }
        Work::List => {
            let bound = format!("\\set gross random(0, {})\n", FILMS * 900);
            format!("{bound}{};\n", statements::LIST.replace("$1", ":gross"))
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
            format!("{films}{};\n", fill(statements::CREATE_AND_TELL, &places))
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
    format!("{};\n", fill(statements::BULK, &places))
}

fn fill(sql: &str, places: &[(&str, &str)]) -> String {
    places
        .iter()
        .fold(sql.to_owned(), |sql, (place, by)| sql.replace(place, by))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warm_up_is_left_out() {
        let check = |progress: &str, expected| assert_eq!(steady(progress), expected);
        let line = |at: f64, speed: f64| {
            format!("progress: {at} s, {speed} tps, lat 1.0 ms stddev 0.5, 0 failed\n")
        };
        let lines = [line(1.0, 600.0), line(2.0, 1200.0), line(4.0, 900.0)];
        check(&format!("pgbench (15)\n{}", lines.concat()), Some(1000.0));
        check(&lines[0], None);
        check("", None);
    }
}
