//! `bench flow`: steps that are creates and runs of three of them a second, beside pgbench's inserts of one row; how soon a
//! waiting run is begun; through `gantry up` and through nexus and dataflow.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::{Value, json};

use crate::contender::Contender;
use crate::entrant::Database;
use crate::kind::Engine;
use crate::options::Options;
use crate::place::Place;
use crate::results::{Results, Run};
use crate::work::Work;
use crate::{pgbench, project, tables};

pub(crate) const PGBENCH: &str = "pgbench";
pub(crate) const GANTRY: &str = "gantry";
pub(crate) const SPLIT: &str = "nexus → dataflow";

pub(crate) const INSERTS: &str = "inserts of one row";
pub(crate) const CREATES: &str = "creates";
pub(crate) const STEPS: &str = "steps";
pub(crate) const RUNS: &str = "runs of 3 steps";
pub(crate) const DISPATCH: &str = "dispatch";

/// Runs at once.
const AT_ONCE: u32 = 64;
const CLIENTS: usize = AT_ONCE as usize;
/// Steps of each run of [`STEPS`].
const STEPS_OF_A_RUN: u32 = 50;
const LIMIT: Duration = Duration::from_mins(5);

/// Of the runs begun since a time, in the state of the database.
const ENDED: &str = "SELECT count(*) FILTER (WHERE state = 'succeeded')::float8, count(*)::float8, \
    coalesce(extract(epoch FROM max(finished_at) - min(started_at))::float8, 0) FROM gantry_run WHERE workflow = 'long'";
const BEGUN: &str = "SELECT count(*)::float8, \
    coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY took), 0), \
    coalesce(percentile_cont(0.99) WITHIN GROUP (ORDER BY took), 0) \
    FROM (SELECT extract(epoch FROM s.started_at - r.created_at)::float8 * 1000 AS took \
      FROM gantry_run r JOIN gantry_step s ON s.run = r.id WHERE r.workflow = 'short') runs";

pub(crate) fn run(options: &Options, place: &Place) -> anyhow::Result<Results> {
    let folder = &place.folder;
    let project = project(folder)?;
    let database =
        |name| anyhow::Ok(Database::create(Engine::Postgres, name, &place.server, folder)?.url());
    let inserts = database("flow-inserts")?;
    tables::execute(
        &inserts,
        "CREATE TABLE plain (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), \
         note text NOT NULL)",
    )?;
    let (whole, split) = (database("flow-gantry")?, database("flow-split")?);
    let contenders = [
        (
            GANTRY,
            Contender::gantry(folder, "flow-gantry", &project, &whole)?,
            whole,
        ),
        (
            SPLIT,
            Contender::workflows(folder, &project, &split)?,
            split,
        ),
    ];
    let mut run = Run::begin("flow", options, &place.server)?;
    for round in 0..options.rounds {
        let figures = pgbench::insert(folder, &inserts, CLIENTS, options.seconds)?;
        run.take(round + 1, INSERTS, CLIENTS, PGBENCH, &figures);
        for turn in 0..contenders.len() {
            let (name, contender, database) = &contenders[(turn + round) % contenders.len()];
            clean(database)?;
            if *name == GANTRY {
                let figures = contender.measure(Work::Create.name(), CLIENTS, options.seconds)?;
                run.take(round + 1, CREATES, CLIENTS, name, &figures);
                clean(database)?;
            }
            let figures = costing(contender, database, || {
                steps(contender, database, options.seconds)
            })?;
            run.take(round + 1, STEPS, CLIENTS, name, &figures);
            clean(database)?;
            let figures = costing(contender, database, || {
                contender.measure("run:three", CLIENTS, options.seconds)
            })?;
            run.take(round + 1, RUNS, CLIENTS, name, &figures);
            clean(database)?;
            let figures = dispatch(contender, database, options.seconds)?;
            run.take(round + 1, DISPATCH, 1, name, &figures);
        }
    }
    Ok(run.end())
}

