//! Each kind of step over real rows.

use serde_json::{Value, json};

use crate::world::{FILMS, everywhere};

const RATE: &str = "
workflow: rate
about: Rates a film.
inputs: { title: { type: text, required: true }, rating: { type: int } }
steps:
  - { id: film, node: Film.create, with: { title: '{{ inputs.title }}' } }
  - { id: same, node: Film.read, if: '{{ inputs.rating is none }}', with: { id: '{{ film.id }}' } }
  - { id: rated, node: Film.update, with: { id: '{{ film.id }}', rating: '{{ inputs.rating }}' } }
outputs: { title: '{{ rated.title }}', rating: '{{ rated.rating }}', version: '{{ rated._version }}', same: '{{ same }}' }
";
const BLOCKS: &str = "
workflow: blocks
inputs: { titles: { type: json } }
steps:
  - id: made
    each: '{{ inputs.titles }}'
    as: title
    parallel: 3
    steps: [{ id: film, node: Film.create, with: { title: '{{ title }}', rating: '{{ index }}' } }]
  - id: which
    switch: '{{ made|length }}'
    cases: [{ is: 4, steps: [{ id: four, node: Film.read, with: { id: '{{ made[3].id }}' } }] }]
  - id: both
    parallel:
      left: [{ id: a, node: Film.count, with: {} }]
      right: [{ id: b, node: template, with: { text: 'n: {{ made|length }}' } }]
  - id: guarded
    try: [{ id: gone, node: Film.read, with: { id: 01890000-0000-7000-8000-000000000000 } }]
    catch: [{ id: why, node: transform, with: { input: '{{ problem }}', jq: '.code' } }]
    finally: [{ id: last, node: log, with: { message: done } }]
  - { id: nap, wait: 20ms }
outputs: { four: '{{ which.title }}', left: '{{ both.left.count }}', right: '{{ both.right }}', why: '{{ guarded }}' }
";
const CALLER: &str = "
workflow: caller
inputs: { title: { type: text } }
steps:
  - { id: rated, workflow: rate, with: { title: '{{ inputs.title }}', rating: 7 } }
  - id: both
    parallel:
      one: [{ id: a, workflow: rate, with: { title: '{{ inputs.title }}', rating: 8 } }]
      two: [{ id: b, wait: 50ms }, { id: c, node: Film.count, with: { where: { title: '{{ inputs.title }}' } } }]
outputs: { first: '{{ rated.rating }}', second: '{{ both.one.rating }}' }
";
const FAILS: &str = "
workflow: fails
inputs: { id: { type: uuid } }
steps: [{ id: film, node: Film.read, with: { id: '{{ inputs.id }}' } }]
";
const CALLS_WHAT_FAILS: &str = "
workflow: calls_what_fails
steps: [{ id: called, workflow: fails, with: { id: 01890000-0000-7000-8000-000000000000 } }]
";

const AS_ANOTHER: &str = "
workflow: as_another
run_as: editor
steps:
  - { id: rated, workflow: rate, with: { title: Solaris, rating: 7 } }
  - id: both
    parallel:
      one: [{ id: a, workflow: naps, with: {} }]
      two: [{ id: b, workflow: naps, with: {} }]
outputs: { rating: '{{ rated.rating }}', one: '{{ both.one }}', two: '{{ both.two }}' }
";
const KNOWS: &str = "
workflow: knows
steps:
  - { wait: { until: '{{ run.started_at|plus(\"1s\")|minus(\"1s\") }}' } }
outputs: { run: '{{ run.id }}', of: '{{ run.workflow }}', at: '{{ run.started_at }}', by: '{{ caller.id }}', session: '{{ session }}' }
";
const NAPS: &str = "
workflow: naps
steps: [{ id: nap, wait: 50ms }]
outputs: rested
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_step_does_what_it_says() {
    let workflows = [
        RATE,
        BLOCKS,
        CALLER,
        FAILS,
        CALLS_WHAT_FAILS,
        AS_ANOTHER,
        NAPS,
        FILMS,
    ];
    everywhere(&workflows, async |world| {
        let rated = world
            .output("rate", json!({"title": "Alien", "rating": 9}))
            .await;
        let expected = json!({"title": "Alien", "rating": 9, "version": 2, "same": null});
        assert_eq!(rated, expected);

        let titles = ["a", "b", "c", "d"];
        let blocks = world.output("blocks", json!({"titles": titles})).await;
        let expected = json!({"four": "d", "left": 5, "right": "n: 4", "why": "not_found"});
        assert_eq!(blocks, expected);

        let called = world.output("caller", json!({"title": "Brazil"})).await;
        assert_eq!(called, json!({"first": 7, "second": 8}));
        assert_eq!(world.count("Brazil").await, 2);
        let children = world.get("/runs?workflow=rate&limit=2").await;
        assert!(children[0]["parent"].is_string() && children[1]["parent"].is_string());

        let other = world.output("as_another", Value::Null).await;
        let expected = json!({"rating": 7, "one": "rested", "two": "rested"});
        assert_eq!(other, expected);

        let failed = world.run("calls_what_fails", Value::Null).await;
        assert_eq!(failed["state"], "failed", "{failed}");
        assert_eq!(failed["problem"]["code"], "not_found");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expressions_know_the_run() {
    everywhere(&[KNOWS], async |world| {
        let run = world.run("knows", Value::Null).await;
        let expected = json!({
            "run": run["id"], "of": "knows", "at": run["started_at"], "by": run["started_by"], "session": null,
        });
        assert_eq!(run["output"], expected, "{run}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_tells_its_steps_and_can_be_done_again() {
    everywhere(&[RATE, FAILS, FILMS], async |world| {
        let run = world
            .run("rate", json!({"title": "Alien", "rating": 9}))
            .await;
        let id = run["id"].as_str().unwrap();
        assert_eq!(
            world.steps(id).await,
            ["film done", "rated done", "same skipped"]
        );

        let told = world.post(&format!("/runs/{id}:replay"), Value::Null).await;
        assert_eq!(told.status, 201, "{}", told.text);
        let again = told.json()["id"].as_str().unwrap().to_owned();
        world.until(&again, "succeeded").await;
        assert_eq!(world.count("Alien").await, 2);

        let told = world
            .post(&format!("/runs/{id}:retry"), json!({"from": "rated"}))
            .await;
        assert_eq!(told.status, 200, "{}", told.text);
        let retried = world.until(id, "succeeded").await;
        assert_eq!(retried["epoch"], 2);
        assert_eq!(retried["output"]["version"], 3);
        assert_eq!(world.count("Alien").await, 2);
    })
    .await;
}
