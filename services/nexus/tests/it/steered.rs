//! Runs that are under way hear at once of what is done to them: a renewal of their lease comes 5 s later, and would be
//! too late for what is asserted here.

use serde_json::{Value, json};

use crate::world::{FILMS, Running, Stage, World, everywhere, without_engine};

/// Slept by the process that carries it out, and over before that renews a lease.
const PAUSES: &str = "
workflow: pauses
steps:
  - id: guarded
    try:
      - { id: film, node: Film.create, with: { title: begun } }
      - { id: pause, wait: 4s }
    finally: [{ id: tidied, node: Film.create, with: { title: tidied } }]
";
const TOLD: &str = "
workflow: told
steps:
  - id: both
    parallel:
      held: [{ id: film, node: Film.create, with: { title: begun } }, { id: pause, wait: 4s }]
      told:
        - { id: paid, wait: { signal: paid } }
        - { id: saved, node: Film.create, with: { title: '{{ paid }}' } }
";
const FAILS: &str = "
workflow: fails
steps:
  - id: both
    parallel:
      called: [{ id: child, workflow: waits, with: {} }]
      failing:
        - { id: go, wait: { signal: go } }
        - { id: gone, node: Film.read, with: { id: 01890000-0000-7000-8000-000000000000 } }
";
const WAITS: &str = "
workflow: waits
steps:
  - id: guarded
    try: [{ id: never, wait: { signal: never } }]
    finally: [{ id: tidied, node: Film.create, with: { title: tidied } }]
";

/// Once that step is done.
async fn until_done(world: &World, id: &str, step: &str) -> Vec<String> {
    let wanted = format!("{step} done");
    loop {
        let steps = world.steps(id).await;
        if steps.contains(&wanted) {
            return steps;
        }
        let run = world.get(&format!("/runs/{id}")).await;
        let goes_on = ["queued", "running", "waiting"]
            .iter()
            .any(|state| run["state"] == *state);
        assert!(goes_on, "{run} {steps:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_ends_what_is_slept_through() {
    everywhere(&[PAUSES, FILMS], cancel).await;
    // And a run that is begun by an engine that has just been started.
    without_engine(&[PAUSES, FILMS], async |stage: &Stage| {
        let engine = Running::of(stage.engine());
        cancel(&stage.world()).await;
        engine.stop().await;
    })
    .await;
}

async fn cancel(world: &World) {
    let id = world.start("pauses", Value::Null).await;
    until_done(world, &id, "guarded.film").await;
    let told = world.post(&format!("/runs/{id}:cancel"), Value::Null).await;
    assert_eq!(told.status, 200, "{}", told.text);
    world.until(&id, "cancelled").await;
    let steps = world.steps(&id).await;
    assert!(
        !steps.contains(&"guarded.pause done".to_owned()),
        "{steps:?}"
    );
    assert_eq!(world.count("tidied").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_is_taken_while_another_branch_sleeps() {
    everywhere(&[TOLD, FILMS], async |world| {
        let id = world.start("told", Value::Null).await;
        until_done(world, &id, "both.held.film").await;
        let paid = json!({"name": "paid", "payload": "paid"});
        let told = world.post(&format!("/runs/{id}:signal"), paid).await;
        assert_eq!(told.status, 200, "{}", told.text);
        let steps = until_done(world, &id, "both.told.saved").await;
        assert!(
            !steps.contains(&"both.held.pause done".to_owned()),
            "{steps:?}"
        );
        world.post(&format!("/runs/{id}:cancel"), Value::Null).await;
        world.until(&id, "cancelled").await;
        assert_eq!(world.count("paid").await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_fails_takes_along_those_it_called() {
    everywhere(&[FAILS, WAITS, FILMS], async |world| {
        let id = world.start("fails", Value::Null).await;
        let child = loop {
            let children = world.get("/runs?workflow=waits&state=waiting").await;
            if let Some(child) = children[0]["id"].as_str() {
                break child.to_owned();
            }
        };
        let go = json!({"name": "go"});
        let told = world.post(&format!("/runs/{id}:signal"), go).await;
        assert_eq!(told.status, 200, "{}", told.text);
        let run = world.until(&id, "failed").await;
        assert_eq!(run["problem"]["code"], "not_found");
        // It was asked to end in the transaction in which its parent failed.
        let run = world.get(&format!("/runs/{child}")).await;
        assert!(
            run["state"] == "cancelled" || run["cancelling"] == true,
            "{run}"
        );
        world.until(&child, "cancelled").await;
        assert_eq!(world.count("tidied").await, 1);
    })
    .await;
}
