//! What becomes of all runs, as a stream.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::Request;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::world::{FILMS, World, everywhere, without_engine};

const NOTED: &str = "
workflow: noted
inputs: { title: { type: text } }
steps:
  - { id: said, node: emit, with: { name: 'noted', payload: { title: '{{ inputs.title }}' } } }
  - { id: film, node: Film.create, with: { title: '{{ said.payload.title }}' } }
outputs: '{{ said.name }}'
";

struct Event {
    id: String,
    name: String,
    data: Value,
}

impl Event {
    /// `name title state` of a run, `emit title` of what it emits.
    fn words(&self) -> String {
        match self.name.as_str() {
            "run" => {
                let run = &self.data;
                format!("run {} {}", run["input"]["title"], run["state"])
            }
            "emit" => format!("emit {}", self.data["payload"]["title"]),
            other => other.to_owned(),
        }
        .replace('"', "")
    }
}

/// One stream.
struct Ear {
    body: BodyDataStream,
    unread: String,
}

impl Ear {
    /// That hears from now on, or from an event on.
    async fn of(world: &World, key: &str, query: &str, last: &str) -> Self {
        let mut request = Request::builder()
            .uri(format!("/nexus/v1/events{query}"))
            .header("authorization", format!("Bearer {key}"));
        if !last.is_empty() {
            request = request.header("last-event-id", last);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = world.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            body: response.into_body().into_data_stream(),
            unread: String::new(),
        }
    }

    async fn next(&mut self) -> Event {
        loop {
            while let Some((block, rest)) = self.unread.split_once("\n\n") {
                let line = |name| block.lines().find_map(|line| line.strip_prefix(name));
                let (id, event, data) = (line("id: "), line("event: "), line("data: "));
                let event = event.map(|name| Event {
                    id: id.unwrap().to_owned(),
                    name: name.to_owned(),
                    data: serde_json::from_str(data.unwrap()).unwrap(),
                });
                self.unread = self.unread.split_off(self.unread.len() - rest.len());
                if let Some(event) = event {
                    return event;
                }
            }
            let chunk = tokio::time::timeout(Duration::from_secs(30), self.body.next()).await;
            let chunk = chunk.expect("something is told").unwrap().unwrap();
            self.unread.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// All up to that one.
    async fn until(&mut self, words: &str) -> (Vec<String>, Event) {
        let mut heard = Vec::new();
        loop {
            let event = self.next().await;
            heard.push(event.words());
            if heard.last().is_some_and(|last| last == words) {
                return (heard, event);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_runs_are_heard_of_and_what_they_emit() {
    everywhere(&[NOTED, FILMS], async |world| {
        let mut admin = Ear::of(world, &world.admin, "?workflow=noted", "").await;
        let mut editor = Ear::of(world, &world.editor, "", "").await;
        assert_eq!(world.count("Alien").await, 0);
        let output = world.output("noted", json!({"title": "Alien"})).await;
        assert_eq!(output, "noted");
        let (heard, event) = admin.until("emit Alien").await;
        assert!(heard.iter().all(|word| !word.contains("succeeded")));
        let (_, end) = admin.until("run Alien succeeded").await;
        let expected = json!({
            "run": end.data["id"], "workflow": "noted", "step": "said", "name": "noted",
            "payload": {"title": "Alien"}, "at": event.id,
        });
        assert_eq!(event.data, expected);
        assert_eq!(
            end.data,
            world
                .get(&format!("/runs/{}", end.data["id"].as_str().unwrap()))
                .await
        );

        let key = format!("Bearer {}", world.editor);
        let own = [("authorization", key.as_str())];
        let line = "POST /workflows/noted/runs";
        let own = world.ask(line, &own, &json!({"title": "Brazil"})).await;
        assert_eq!(own.json()["state"], "succeeded", "{}", own.text);
        let (heard, _) = editor.until("run Brazil succeeded").await;
        assert!(
            heard.iter().all(|word| word.contains("Brazil")),
            "{heard:?}"
        );
        assert!(heard.contains(&"emit Brazil".to_owned()));

        // What happens while nobody listens.
        drop(admin);
        world.output("noted", json!({"title": "Casablanca"})).await;
        let mut admin = Ear::of(world, &world.admin, "?workflow=noted", &end.id).await;
        let (mut heard, _) = admin.until("run Casablanca succeeded").await;
        for missed in ["run Brazil succeeded", "emit Casablanca"] {
            assert!(heard.iter().any(|word| word == missed), "{heard:?}");
        }
        let told = heard.len();
        heard.sort();
        heard.dedup();
        assert_eq!(heard.len(), told, "each is told once: {heard:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_that_others_carry_out_or_end_are_heard_of_too() {
    without_engine(&[NOTED], async |stage| {
        let world = stage.world();
        let mut ear = Ear::of(&world, &world.admin, "", "").await;
        let id = world.start("noted", json!({"title": "Alien"})).await;
        ear.until("run Alien queued").await;
        world.post(&format!("/runs/{id}:cancel"), Value::Null).await;
        ear.until("run Alien cancelled").await;
        let told = world.post(&format!("/runs/{id}:retry"), Value::Null).await;
        assert_eq!(told.status, 200, "{}", told.text);
        let (_, event) = ear.until("run Alien queued").await;
        assert_eq!(event.data["epoch"], 2);
        stage.stop();
        let end = tokio::time::timeout(Duration::from_secs(30), ear.body.next()).await;
        assert!(end.expect("it ends with the process").is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_away_for_long_is_told_so_and_who_was_never_here_is_refused() {
    without_engine(&[NOTED], async |stage| {
        let world = stage.world();
        for (line, last, expected) in [
            ("GET /events", "7", (400, "invalid_cursor")),
            ("GET /events?workflw=noted", "", (400, "invalid_query")),
        ] {
            let last = [("last-event-id", last)];
            let told = world.ask(line, &last, &Value::Null).await;
            let (status, code) = told.problem();
            assert_eq!((status, code.as_str()), expected);
        }
        let nobody = [("authorization", "")];
        let told = world.ask("GET /events", &nobody, &Value::Null).await;
        assert_eq!(told.problem(), (401, "unauthenticated".to_owned()));
        for last in ["2020-01-01T00:00:00.000000Z", "2200-01-01T00:00:00.000000Z"] {
            let mut ear = Ear::of(&world, &world.admin, "", last).await;
            let event = ear.next().await;
            assert_eq!(event.words(), "resync");
            world.start("noted", json!({"title": last})).await;
            ear.until(&format!("run {last} queued")).await;
        }
    })
    .await;
}
