//! Workflows through the edge: started, waited for, and carried on whoever is killed meanwhile.

use std::thread;
use std::time::{Duration, Instant};

use e2e::engine::{docker, inspect, until};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::agents::{peak_kib, replace};
use crate::{asked, prod};

/// Of each run of [`MARKS`].
const STEPS: usize = 4;
/// Steps whose effects can be counted.
pub(crate) const MARKS: &str = "\
workflow: marks
inputs: { mark: { type: text, required: true } }
steps:
  - { id: one, node: Genre.create, with: { name: \"Mark {{ inputs.mark }} one\" } }
  - { id: two, node: Genre.create, with: { name: \"Mark {{ inputs.mark }} two\" } }
  - { id: three, node: Genre.create, with: { name: \"Mark {{ inputs.mark }} three\" } }
  - { id: four, node: Genre.create, with: { name: \"Mark {{ inputs.mark }} four\" } }
outputs: { last: \"{{ four.name }}\" }
";

/// Waits until somebody says so, which nobody does.
pub(crate) const WAITS: &str = "\
workflow: waits
steps: [{ wait: { signal: never } }]
";

fn start(mark: &str, prefer: &str) -> Value {
    begin("marks", &json!({"mark": mark}), prefer)
}

fn begin(workflow: &str, body: &Value, prefer: &str) -> Value {
    let path = format!("/nexus/v1/workflows/{workflow}/runs");
    let answer = prod()
        .edge
        .request("POST", &path, &[("Prefer", prefer)], Some(body))
        .unwrap();
    let told = answer.json().unwrap();
    assert!([200, 201, 202].contains(&answer.status), "{told}");
    told
}

fn count(what: &str) -> u64 {
    let answer = prod().get(&format!("/api/v1/genre:count?name=like.{what}"));
    answer.json().unwrap()["count"].as_u64().unwrap()
}

#[test]
fn a_run_is_waited_for_through_the_edge() {
    let mark = Uuid::now_v7().to_string();
    let run = start(&mark, "wait=30");
    assert_eq!(run["state"], "succeeded", "{run}");
    assert_eq!(run["output"]["last"], format!("Mark {mark} four"), "{run}");
    assert_eq!(count(&format!("Mark%20{mark}*")), STEPS as u64);
    // Any replica tells of it.
    let id = run["id"].as_str().unwrap();
    let steps = prod().get(&format!("/nexus/v1/runs/{id}/steps"));
    let steps = steps.json().unwrap();
    assert_eq!(steps.as_array().map(Vec::len), Some(STEPS), "{steps}");
}

#[test]
fn what_becomes_of_runs_is_heard_through_the_edge() {
    let mut lines = prod()
        .edge
        .lines("/nexus/v1/events?workflow=marks")
        .unwrap();
    // A comment says that it listens.
    assert!(lines.next().unwrap().unwrap().starts_with(':'));
    let run = start(&Uuid::now_v7().to_string(), "respond-async");
    let ended = lines.map(Result::unwrap).find_map(|line| {
        let told: Value = serde_json::from_str(line.strip_prefix("data: ")?).unwrap();
        let is_final = ["succeeded", "failed", "cancelled"].contains(&told["state"].as_str()?);
        (told["id"] == run["id"] && is_final).then_some(told)
    });
    let ended = ended.expect("the stream ended before the run was told of");
    assert_eq!(ended["state"], "succeeded", "{ended}");
}

#[test]
fn whoever_is_killed_every_run_ends_and_every_effect_is_there_once() {
    let (runs, kills) = (asked("GANTRY_TEST_RUNS", 60), asked("GANTRY_TEST_KILLS", 4));
    let lot = Uuid::now_v7().simple().to_string();
    let begun = Instant::now();
    let ids: Vec<String> = (0..runs)
        .map(|number: usize| {
            let run = start(&format!("{lot}-{number}"), "respond-async");
            run["id"].as_str().unwrap().to_owned()
        })
        .collect();
    for turn in 0..kills {
        let service = if turn % 2 == 0 { "nexus" } else { "dataflow" };
        let containers = prod().containers(service);
        let container = &containers[turn / 2 % containers.len()];
        docker(["kill", container]).unwrap();
        docker(["start", container]).unwrap();
        // Not a wait for something: the moment of the next kill is what is drawn by lot.
        let (_, chance) = Uuid::now_v7().as_u64_pair();
        thread::sleep(Duration::from_millis(chance % 1000));
    }
    for id in &ids {
        until("the run has ended", || {
            let run = prod().edge.get(&format!("/nexus/v1/runs/{id}")).ok()?;
            let run = run.json().ok()?;
            let state = run["state"].as_str()?;
            assert!(!["failed", "cancelled"].contains(&state), "{run}");
            (state == "succeeded").then_some(())
        });
    }
    println!("{kills} kills, {runs} runs ended in {:?}", begun.elapsed());
    for (number, id) in ids.iter().enumerate() {
        let found = count(&format!("Mark%20{lot}-{number}%20*"));
        assert_eq!(found, STEPS as u64, "the run {id}");
    }
}

/// How many runs wait, by pages.
fn waiting() -> u64 {
    let (mut count, mut cursor) = (0, String::new());
    loop {
        let path = "/nexus/v1/runs?workflow=waits&state=waiting&limit=1000";
        let page = prod().get(&format!("{path}{cursor}"));
        count += page.json().unwrap().as_array().map_or(0, Vec::len) as u64;
        match page.header("next-cursor") {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return count,
        }
    }
}

/// User and system time so far, in hundredths of a second.
fn ticks(container: &str) -> u64 {
    let pid = inspect(container)["State"]["Pid"].to_string();
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, rest) = stat.rsplit_once(')').unwrap();
    let fields: Vec<&str> = rest.split_whitespace().collect();
    fields[11..13]
        .iter()
        .map(|field| field.parse::<u64>().unwrap())
        .sum()
}

#[test]
fn what_waits_costs_nexus_little() {
    let wanted: u64 = asked("GANTRY_TEST_WAITING", 10_000);
    let containers = prod().containers("nexus");
    // From a fresh start: nothing of what other tests left counts.
    for container in &containers {
        replace(container);
    }
    let (threads, begun) = (8, Instant::now());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for _ in 0..wanted / threads {
                    begin("waits", &json!({}), "respond-async");
                }
            });
        }
    });
    until("all of them wait", || (waiting() >= wanted).then_some(()));
    println!("{wanted} runs wait after {:?}", begun.elapsed());
    for container in &containers {
        let peak = peak_kib(container);
        println!("nexus: {peak} KiB at most");
        assert!(peak <= 64_000, "{peak} KiB");
    }
    // Dataflow, too: it is where nexus waits.
    for service in ["nexus", "dataflow"] {
        let containers = prod().containers(service);
        let before: Vec<u64> = containers.iter().map(|one| ticks(one)).collect();
        let begun = Instant::now();
        thread::sleep(Duration::from_secs(5));
        for (container, before) in containers.iter().zip(before) {
            #[expect(clippy::cast_precision_loss, reason = "a few hundredths of a second")]
            let share = (ticks(container) - before) as f64 / begun.elapsed().as_secs_f64();
            println!("{service}: {share:.1} % of a core while nothing happens");
        }
    }
}
