//! `kill -9` at any moment of many runs: each comes to its end, and each of its steps has its effect once.

use std::collections::HashMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use e2e::request;
use serde_json::{Value, json};
use testkit::Engine;

use crate::place::{self, PATIENCE, Place, until};
use crate::writes::chance;

/// `cargo xtask kill --runs N --times N` names others.
const RUNS: usize = 60;
const KILLS: usize = 4;
const STEPS: usize = 6;
/// Between 0 and this long after it serves again, the process is killed.
const LONGEST_ROUND_MS: u64 = 500;

const MODEL: &str = "\
model: Effect
fields:
  run:  { type: text, required: true, index: true }
  step: { type: int, required: true }
";

#[tokio::test]
async fn runs_of_a_killed_sqlite_process_end_with_each_effect_once() {
    place::on(Engine::Sqlite, kills).await;
}

#[tokio::test]
async fn runs_of_a_killed_process_over_postgresql_end_with_each_effect_once() {
    place::on(Engine::Postgres, kills).await;
}

/// Nothing but the run number and the step's makes an effect: were one there twice, it would be seen.
fn project(folder: &Path) {
    fs::create_dir_all(folder.join("models")).unwrap();
    fs::create_dir_all(folder.join("workflows")).unwrap();
    fs::write(folder.join("models/effect.yaml"), MODEL).unwrap();
    let step = |number| {
        format!(
            "  - id: effect_{number}\n    node: Effect.create\n    with: {{ run: \"{{{{ inputs.mark }}}}\", step: {number} }}\n"
        )
    };
    let steps: String = (0..STEPS).map(step).collect();
    let text = format!(
        "workflow: effects\ninputs: {{ mark: {{ type: text, required: true }} }}\nsteps:\n{steps}"
    );
    fs::write(folder.join("workflows/effects.yaml"), text).unwrap();
}

fn kills(place: &Place) {
    project(&place.project);
    let (runs, kills) = (told("GANTRY_RUNS", RUNS), told("GANTRY_KILLS", KILLS));
    let gantry = place.up(&[]);
    let ids: Vec<String> = (0..runs).map(|mark| start(gantry.port, mark)).collect();
    gantry.kill().unwrap();
    for _ in 1..kills {
        let gantry = place.up(&[]);
        // Not a wait for something: the moment of the kill is what is drawn by lot.
        thread::sleep(Duration::from_millis(chance() % LONGEST_ROUND_MS));
        gantry.kill().unwrap();
    }
    let gantry = place.up(&[]);
    let begun = Instant::now();
    for id in &ids {
        until(|| {
            let run = get(gantry.port, &format!("/nexus/v1/runs/{id}"));
            match run["state"].as_str() {
                Some("succeeded") => Ok(()),
                Some("failed" | "cancelled") => panic!("{run}\n{}", gantry.log()),
                _ => Err(format!("{run}")),
            }
        });
    }
    let effects = effects(gantry.port);
    for mark in 0..runs {
        for step in 0..STEPS {
            let count = effects.get(&(mark.to_string(), step)).copied();
            assert_eq!(count, Some(1), "effect {step} of run {mark}");
        }
    }
    assert_eq!(effects.len(), runs * STEPS);
    let status = gantry.terminate().unwrap();
    assert!(status.success(), "after SIGTERM it ended with {status}");
    // Not `println!`: the count is to be seen where the test passes, too.
    let mut stderr = std::io::stderr();
    writeln!(
        stderr,
        "{}: {kills} kills of {runs} runs of {STEPS} steps; the last ended {:?} after the last start",
        place.engine,
        begun.elapsed()
    )
    .unwrap();
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests read their own variables; no service does"
)]
fn told(name: &str, usual: usize) -> usize {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

fn start(port: u16, mark: usize) -> String {
    let body = json!({"mark": mark.to_string()});
    let headers = [("Prefer", "respond-async")];
    let path = "/nexus/v1/workflows/effects/runs";
    let answer = request(port, "POST", path, &headers, Some(&body)).unwrap();
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert_eq!(answer.status, 202, "{text}");
    let run = answer.json().unwrap();
    run["id"].as_str().unwrap().to_owned()
}

fn get(port: u16, path: &str) -> Value {
    let begun = Instant::now();
    loop {
        let answer = request(port, "GET", path, &[], None);
        match answer {
            Ok(answer) if answer.status == 200 => return answer.json().unwrap(),
            other => assert!(begun.elapsed() < PATIENCE, "{path}: {other:?}"),
        }
    }
}

/// How often each step of each run had its effect.
fn effects(port: u16) -> HashMap<(String, usize), usize> {
    let mut found = HashMap::new();
    let first = "/api/v1/effect?select=run,step&limit=1000&order=id";
    let mut path = first.to_owned();
    loop {
        let answer = request(port, "GET", &path, &[], None).unwrap();
        let page = answer.json().unwrap();
        for record in page.as_array().unwrap() {
            let run = record["run"].as_str().unwrap().to_owned();
            let step = usize::try_from(record["step"].as_u64().unwrap()).unwrap();
            *found.entry((run, step)).or_default() += 1;
        }
        match answer.header("next-cursor") {
            Some(cursor) => path = format!("{first}&cursor={cursor}"),
            None => return found,
        }
    }
}
