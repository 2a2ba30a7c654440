//! What a run changes starts others, and what a hook brings may change something.

use std::time::Duration;

use serde_json::json;

use crate::world::{FILMS, everywhere};

const MAKE: &str = "
workflow: make
inputs: { title: { type: text } }
steps: [{ id: film, node: Film.create, with: { title: '{{ inputs.title }}' } }]
outputs: '{{ film.id }}'
";
/// What it changes starts it again, and its `if` ends that.
const RATED: &str = "
workflow: rated
run_as: editor
start: [admin]
inputs: { record: { type: json }, op: { type: text } }
steps:
  - { id: save, node: Film.update, with: { id: '{{ inputs.record.id }}', rating: 5 } }
outputs: '{{ inputs.op }}'
triggers:
  - { change: Film, on: [create, update], if: '{{ record.rating is none }}' }
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_is_made_starts_a_workflow_which_may_change_it() {
    everywhere(&[MAKE, RATED, FILMS], async |world| {
        for title in ["Alien", "Aliens", "Alien 3"] {
            world.output("make", json!({"title": title})).await;
        }
        let ended = async {
            loop {
                let runs = world.get("/runs?workflow=rated&state=succeeded").await;
                if runs.as_array().unwrap().len() == 3 {
                    return runs;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let ended = tokio::time::timeout(Duration::from_secs(40), ended).await;
        for run in ended.unwrap().as_array().unwrap() {
            assert_eq!(run["output"], "create", "{run}");
            assert_eq!(run["started_by"], "trigger:0");
        }
        // Each of them looked for more to do before it began.
        assert_eq!(world.count("Alien").await, 1);
        let runs = world.get("/runs?workflow=rated").await;
        assert_eq!(runs.as_array().unwrap().len(), 3, "{runs}");
    })
    .await;
}
