//! What makes runs go on that wait.

use std::time::Duration;

use serde_json::json;
use testkit::on_both_engines;
use wire::run::{Advance, Note, StepRow, StepState, Then};
use wire::{Code, Problem};

use super::{RATE, advance, everywhere, for_signals, meddle, raw, row, world};
use crate::world::refused;

fn waiting(path: &str, note: Note) -> StepRow {
    StepRow {
        note: Some(note),
        ..row(path, StepState::Waiting)
    }
}

#[tokio::test]
async fn what_waits_goes_on_at_its_time_or_by_a_signal() {
    everywhere(&[RATE], async |world| {
        let started = world.rate("Alien").await;
        let id = &started["id"];
        let held = world.hold().await;
        let note = Note {
            signal: Some("go".to_owned()),
            ..Note::default()
        };
        let told = Advance {
            steps: vec![waiting("w", note)],
            then: for_signals(0),
            ..advance(&held)
        };
        world.tell(&told).await.unwrap();
        assert_eq!(
            (world.state(id).await, world.steps(id).await),
            ("waiting".to_owned(), vec!["w waiting".to_owned()])
        );
        assert!(world.claim(1, 0).await.is_empty());

        let signal = json!({"id": id, "name": "go", "payload": {"n": 1.50}});
        let other = world.someone(&["editor"], None).await;
        let foreign = world.call(&other, "run.signal", "", signal.clone()).await;
        assert_eq!(refused(&foreign).0, Code::NotFound);
        world
            .call(&world.editor, "run.signal", "", signal)
            .await
            .unwrap();
        let held = world.hold().await;
        assert_eq!(held.signals.len(), 1);
        assert_eq!(
            (held.signals[0].name.as_str(), held.signals[0].payload.get()),
            ("go", "{\"n\":1.5}")
        );
        assert_eq!(
            held.steps[0].note.as_ref().unwrap().signal.as_deref(),
            Some("go")
        );
        let until = (jiff::Timestamp::now() + Duration::from_millis(300)).to_string();
        let told = Advance {
            steps: vec![row("w", StepState::Done)],
            consumed: vec![held.signals[0].seq],
            then: Then::Wait {
                until: Some(until),
                signals_seen: held.signals[0].seq,
            },
            ..advance(&held)
        };
        world.tell(&told).await.unwrap();
        assert_eq!(world.state(id).await, "waiting");
        let held = world.hold().await;
        assert!(held.signals.is_empty());
        assert_eq!(held.steps[0].state, StepState::Done);
        // Told while it is held, it goes on at once.
        world
            .call(
                &world.editor,
                "run.signal",
                "",
                json!({"id": id, "name": "again"}),
            )
            .await
            .unwrap();
        world.advance(&held, for_signals(1)).await.unwrap();
        let held = world.hold().await;
        assert_eq!(held.signals.len(), 1);
        world.advance(&held, Then::Release).await.unwrap();
        let held = world.hold().await;
        // A row that is done stays so.
        let told = Advance {
            steps: vec![waiting("w", Note::default())],
            ..advance(&held)
        };
        world.tell(&told).await.unwrap();
        assert_eq!(world.steps(id).await, ["w done"]);
    })
    .await;
}

#[tokio::test]
async fn a_run_that_calls_another_goes_on_when_that_ends() {
    everywhere(&[RATE], async |world| {
        let parent = world.rate("Alien").await;
        let held = world.hold().await;
        let (meta, child) = world
            .step(&held, "call", "workflow.rate", json!({"film": "Child"}))
            .await
            .unwrap();
        assert!(meta.created);
        assert_eq!(child["parent"], parent["id"]);
        let (again, same) = world
            .step(&held, "call", "workflow.rate", json!({"film": "Child"}))
            .await
            .unwrap();
        assert!(again.replayed);
        assert_eq!(same["id"], child["id"]);
        world.advance(&held, for_signals(0)).await.unwrap();
        let of_child = world.hold().await;
        assert_eq!(json!(of_child.run.id), child["id"]);
        world
            .advance(&of_child, Then::Succeed(raw("7")))
            .await
            .unwrap();
        let held = world.hold().await;
        assert_eq!(json!(held.run.id), parent["id"]);
        assert_eq!(json!(held.steps[0].note.as_ref().unwrap().run), child["id"]);
        // Ended while its parent is held: then that must not wait.
        let (_, second) = world
            .step(&held, "call2", "workflow.rate", json!({"film": "Child"}))
            .await
            .unwrap();
        let of_second = world.hold().await;
        world
            .advance(&of_second, Then::Fail(Problem::new(Code::Timeout)))
            .await
            .unwrap();
        assert_eq!(
            world.run(&world.editor, &second["id"]).await["problem"]["code"],
            "timeout"
        );
        world.advance(&held, for_signals(0)).await.unwrap();
        let held = world.hold().await;
        assert_eq!(json!(held.run.id), parent["id"]);
        // Whoever ends the parent ends what it called.
        let (_, third) = world
            .step(&held, "call3", "workflow.rate", json!({"film": "Child"}))
            .await
            .unwrap();
        world
            .call(&world.editor, "run.cancel", "", json!({"id": parent["id"]}))
            .await
            .unwrap();
        assert_eq!(world.state(&third["id"]).await, "cancelled");
    })
    .await;
}

/// As another process would, which tells nothing.
#[tokio::test]
async fn what_nobody_told_is_found_in_the_end() {
    on_both_engines(async |database| {
        let world = world(&database, &[RATE]).await;
        world.rate("Alien").await;
        let held = world.hold().await;
        world.advance(&held, for_signals(0)).await.unwrap();
        let (found, ()) = tokio::join!(world.claim(1, 20_000), async {
            meddle(
                &database,
                "UPDATE gantry_run SET due_at = '2020-01-01T00:00:00.000000Z'",
            )
            .await;
        });
        assert_eq!(found.len(), 1);
    })
    .await;
}