/// Films, and workflows that make them.
fn project(folder: &Path) -> anyhow::Result<PathBuf> {
    let project = project::films(folder)?;
    fs::create_dir_all(project.join("workflows"))?;
    for (name, steps) in [("short", 1), ("three", 3), ("long", STEPS_OF_A_RUN)] {
        let step = |number| {
            format!(
                "  - id: make_{number}\n    node: Film.create\n    with: {{ title: \"The film number {number}\", gross: {number} }}\n"
            )
        };
        let steps: String = (1..=steps).map(step).collect();
        let text = format!("workflow: {name}\nstart: [anyone]\nsteps:\n{steps}");
        fs::write(project.join(format!("workflows/{name}.yaml")), text)?;
    }
    Ok(project)
}

fn clean(database: &str) -> anyhow::Result<()> {
    tables::execute(
        database,
        "TRUNCATE gantry_run, gantry_step, gantry_outbox, film",
    )?;
    tables::checkpoint(database)
}

/// The `number`th start of a run that is waited for, as bytes to be sent.
pub(crate) fn request(asked: &str) -> Vec<u8> {
    let workflow = asked.trim_start_matches("run:");
    start(workflow, "")
}

fn start(workflow: &str, headers: &str) -> Vec<u8> {
    format!(
        "POST /nexus/v1/workflows/{workflow}/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{headers}\
         Content-Length: 2\r\n\r\n{{}}"
    )
    .into_bytes()
}

/// With the processor time that each took.
fn costing(
    contender: &Contender,
    database: &str,
    measure: impl FnOnce() -> anyhow::Result<Value>,
) -> anyhow::Result<Value> {
    let before = (
        contender.processor_time()?,
        tables::processor_time(database)?,
    );
    let mut figures = measure()?;
    let after = (
        contender.processor_time()?,
        tables::processor_time(database)?,
    );
    let answered = figures["answered"].as_f64().unwrap_or(1.0).max(1.0);
    let each = |before: Duration, after: Duration| {
        after.saturating_sub(before).as_secs_f64() * 1_000_000.0 / answered
    };
    figures["server_cpu_us"] = json!(each(before.0, after.0));
    figures["database_cpu_us"] = json!(each(before.1, after.1));
    Ok(figures)
}

/// As many long runs one after the other, [`AT_ONCE`] at once, as the time allows.
fn steps(contender: &Contender, database: &str, seconds: f64) -> anyhow::Result<Value> {
    let begun = Instant::now();
    let (mut done, mut took) = (0.0, 0.0);
    while took == 0.0 || begun.elapsed().as_secs_f64() < seconds {
        tables::execute(database, "TRUNCATE gantry_run, gantry_step")?;
        let asked = start("long", "Prefer: respond-async\r\nConnection: close\r\n");
        for _ in 0..AT_ONCE {
            let answer = contender.exchange(&String::from_utf8_lossy(&asked))?;
            ensure!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
        }
        let waiting = Instant::now();
        loop {
            let [ended, all, lasted] = tables::numbers(database, ENDED)?;
            if ended >= all && all > 0.0 {
                ensure!(
                    ended >= f64::from(AT_ONCE),
                    "{ended} runs of {AT_ONCE} succeeded"
                );
                took += lasted;
                done += ended * f64::from(STEPS_OF_A_RUN);
                break;
            }
            ensure!(waiting.elapsed() < LIMIT, "{ended} of {all} runs ended");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    Ok(json!({"answered": done, "seconds": took, "per_second": done / took}))
}

/// Runs that come one after the other: from the start to the call of the first step, which shows that somebody has it.
fn dispatch(contender: &Contender, database: &str, seconds: f64) -> anyhow::Result<Value> {
    contender.measure("run:short", 1, seconds)?;
    let [runs, p50, p99] = tables::numbers(database, BEGUN)?;
    Ok(json!({"answered": runs, "p50_ms": p50, "p99_ms": p99}))
}
