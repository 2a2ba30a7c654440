//! What becomes of runs that have ended: done again, begun anew, and forgotten in time.

use serde_json::{Value, json};
use testkit::on_both_engines;
use wire::run::{Advance, StepState, Then};
use wire::{Code, Problem};

use super::{RATE, advance, everywhere, meddle, raw, row, world};
use crate::world::refused;

#[tokio::test]
async fn a_retry_keeps_what_was_done_before() {
    everywhere(&[RATE], async |world| {
        let run = world.rate("A").await;
        let id = &run["id"];
        let retry = async |input: Value| world.call(&world.editor, "run.retry", "", input).await;
        assert_eq!(
            refused(&retry(json!({"id": id})).await),
            (Code::InvalidInput, "/id".to_owned())
        );
        let held = world.hold().await;
        world
            .step(&held, "one", "Film.create", json!({"title": "One"}))
            .await
            .unwrap();
        let rows = [
            row("caught", StepState::Failed),
            row("all.0.two", StepState::Done),
            row("skipped", StepState::Skipped),
            row("all.1.two", StepState::Failed),
            row("all", StepState::Failed),
        ];
        let told = Advance {
            steps: rows.to_vec(),
            then: Then::Fail(Problem::new(Code::Timeout)),
            ..advance(&held)
        };
        world.tell(&told).await.unwrap();
        let (_, again) = retry(json!({"id": id})).await.unwrap();
        assert_eq!(
            (&again["state"], &again["epoch"], &again["problem"]),
            (&json!("queued"), &json!(2), &Value::Null)
        );
        assert_eq!(
            world.steps(id).await,
            ["one done", "all.0.two done", "skipped skipped"]
        );
        let second = world.hold().await;
        assert_eq!((second.run.epoch, second.steps.len()), (2, 3));
        // The same step of this epoch is kept from the last one.
        assert!(
            world
                .step(&second, "one", "Film.create", json!({"title": "x"}))
                .await
                .unwrap()
                .0
                .replayed
        );
        let late = world
            .step(&held, "two", "Film.create", json!({"title": "x"}))
            .await;
        assert_eq!(refused(&late).0, Code::LeaseLost);
        world
            .advance(&second, Then::Succeed(raw("1")))
            .await
            .unwrap();
        assert_eq!(
            refused(&retry(json!({"id": id})).await),
            (Code::InvalidInput, "/from".to_owned())
        );
        assert_eq!(
            refused(&retry(json!({"id": id, "from": "none"})).await),
            (Code::InvalidInput, "/from".to_owned())
        );
        retry(json!({"id": id, "from": "one"})).await.unwrap();
        let third = world.hold().await;
        assert!(third.steps.is_empty());
        world
            .step(&third, "one", "Film.create", json!({"title": "Again"}))
            .await
            .unwrap();
        let titles = world
            .list(&world.admin, "Film", "order=title", "title")
            .await;
        assert_eq!(titles, ["Again", "One"]);

        let (meta, replayed) = world
            .call(&world.editor, "run.replay", "", json!({"id": id}))
            .await
            .unwrap();
        assert!(meta.created);
        assert_ne!(replayed["id"], *id);
        assert_eq!(replayed["input"], run["input"]);
        assert_eq!(
            world.hold().await.run.input.get(),
            "{\"film\":\"A\",\"stars\":3}"
        );
    })
    .await;
}

#[tokio::test]
async fn ended_runs_are_kept_for_as_long_as_their_file_says() {
    let few = format!("{RATE}retention: {{ age: 1d, runs: 2 }}\n");
    on_both_engines(async |database| {
        let world = world(&database, &[&few]).await;
        let mut ids = Vec::new();
        for film in ["A", "B", "C", "D", "E"] {
            let run = world.rate(film).await;
            ids.push(run["id"].clone());
        }
        let held = world.claim(10, 1_000).await;
        for held in held.iter().filter(|held| json!(held.run.id) != ids[0]) {
            world
                .step(held, "save", "Film.create", json!({"title": "x"}))
                .await
                .unwrap();
            world.advance(held, Then::Succeed(raw("1"))).await.unwrap();
        }
        assert_eq!(world.nodes.forget_runs().await.unwrap(), 2);
        let left = async || {
            let (_, runs) = world
                .call(&world.admin, "run.list", "", json!({}))
                .await
                .unwrap();
            runs.as_array()
                .unwrap()
                .iter()
                .map(|run| run["id"].clone())
                .collect::<Vec<_>>()
        };
        let expected: Vec<_> = [4, 3, 0].map(|at: usize| ids[at].clone()).into();
        assert_eq!(left().await, expected);
        let sql = "UPDATE gantry_run SET finished_at = '2020-01-01T00:00:00.000000Z' \
                   WHERE finished_at IS NOT NULL";
        meddle(&database, sql).await;
        assert_eq!(world.nodes.forget_runs().await.unwrap(), 2);
        assert_eq!(left().await, [ids[0].clone()], "what has not ended stays");
    })
    .await;
}
