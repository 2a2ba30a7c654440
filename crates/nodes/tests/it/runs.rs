//! Runs of workflows: who holds them, and that each step has its effect once.

mod asked;
mod changes;
mod ended;
mod heard;
mod held;
mod hooks;
mod quiet;
mod schedules;
mod steps;
mod together;
mod triggers;
mod waiting;

use std::path::Path;
use std::time::Duration;

use model::{Limits, Workflow};
use serde_json::{Value, json};
use testkit::{Database, Engine, on_both_engines};
use uuid::Uuid;
use wire::run::{Advance, Advanced, Claimed, Held, StepRow, StepState, Then};
use wire::{Caller, Code, Options, Problem, Step};

use crate::world::{Answered, World, id};

pub(super) fn workflow(text: &str) -> Workflow {
    Workflow::parse(Path::new("workflows/test.yaml"), text)
        .unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

/// One node, which any known caller may start.
pub(super) const RATE: &str = "workflow: rate\nabout: Rates a film.\ninputs: { film: { type: text, required: true }, stars: { type: int, default: 3 } }\nsteps:\n  - { id: save, node: Film.create, with: { title: \"{{ inputs.film }}\" } }\n";

pub(super) async fn world(database: &Database, texts: &[&str]) -> World {
    let workflows = texts.iter().map(|text| workflow(text)).collect();
    World::of(database, Limits::default(), workflows).await
}

/// The story over each engine, in a world with these workflows.
pub(super) async fn everywhere(texts: &[&str], story: impl AsyncFn(&World)) {
    on_both_engines(async |database| story(&world(&database, texts).await).await).await;
}

impl World {
    /// The editor starts [`RATE`].
    pub(super) async fn rate(&self, film: &str) -> Value {
        self.start(&self.editor, "rate", json!({"film": film}))
            .await
    }

    pub(super) async fn start(&self, who: &Caller, workflow: &str, input: Value) -> Value {
        let node = format!("workflow.{workflow}");
        let started = self.call(who, &node, "", input).await;
        started.unwrap_or_else(|problem| panic!("{problem:?}")).1
    }

    /// What may go on now.
    pub(super) async fn claim(&self, most: u32, wait_ms: u32) -> Vec<Held> {
        let input = json!({"holder": Uuid::now_v7(), "most": most, "wait_ms": wait_ms});
        let claimed = self.call(&Caller::Anonymous, "run.claim", "", input).await;
        let (_, claimed) = claimed.unwrap_or_else(|problem| panic!("{problem:?}"));
        serde_json::from_value::<Claimed>(claimed).unwrap().runs
    }

    /// Until all that was changed so far can be seen: over PostgreSQL another transaction of the server, a neighbouring
    /// test's perhaps, may hold it up.
    pub(super) async fn settled(&self) {
        let last = id(&self.make("Page", json!({})).await);
        let seen = async {
            let mut after = store::Position::default();
            loop {
                let changes = self.store.changes(after, 1_000).await.unwrap();
                if changes.iter().any(|one| one.record.to_string() == last) {
                    return;
                }
                match changes.last() {
                    Some(change) => after = change.position,
                    None => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        };
        let waited = tokio::time::timeout(Duration::from_mins(1), seen).await;
        waited.expect("a change is seen in time");
    }

    /// The one run that may go on.
    pub(super) async fn hold(&self) -> Held {
        let mut claimed = self.claim(10, 5_000).await;
        assert_eq!(claimed.len(), 1, "{claimed:?}");
        claimed.remove(0)
    }

    pub(super) async fn advance(&self, held: &Held, then: Then) -> Result<(), Problem> {
        self.tell(&Advance {
            then,
            ..advance(held)
        })
        .await
    }

    pub(super) async fn tell(&self, advance: &Advance) -> Result<(), Problem> {
        let input = serde_json::to_value(advance).unwrap();
        let told = self.call(&Caller::Anonymous, "run.advance", "", input);
        told.await.map(drop)
    }

    /// What is answered to it.
    pub(super) async fn advanced(&self, advance: &Advance) -> Advanced {
        let input = serde_json::to_value(advance).unwrap();
        let told = self.call(&Caller::Anonymous, "run.advance", "", input);
        serde_json::from_value(told.await.unwrap().1).unwrap()
    }

    pub(super) async fn step(&self, held: &Held, path: &str, node: &str, input: Value) -> Answered {
        let options = Options {
            step: Some(step(held, path)),
            ..Options::default()
        };
        self.call_with(&caller(held), node, "", input, options)
            .await
    }

    pub(super) async fn run(&self, who: &Caller, id: &Value) -> Value {
        let read = self.call(who, "run.read", "", json!({"id": id})).await;
        read.unwrap_or_else(|problem| panic!("{problem:?}")).1
    }

    pub(super) async fn state(&self, id: &Value) -> String {
        let run = self.run(&self.admin, id).await;
        run["state"].as_str().unwrap().to_owned()
    }

    /// As `path state` each.
    pub(super) async fn steps(&self, id: &Value) -> Vec<String> {
        let steps = self.call(&self.admin, "run.steps", "", json!({"id": id}));
        let (_, steps) = steps.await.unwrap();
        let shown = |step: &Value| {
            let text = |name: &str| step[name].as_str().unwrap().to_owned();
            format!("{} {}", text("path"), text("state"))
        };
        steps.as_array().unwrap().iter().map(shown).collect()
    }
}

pub(super) fn advance(held: &Held) -> Advance {
    Advance {
        run: held.run.id,
        epoch: held.run.epoch,
        lease: held.lease,
        steps: Vec::new(),
        consumed: Vec::new(),
        then: Then::Go,
    }
}

pub(super) fn step(held: &Held, path: &str) -> Step {
    Step {
        run: held.run.id,
        epoch: held.run.epoch,
        path: path.to_owned(),
        lease: held.lease,
    }
}

pub(super) fn caller(held: &Held) -> Caller {
    let assertion = held.caller.assertion.clone();
    assertion.map_or(Caller::Anonymous, Caller::Assertion)
}

/// A step, as whoever carries the run out tells of it.
pub(super) fn row(path: &str, state: StepState) -> StepRow {
    let (started, ended) = ("2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z");
    StepRow {
        path: path.to_owned(),
        what: "each".to_owned(),
        state,
        output: (state == StepState::Done).then(|| raw("1")),
        problem: (state == StepState::Failed).then(|| Problem::new(Code::Timeout)),
        attempts: 1,
        note: None,
        started_at: started.to_owned(),
        ended_at: (state != StepState::Waiting).then(|| ended.to_owned()),
    }
}

pub(super) fn for_signals(seen: u64) -> Then {
    Then::Wait {
        until: None,
        signals_seen: seen,
    }
}

pub(super) fn raw(text: &str) -> Box<serde_json::value::RawValue> {
    serde_json::value::RawValue::from_string(text.to_owned()).unwrap()
}

/// Runs SQL beside the nodes, as time or an accident would.
pub(super) async fn meddle(database: &Database, sql: &str) {
    match database.engine() {
        Engine::Sqlite => {
            let connection = rusqlite::Connection::open(database.sqlite_file().unwrap()).unwrap();
            connection.busy_timeout(Duration::from_secs(20)).unwrap();
            connection.execute_batch(sql).unwrap();
        }
        Engine::Postgres => {
            let url = database.location_url();
            let connected = tokio_postgres::connect(&url, tokio_postgres::NoTls).await;
            let (client, connection) = connected.unwrap();
            tokio_util::task::TaskTracker::new().spawn(connection);
            client.batch_execute(sql).await.unwrap();
        }
    }
}

/// Every lease has run out.
pub(super) async fn expire(database: &Database) {
    let sql =
        "UPDATE gantry_run SET due_at = '2020-01-01T00:00:00.000000Z' WHERE state = 'running'";
    meddle(database, sql).await;
}
