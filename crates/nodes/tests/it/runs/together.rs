//! Runs that begin and end beside others: handed to whoever waits, ended in one go, each by itself.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::on_both_engines;
use uuid::Uuid;
use wire::run::{Advance, Held, Then};
use wire::{Code, Problem};

use super::{RATE, advance, everywhere, expire, raw, world};
use crate::world::World;

const LOOK: Duration = Duration::from_millis(500);

/// Begins a run while a claim waits, and gives both.
async fn begun_while_claiming(world: &World, film: &str) -> (Vec<Held>, Value) {
    let mut claim = Box::pin(world.claim(10, 10_000));
    until_it_waits(&mut claim).await;
    tokio::join!(claim, world.rate(film))
}

/// It has looked, and nothing was there: so much time that takes at most is no condition of what follows, since a run that
/// begins earlier is claimed.
async fn until_it_waits(claim: &mut (impl Future<Output = Vec<Held>> + Unpin)) {
    let looked = tokio::time::timeout(LOOK, claim).await;
    assert!(looked.is_err(), "nothing has begun");
}

#[tokio::test]
async fn a_run_that_begins_while_somebody_waits_is_theirs_from_the_first() {
    on_both_engines(async |database| {
        let world = world(&database, &[RATE]).await;
        let (held, started) = begun_while_claiming(&world, "Alien").await;
        let [held] = &*held else {
            panic!("{held:?}");
        };
        assert_eq!(json!(held.run.id), started["id"]);
        let run = world.run(&world.editor, &started["id"]).await;
        assert_eq!(serde_json::to_value(&held.run).unwrap(), run);
        assert_eq!(run["state"], "running");
        assert!(world.claim(10, 0).await.is_empty(), "somebody holds it");
        world
            .step(held, "save", "Film.create", json!({"title": "Alien"}))
            .await
            .unwrap();
        // Its holder dies.
        expire(&database).await;
        let other = world.hold().await;
        assert_eq!(other.run.started_at, held.run.started_at);
        assert_eq!(other.steps.len(), 1);
        let refused_now = world.advance(held, Then::Succeed(raw("1"))).await;
        assert_eq!(refused_now.unwrap_err().code, Code::LeaseLost);
        world
            .advance(&other, Then::Succeed(raw("2")))
            .await
            .unwrap();
        let run = world.run(&world.editor, &started["id"]).await;
        assert_eq!(run["output"], 2);
    })
    .await;
}

#[tokio::test]
async fn who_comes_next_gets_the_run_of_one_who_left() {
    everywhere(&[RATE], async |world| {
        let mut claim = Box::pin(world.claim(10, 10_000));
        until_it_waits(&mut claim).await;
        let started = world.rate("Alien").await;
        assert_eq!(started["state"], "queued");
        drop(claim);
        assert_eq!(json!(world.hold().await.run.id), started["id"]);
    })
    .await;
}

#[tokio::test]
async fn runs_that_end_at_the_same_moment_end_each_by_itself() {
    everywhere(&[RATE], async |world| {
        for n in 0..40 {
            world.rate(&n.to_string()).await;
        }
        let held = world.claim(100, 0).await;
        assert_eq!(held.len(), 40);
        let (_, child) = world
            .step(&held[0], "call", "workflow.rate", json!({"film": "Child"}))
            .await
            .unwrap();
        let of_child = world.hold().await;
        let ends = held.iter().enumerate().map(async |(n, held)| {
            let mut end = Advance {
                then: Then::Succeed(raw(&n.to_string())),
                ..advance(held)
            };
            match n {
                1 => end.lease = Uuid::now_v7(),
                2 => end.epoch = 2,
                3 => end.then = Then::Fail(Problem::new(Code::Timeout)),
                _ => {}
            }
            world.tell(&end).await
        });
        let (ended, of_child) = tokio::join!(
            join_all(ends),
            world.advance(&of_child, Then::Succeed(raw("7")))
        );
        of_child.unwrap();
        assert_eq!(world.run(&world.editor, &child["id"]).await["output"], 7);
        for (n, (held, ended)) in held.iter().zip(ended).enumerate() {
            let run = world.run(&world.editor, &json!(held.run.id)).await;
            if matches!(n, 1 | 2) {
                assert_eq!(ended.unwrap_err().code, Code::LeaseLost, "{n}");
                assert_eq!(run["state"], "running");
                continue;
            }
            ended.unwrap();
            assert!(run["finished_at"].is_string(), "{run}");
            match n {
                3 => assert_eq!(run["problem"]["code"], "timeout"),
                _ => assert_eq!(
                    (&run["state"], &run["output"]),
                    (&json!("succeeded"), &json!(n))
                ),
            }
        }
    })
    .await;
}

#[tokio::test]
async fn whoever_ends_a_run_is_told_when() {
    everywhere(&[RATE], async |world| {
        let ends: [(Then, &str); 3] = [
            (Then::Succeed(raw("1")), "succeeded"),
            (Then::Fail(Problem::new(Code::Timeout)), "failed"),
            (Then::Cancel, "cancelled"),
        ];
        for (then, state) in ends {
            world.rate(state).await;
            let held = world.hold().await;
            let go = world.advanced(&advance(&held)).await;
            assert!(go.finished_at.is_none());
            let end = Advance {
                then: then.clone(),
                ..advance(&held)
            };
            let at = world.advanced(&end).await.finished_at.unwrap();
            let run = world.run(&world.editor, &json!(held.run.id)).await;
            let told = held.run.ended(&then, &at).unwrap();
            assert_eq!(serde_json::to_value(told).unwrap(), run);
            assert_eq!(run["state"], state);
        }
    })
    .await;
}
