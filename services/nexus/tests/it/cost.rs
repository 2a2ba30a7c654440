//! What a run costs, counted in calls.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use serde_json::json;
use wire::{Answer, Call, Caller, Calls, Catalogue, Health, Reached};

use crate::world::{FILMS, Running, Stage, without_engine};

const THREE: &str = "
workflow: three
inputs: { skip: { type: bool } }
steps:
  - { id: one, node: Film.create, with: { title: one } }
  - { id: never, if: '{{ inputs.skip }}', node: Film.create, with: { title: never } }
  - id: all
    each: '{{ [1, 2] }}'
    steps: [{ id: two, node: Film.create, with: { title: two, rating: '{{ item }}' } }]
  - { id: three, node: Film.read, with: { id: '{{ one.id }}' } }
outputs: '{{ three.title }}'
";

/// Counts calls by node, and the steps by path.
struct Counted {
    calls: Arc<dyn Calls>,
    counts: Arc<Mutex<BTreeMap<String, u32>>>,
}

impl Calls for Counted {
    fn call(&self, call: Call) -> Reached<'_, Answer> {
        let name = match &call.options.step {
            Some(step) => step.path.clone(),
            None => call.node.to_string(),
        };
        if !["run.claim", "run.renew", "run.heed"].contains(&name.as_str()) {
            *self.counts.lock().unwrap().entry(name).or_default() += 1;
        }
        self.calls.call(call)
    }

    fn catalogue<'a>(&'a self, caller: &'a Caller) -> Reached<'a, Arc<Catalogue>> {
        self.calls.catalogue(caller)
    }

    fn health(&self) -> BoxFuture<'_, Health> {
        self.calls.health()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_costs_one_call_and_a_run_one_more() {
    without_engine(&[THREE, FILMS], async |stage: &Stage| {
        let world = stage.world();
        let counts = Arc::new(Mutex::new(BTreeMap::new()));
        let counted = Counted {
            calls: stage.app.calls(),
            counts: Arc::clone(&counts),
        };
        let engine = flow::Engine::new(Arc::new(counted), flow::Settings::default());
        let engine = Running::of(engine);
        let output = world.output("three", json!({"skip": false})).await;
        assert_eq!(output, "one");
        let first = serde_json::to_value(&*counts.lock().unwrap()).unwrap();
        let once = json!({
            "one": 1, "all.0.two": 1, "all.1.two": 1, "three": 1, "run.advance": 1, "run.definition": 1,
        });
        assert_eq!(first, once);
        world.output("three", json!({"skip": false})).await;
        assert_eq!(counts.lock().unwrap()["run.definition"], 1);
        assert_eq!(counts.lock().unwrap()["run.advance"], 2);
        engine.stop().await;
    })
    .await;
}
