//! Who holds runs, and what makes those go on that wait.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::on_both_engines;
use wire::run::{Advance, Note, Renewed, StepRow, StepState, Then};
use wire::{Caller, Code, Problem};

use super::{RATE, advance, expire, meddle, raw, world};
use crate::world::{World, refused};

fn waiting(path: &str, note: Note) -> StepRow {
    StepRow {
        path: path.to_owned(),
        what: "wait".to_owned(),
        state: StepState::Waiting,
        output: None,
        problem: None,
        attempts: 1,
        note: Some(note),
        started_at: "2026-01-01T00:00:00Z".to_owned(),
        ended_at: None,
    }
}

fn for_signals(seen: u64) -> Then {
    Then::Wait {
        until: None,
        signals_seen: seen,
    }
}

#[tokio::test]
async fn a_claimer_hears_at_once_of_what_begins() {
    on_both_engines(async |database| {
        let world = world(&database, &[RATE]).await;
        let begun = Instant::now();
        let (held, _) = tokio::join!(world.claim(1, 20_000), async {
            tokio::task::yield_now().await;
            world
                .start(&world.editor, "rate", json!({"film": "Alien"}))
                .await
        });
        assert_eq!(held.len(), 1);
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "{:?}",
            begun.elapsed()
        );
        world.nodes.end_claims();
        assert!(world.claim(1, 20_000).await.is_empty());
        assert!(begun.elapsed() < Duration::from_secs(15));
    })
    .await;
}

#[tokio::test]
async fn many_claimers_share_what_there_is() {
    on_both_engines(async |database| {
        let world = world(&database, &[RATE]).await;
        for n in 0..20 {
            world
                .start(&world.editor, "rate", json!({"film": n.to_string()}))
                .await;
        }
        let claims = (0..10).map(|_| world.claim(2, 10_000));
        let claimed = futures_util::future::join_all(claims).await;
        let mut ids: Vec<_> = claimed.iter().flatten().map(|held| held.run.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 20);
    })
    .await;
}

