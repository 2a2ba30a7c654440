//! The routes: how a run is asked for and told of, and what is refused.

use serde_json::{Value, json};

use crate::world::{FILMS, everywhere};

const SLOW: &str = "
workflow: slow
about: Takes its time.
inputs: { time: { type: text } }
steps:
  - { id: first, node: Film.create, with: { title: slow } }
  - { id: pause, wait: { until: '{{ inputs.time }}' } }
outputs: '{{ first.title }}'
";
const NEVER: &str = "2100-01-01T00:00:00Z";
const PAST: &str = "2000-01-01T00:00:00Z";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_waited_for_or_not_as_the_request_asks() {
    everywhere(&[SLOW, FILMS], async |world| {
        let workflows = world.get("/workflows").await;
        let slow = workflows
            .as_array()
            .unwrap()
            .iter()
            .find(|workflow| workflow["name"] == "slow");
        assert_eq!(slow.unwrap()["start"], "/nexus/v1/workflows/slow/runs");
        assert!(slow.unwrap()["input"]["properties"]["time"].is_object());

        let line = "POST /workflows/slow/runs";
        let done = world.ask(line, &[], &json!({"time": PAST})).await;
        assert_eq!(
            (done.status.as_u16(), &done.json()["output"]),
            (200, &json!("slow"))
        );
        let told = world
            .ask(line, &[("prefer", "wait=0")], &json!({"time": NEVER}))
            .await;
        assert_eq!(told.status, 202, "{}", told.text);
        let id = told
            .header("location")
            .strip_prefix("/nexus/v1/runs/")
            .unwrap()
            .to_owned();
        world.until(&id, "waiting").await;
        world.post(&format!("/runs/{id}:cancel"), Value::Null).await;
        world.until(&id, "cancelled").await;

        let key = [("idempotency-key", "k1"), ("prefer", "respond-async")];
        let first = world.ask(line, &key, &json!({"time": PAST})).await;
        let second = world.ask(line, &key, &json!({"time": PAST})).await;
        assert_eq!(first.json()["id"], second.json()["id"]);
        assert_eq!(second.header("idempotency-replayed"), "true");
        let id = first.json()["id"].as_str().unwrap().to_owned();
        world.until(&id, "succeeded").await;

        let list = world
            .ask("GET /runs?workflow=slow&limit=2", &[], &Value::Null)
            .await;
        assert_eq!(list.json().as_array().unwrap().len(), 2);
        let next = list.header("link");
        let next = next
            .strip_prefix("</nexus/v1")
            .unwrap()
            .split_once('>')
            .unwrap()
            .0
            .to_owned();
        assert_eq!(world.get(&next).await.as_array().unwrap().len(), 1);
        assert_eq!(
            world
                .get("/runs?state=cancelled")
                .await
                .as_array()
                .unwrap()
                .len(),
            1
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_becomes_of_a_run_is_told_as_it_happens() {
    everywhere(&[SLOW, FILMS], async |world| {
        let accept = [("accept", "text/event-stream")];
        let line = "POST /workflows/slow/runs";
        let told = world.ask(line, &accept, &json!({"time": PAST})).await;
        assert_eq!(told.header("content-type"), "text/event-stream");
        let id = told
            .header("location")
            .strip_prefix("/nexus/v1/runs/")
            .unwrap()
            .to_owned();
        check(&told.text, &id);
        let late = world
            .ask(&format!("GET /runs/{id}/events"), &[], &Value::Null)
            .await;
        check(&late.text, &id);
    })
    .await;
}

fn check(text: &str, id: &str) {
    let events: Vec<_> = text
        .split("\n\n")
        .filter(|event| event.starts_with("event: "))
        .collect();
    let steps = events
        .iter()
        .filter_map(|event| event.strip_prefix("event: step\ndata: "));
    let step = |text: &str| {
        serde_json::from_str::<Value>(text).unwrap()["path"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        steps.map(step).collect::<Vec<_>>(),
        ["first", "pause"],
        "{text}"
    );
    let last = events
        .last()
        .unwrap()
        .strip_prefix("event: run\ndata: ")
        .unwrap();
    let last: Value = serde_json::from_str(last).unwrap();
    assert_eq!(
        (&last["id"], &last["state"]),
        (&json!(id), &json!("succeeded"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_done_is_a_problem() {
    everywhere(&[SLOW, FILMS], async |world| {
        let nobody = [("authorization", "")];
        for (line, headers, body, expected) in [
            (
                "POST /workflows/none/runs",
                &[][..],
                json!({}),
                (404, "no_such_node"),
            ),
            (
                "POST /workflows/slow/runs",
                &[],
                json!({"tme": 1}),
                (422, "invalid_input"),
            ),
            (
                "POST /workflows/slow/runs",
                &[("content-type", "text/csv")],
                json!({}),
                (415, "unsupported_media_type"),
            ),
            (
                "POST /workflows/slow/runs",
                &nobody,
                json!({}),
                (401, "unauthenticated"),
            ),
            (
                "GET /workflows/slow/runs",
                &[],
                Value::Null,
                (405, "method_not_allowed"),
            ),
            (
                "GET /runs?sate=failed",
                &[],
                Value::Null,
                (400, "invalid_query"),
            ),
            ("GET /runs/7", &[], Value::Null, (404, "not_found")),
            (
                "GET /runs/01890000-0000-7000-8000-000000000000",
                &[],
                Value::Null,
                (404, "not_found"),
            ),
            (
                "POST /runs/01890000-0000-7000-8000-000000000000:cancel",
                &[],
                Value::Null,
                (404, "not_found"),
            ),
            (
                "POST /runs/01890000-0000-7000-8000-000000000000:signal",
                &[],
                json!({"id": 1}),
                (422, "invalid_input"),
            ),
            ("GET /nothing", &[], Value::Null, (404, "no_such_route")),
        ] {
            let told = world.ask(line, headers, &body).await;
            let (status, code) = told.problem();
            assert_eq!((status, code.as_str()), expected, "{line}: {}", told.text);
            assert_eq!(told.header("content-type"), "application/problem+json");
        }
        let document = world.get("/openapi.json").await;
        let start = &document["paths"]["/nexus/v1/workflows/slow/runs"]["post"];
        assert_eq!(start["operationId"], "start.slow");
    })
    .await;
}
