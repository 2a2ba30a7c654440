//! What is counted of runs and steps, after runs that were carried out.

use chassis::Metrics;
use serde_json::{Value, json};

use crate::world::{FILMS, Running, Stage, without_engine};

const MIXED: &str = "
workflow: mixed
inputs: { title: { type: text } }
steps:
  - { id: film, node: Film.create, with: { title: '{{ inputs.title }}' } }
  - { id: told, node: log, with: { message: '{{ film.title }}' } }
  - id: all
    each: '{{ [1, 2, 3] }}'
    steps: [{ id: one, if: '{{ item > 1 }}', node: Film.read, with: { id: '{{ film.id }}' } }]
";
const FAILS: &str = "
workflow: fails
steps: [{ id: gone, node: Film.read, with: { id: 01890000-0000-7000-8000-000000000000 } }]
";
const WAITS: &str = "
workflow: waits
steps: [{ id: paid, wait: { signal: paid } }]
";
const HELD: &str = "
workflow: held
steps: [{ id: film, node: Film.create, with: { title: begun } }, { id: pause, wait: 4s }]
";

/// The lines of a figure, without those of its buckets and sum.
fn figure(text: &str, name: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| line.starts_with(name));
    let lines = lines.filter(|line| !line.contains("_bucket{") && !line.contains("_sum{"));
    lines.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_and_steps_are_counted_as_they_end() {
    without_engine(
        &[MIXED, FAILS, WAITS, HELD, FILMS],
        async |stage: &Stage| {
            let metrics = Metrics::new("nexus");
            let app = stage.app.clone().counted(metrics.clone());
            let engine = Running::of(app.engine());
            let world = stage.world();
            world.run("mixed", json!({"title": "Alien"})).await;
            world.run("mixed", json!({"title": "Brazil"})).await;
            assert_eq!(world.run("fails", Value::Null).await["state"], "failed");
            let waits = world.start("waits", Value::Null).await;
            world.until(&waits, "waiting").await;
            let held = world.start("held", Value::Null).await;
            while !world.steps(&held).await.contains(&"film done".to_owned()) {}
            let shown = metrics.render();
            assert_eq!(
                figure(&shown, "gantry_runs_under_way"),
                ["gantry_runs_under_way 1"]
            );
            world
                .post(&format!("/runs/{held}:cancel"), Value::Null)
                .await;
            world.until(&held, "cancelled").await;
            engine.stop().await;

            let shown = metrics.render();
            assert_eq!(
                figure(&shown, "gantry_run_duration_seconds_count"),
                [
                    "gantry_run_duration_seconds_count{workflow=\"fails\",state=\"failed\"} 1",
                    "gantry_run_duration_seconds_count{workflow=\"held\",state=\"cancelled\"} 1",
                    "gantry_run_duration_seconds_count{workflow=\"mixed\",state=\"succeeded\"} 2",
                ]
            );
            assert_eq!(
                figure(&shown, "gantry_run_dispatch_duration_seconds_count"),
                [
                    "gantry_run_dispatch_duration_seconds_count{workflow=\"fails\"} 1",
                    "gantry_run_dispatch_duration_seconds_count{workflow=\"held\"} 1",
                    "gantry_run_dispatch_duration_seconds_count{workflow=\"mixed\"} 2",
                    "gantry_run_dispatch_duration_seconds_count{workflow=\"waits\"} 1",
                ]
            );
            assert_eq!(
                figure(&shown, "gantry_step_duration_seconds_count"),
                [
                    "gantry_step_duration_seconds_count{node=\"Film.create\",state=\"done\"} 3",
                    "gantry_step_duration_seconds_count{node=\"Film.read\",state=\"done\"} 4",
                    "gantry_step_duration_seconds_count{node=\"Film.read\",state=\"failed\"} 1",
                    "gantry_step_duration_seconds_count{node=\"Film.read\",state=\"skipped\"} 2",
                    "gantry_step_duration_seconds_count{node=\"each\",state=\"done\"} 2",
                    "gantry_step_duration_seconds_count{node=\"log\",state=\"done\"} 2",
                ]
            );
            assert_eq!(
                figure(&shown, "gantry_runs_under_way"),
                ["gantry_runs_under_way 0"]
            );

            let queue = Metrics::new("dataflow");
            queue.ask(stage.figures());
            for _ in 0..2 {
                // Only so often is it looked at: the run that begins meanwhile is not seen.
                assert_eq!(
                    figure(&queue.scrape().await, "gantry_runs"),
                    [
                        "gantry_runs{state=\"queued\"} 0",
                        "gantry_runs{state=\"running\"} 0",
                        "gantry_runs{state=\"waiting\"} 1",
                    ]
                );
                world.start("waits", Value::Null).await;
            }
        },
    )
    .await;
}
