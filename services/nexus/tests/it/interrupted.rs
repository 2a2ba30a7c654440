//! Whoever carries a run out dies in the midst of it, and another goes on: each effect happens once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use wire::{Answer, Call, Caller, Calls, Catalogue, Health, Problem, Reached};

use crate::world::{FILMS, Running, Stage, without_engine};

const THREE: &str = "
workflow: three
steps:
  - { id: one, node: Film.create, with: { title: one } }
  - { id: two, node: Film.create, with: { title: two } }
  - { id: three, node: Film.update, with: { id: '{{ two.id }}', rating: 3 } }
outputs: '{{ three._version }}'
";
const GATE: &str = "
workflow: gate
steps:
  - { id: one, node: Film.create, with: { title: one } }
  - { id: held, node: log, with: { message: x } }
  - { id: two, node: Film.create, with: { title: two } }
";

/// Passes calls on; the answer of the step at that path never arrives, though what it asked was done.
struct Deaf {
    calls: Arc<dyn Calls>,
    path: &'static str,
    reached: Arc<AtomicUsize>,
}

impl Calls for Deaf {
    fn call(&self, call: Call) -> Reached<'_, Answer> {
        Box::pin(async {
            let lost = call
                .options
                .step
                .as_ref()
                .is_some_and(|step| step.path == self.path);
            let answer = self.calls.call(call).await;
            if lost {
                self.reached.fetch_add(1, Ordering::SeqCst);
                return std::future::pending().await;
            }
            answer
        })
    }

    fn catalogue<'a>(&'a self, caller: &'a Caller) -> Reached<'a, Arc<Catalogue>> {
        self.calls.catalogue(caller)
    }

    fn health(&self) -> BoxFuture<'_, Health> {
        self.calls.health()
    }
}

async fn until(reached: &AtomicUsize, count: usize) {
    let looking = async {
        while reached.load(Ordering::SeqCst) < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let looked = tokio::time::timeout(Duration::from_secs(20), looking).await;
    looked.expect("the step is reached");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_whose_answer_was_lost_is_not_done_twice() {
    without_engine(&[THREE, FILMS], async |stage: &Stage| {
        let world = stage.world();
        let reached = Arc::new(AtomicUsize::new(0));
        let deaf = Deaf {
            calls: stage.app.calls(),
            path: "two",
            reached: Arc::clone(&reached),
        };
        let first = flow::Engine::new(Arc::new(deaf), flow::Settings::default());
        let first = Running::of(first);
        let id = world.start("three", Value::Null).await;
        until(&reached, 1).await;
        drop(first);
        let second = Running::of(stage.engine());
        // Not before the lease of the first has run out.
        let run = world.until(&id, "succeeded").await;
        assert_eq!(run["output"], 2);
        assert_eq!((world.count("one").await, world.count("two").await), (1, 1));
        second.stop().await;
    })
    .await;
}

/// Waits for as long as its engine lets it.
struct Gate(Arc<AtomicUsize>);

impl flow::Outside for Gate {
    fn name(&self) -> &'static str {
        "log"
    }

    fn call(&self, _: Value) -> BoxFuture<'_, Result<Value, Problem>> {
        Box::pin(async {
            self.0.fetch_add(1, Ordering::SeqCst);
            std::future::pending().await
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_stops_gives_its_runs_back_at_once() {
    without_engine(&[GATE, FILMS], async |stage: &Stage| {
        let world = stage.world();
        let reached = Arc::new(AtomicUsize::new(0));
        let settings = flow::Settings {
            grace: Duration::from_millis(50),
            ..flow::Settings::default()
        };
        let first = flow::Engine::new(stage.app.calls(), settings);
        let first = Running::of(first.with(Arc::new(Gate(Arc::clone(&reached)))));
        let id = world.start("gate", Value::Null).await;
        until(&reached, 1).await;
        first.stop().await;
        assert_eq!(world.get(&format!("/runs/{id}")).await["state"], "queued");
        let second = Running::of(stage.engine());
        world.until(&id, "succeeded").await;
        assert_eq!(
            world.steps(&id).await,
            ["one done", "held done", "two done"]
        );
        assert_eq!(world.count("one").await, 1);
        second.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_runs_are_carried_out_by_two_engines_each_once() {
    without_engine(&[THREE, FILMS], async |stage: &Stage| {
        let world = stage.world();
        let engines = [Running::of(stage.engine()), Running::of(stage.engine())];
        let mut ids = Vec::new();
        for _ in 0..30 {
            ids.push(world.start("three", json!({})).await);
        }
        for id in &ids {
            world.until(id, "succeeded").await;
        }
        assert_eq!(world.count("one").await, 30);
        for engine in engines {
            engine.stop().await;
        }
    })
    .await;
}
