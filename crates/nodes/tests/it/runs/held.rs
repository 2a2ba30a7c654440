//! Who holds runs, and for how long.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::on_both_engines;
use wire::run::{Renewed, Then};
use wire::{Caller, Code, Problem};

use super::{RATE, everywhere, expire, for_signals, raw, world};
use crate::world::World;

#[tokio::test]
async fn a_claimer_hears_at_once_of_what_begins() {
    everywhere(&[RATE], async |world| {
        let begun = Instant::now();
        let (held, _) = tokio::join!(world.claim(1, 20_000), async {
            tokio::task::yield_now().await;
            world.rate("Alien").await
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
    everywhere(&[RATE], async |world| {
        for n in 0..20 {
            world.rate(&n.to_string()).await;
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
            world.rate(film).await;
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
async fn a_run_that_is_cancelled_is_held_once_more_to_end_well() {
    everywhere(&[RATE], async |world| {
        let queued = world.rate("Alien").await;
        let cancel = async |id: &serde_json::Value| {
            world
                .call(&world.editor, "run.cancel", "", json!({"id": id}))
                .await
                .unwrap()
                .1
        };
        assert_eq!(cancel(&queued["id"]).await["state"], "cancelled");
        let waits = world.rate("Alien").await;
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
async fn of_one_key_so_many_are_under_way() {
    let alone = format!("{RATE}concurrency: {{ key: \"{{{{ inputs.film }}}}\", limit: 2 }}\n");
    everywhere(&[&alone], async |world| {
        for film in ["A", "A", "A", "A", "B"] {
            world.rate(film).await;
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
    everywhere(&[RATE], async |world| {
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

#[tokio::test]
async fn processes_tell_each_other_of_runs() {
    let database = testkit::Database::postgres().await;
    let one = world(&database, &[RATE]).await;
    let other = world(&database, &[RATE]).await;
    for _ in 0..5 {
        // Shorter than the pause between two looks of its own.
        let (held, _) = tokio::join!(one.claim(1, 1_500), async {
            assert!(other.claim(1, 0).await.is_empty());
            other.rate("Alien").await
        });
        assert_eq!(held.len(), 1);
        one.advance(&held[0], Then::Succeed(raw("1")))
            .await
            .unwrap();
    }
}