#[tokio::test]
async fn who_renews_goes_on_holding() {
    on_both_engines(async |database| {
        let world = world(&database, &[RATE]).await;
        for film in ["Alien", "Aliens"] {
            world
                .start(&world.editor, "rate", json!({"film": film}))
                .await;
        }
        let held = world.claim(10, 1_000).await;
        let renew = async |world: &World| {
            let leases: Vec<_> = held
                .iter()
                .map(|held| json!({"run": held.run.id, "lease": held.lease}))
                .collect();
            let (_, renewed) = world
                .call(
                    &Caller::Anonymous,
                    "run.renew",
                    "",
                    json!({"leases": leases}),
                )
                .await
                .unwrap();
            serde_json::from_value::<Renewed>(renewed).unwrap().runs
        };
        expire(&database).await;
        assert_eq!(renew(&world).await.len(), 2);
        assert!(world.claim(10, 0).await.is_empty());
        world
            .call(
                &world.editor,
                "run.cancel",
                "",
                json!({"id": held[0].run.id}),
            )
            .await
            .unwrap();
        let signal = json!({"id": held[1].run.id, "name": "go", "payload": {"n": 1}});
        world
            .call(&world.editor, "run.signal", "", signal)
            .await
            .unwrap();
        let still = renew(&world).await;
        let of = |at: usize| {
            still
                .iter()
                .find(|still| still.run == held[at].run.id)
                .unwrap()
        };
        assert!(of(0).cancelling && !of(1).cancelling);
        assert_eq!((of(0).signals.len(), of(1).signals.len()), (0, 1));
        assert!(of(1).caller.assertion.is_some());
        world.advance(&held[0], Then::Cancel).await.unwrap();
        assert_eq!(renew(&world).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_waits_goes_on_at_its_time_or_by_a_signal() {
    on_both_engines(async |database| {
        let world = world(&database, &[RATE]).await;
        let started = world
            .start(&world.editor, "rate", json!({"film": "Alien"}))
            .await;
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
        let done = StepRow {
            state: StepState::Done,
            output: Some(raw("1")),
            note: None,
            ..waiting("w", Note::default())
        };
        let until = (jiff::Timestamp::now() + Duration::from_millis(300)).to_string();
        let told = Advance {
            steps: vec![done],
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
async fn a_run_that_is_cancelled_is_held_once_more_to_end_well() {
    on_both_engines(async |database| {
        let world = world(&database, &[RATE]).await;
        let queued = world
            .start(&world.editor, "rate", json!({"film": "Alien"}))
            .await;
        let cancel = async |id: &serde_json::Value| {
            world
                .call(&world.editor, "run.cancel", "", json!({"id": id}))
                .await
                .unwrap()
                .1
        };
        assert_eq!(cancel(&queued["id"]).await["state"], "cancelled");
        let waits = world
            .start(&world.editor, "rate", json!({"film": "Alien"}))
            .await;
        world
            .advance(&world.hold().await, for_signals(0))
            .await
            .unwrap();
        assert_eq!(cancel(&waits["id"]).await["cancelling"], true);
        let held = world.hold().await;
        assert!(held.run.cancelling);
        world
            .step(&held, "finally", "Film.create", json!({"title": "Gone"}))
            .await
            .unwrap();
        world.advance(&held, Then::Cancel).await.unwrap();
        assert_eq!(world.state(&waits["id"]).await, "cancelled");
        assert_eq!(cancel(&waits["id"]).await["state"], "cancelled");
    })
    .await;
}

#[tokio::test]
async fn a_run_that_calls_another_goes_on_when_that_ends() {
    on_both_engines(async |database| {
        let world = world(&database, &[RATE]).await;
        let parent = world
            .start(&world.editor, "rate", json!({"film": "Alien"}))
            .await;
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

#[tokio::test]
async fn of_one_key_so_many_are_under_way() {
    let alone = format!("{RATE}concurrency: {{ key: \"{{{{ inputs.film }}}}\", limit: 2 }}\n");
    on_both_engines(async |database| {
        let world = world(&database, &[&alone]).await;
        for film in ["A", "A", "A", "A", "B"] {
            world
                .start(&world.editor, "rate", json!({"film": film}))
                .await;
        }
        let films = |held: &[wire::run::Held]| {
            let mut films: Vec<_> = held
                .iter()
                .map(|held| held.run.input.get()[9..10].to_owned())
                .collect();
            films.sort();
            films.concat()
        };
        let first = world.claim(10, 1_000).await;
        assert_eq!(films(&first), "AAB");
        // Who waits is under way as well.
        world.advance(&first[0], for_signals(0)).await.unwrap();
        assert!(world.claim(10, 0).await.is_empty());
        let is_a = |held: &&wire::run::Held| held.run.input.get().contains("\"A\"");
        let running = first[1..]
            .iter()
            .find(is_a)
            .or(first.first().filter(is_a))
            .unwrap();
        world.advance(running, Then::Succeed(raw("1"))).await.ok();
        let next = world.claim(10, 2_000).await;
        assert_eq!(films(&next), "A");
        world
            .advance(&next[0], Then::Fail(Problem::new(Code::Timeout)))
            .await
            .unwrap();
        let next = world.claim(10, 2_000).await;
        assert_eq!(films(&next), "A");
        assert!(world.claim(10, 0).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_run_of_a_revoked_key_ends() {
    on_both_engines(async |database| {
        let world = world(&database, &[RATE]).await;
        let key = json!({"name": "k", "roles": ["editor"]});
        let (_, key) = world
            .call(&world.admin, "key.create", "", key)
            .await
            .unwrap();
        let who = world.verify(key["token"].as_str().unwrap()).await.unwrap();
        let started = world.start(&who, "rate", json!({"film": "Alien"})).await;
        world
            .call(&world.admin, "key.revoke", "", json!({"id": key["id"]}))
            .await
            .unwrap();
        assert!(world.claim(10, 0).await.is_empty());
        let run = world.run(&world.admin, &started["id"]).await;
        assert_eq!(
            (&run["state"], &run["problem"]["code"]),
            (&json!("failed"), &json!("unauthenticated"))
        );
    })
    .await;
}

/// As another process would, which tells nothing.
#[tokio::test]
async fn what_nobody_told_is_found_in_the_end() {
    on_both_engines(async |database| {
        let world = world(&database, &[RATE]).await;
        world
            .start(&world.editor, "rate", json!({"film": "Alien"}))
            .await;
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

#[tokio::test]
async fn processes_tell_each_other_of_runs() {
    let database = testkit::Database::postgres().await;
    let one = world(&database, &[RATE]).await;
    let other = world(&database, &[RATE]).await;
    for _ in 0..5 {
        // Shorter than the pause between two looks of its own.
        let (held, _) = tokio::join!(one.claim(1, 1_500), async {
            assert!(other.claim(1, 0).await.is_empty());
            other
                .start(&other.editor, "rate", json!({"film": "Alien"}))
                .await
        });
        assert_eq!(held.len(), 1);
        one.advance(&held[0], Then::Succeed(raw("1")))
            .await
            .unwrap();
    }
}
