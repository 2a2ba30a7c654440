//! Schedules: each tick once, whoever looks, and what becomes of those that were missed.

use serde_json::json;
use testkit::on_both_engines;
use wire::run::Then;

use super::{meddle, raw, world};
use crate::world::World;

fn nightly(more: &str) -> String {
    format!(
        "workflow: nightly\ninputs: {{ time: {{ type: timestamp }} }}\nsteps:\n  - {{ id: all, node: Film.count }}\ntriggers:\n  - {{ cron: \"0 3 * * *\"{more} }}\n"
    )
}

async fn due(database: &testkit::Database, at: &str) {
    meddle(
        database,
        &format!("UPDATE gantry_schedule SET next_at = '{at}'"),
    )
    .await;
}

/// So many days ago, at three.
fn days_ago(days: i64) -> String {
    let now = jiff::Timestamp::now().as_second();
    let three = now - now.rem_euclid(86_400) + 3 * 3_600;
    let three = if three > now { three - 86_400 } else { three };
    let at = jiff::Timestamp::from_second(three - days * 86_400).unwrap();
    format!("{at:.6}")
}

#[tokio::test]
async fn a_tick_starts_one_run_whoever_looks() {
    let nightly = nightly(", missed: latest, overlap: queue");
    on_both_engines(async |database| {
        let one = world(&database, &[&nightly]).await;
        let other = world(&database, &[&nightly]).await;
        let third = world(&database, &[&nightly]).await;
        for world in [&one, &other, &third] {
            assert!(world.claim(1, 0).await.is_empty());
        }
        let mut last = json!(uuid::Uuid::nil());
        for _ in 0..100 {
            due(&database, &days_ago(0)).await;
            for world in [&one, &other, &third] {
                // Makes it look at once.
                world
                    .call(&world.admin, "run.cancel", "", json!({"id": last}))
                    .await
                    .ok();
            }
            let (world, held) = tokio::select! {
                held = one.claim(5, 20_000) => (&one, held),
                held = other.claim(5, 20_000) => (&other, held),
                held = third.claim(5, 20_000) => (&third, held),
            };
            assert_eq!(held.len(), 1);
            assert_eq!(held[0].run.started_by, "trigger:0");
            last = json!(held[0].run.id);
            world
                .advance(&held[0], Then::Succeed(raw("1")))
                .await
                .unwrap();
        }
        let all = json!({"limit": 1000});
        let (_, runs) = one.call(&one.admin, "run.list", "", all).await.unwrap();
        assert_eq!(runs.as_array().unwrap().len(), 100);
    })
    .await;
}

async fn claimed(world: &World) -> usize {
    world.claim(100, 3_000).await.len()
}

#[tokio::test]
async fn what_was_missed_is_made_up_as_the_file_says() {
    for (missed, expected) in [("none", 0), ("latest", 1), ("all", 5)] {
        let nightly = nightly(&format!(", missed: {missed}, overlap: queue"));
        on_both_engines(async |database| {
            let world = world(&database, &[&nightly]).await;
            assert!(world.claim(1, 0).await.is_empty());
            due(&database, &days_ago(4)).await;
            // At a time that is not itself a tick.
            let now = jiff::Timestamp::now().as_second().rem_euclid(86_400);
            if (3 * 3_600 - 5..3 * 3_600 + 65).contains(&now) {
                return;
            }
            assert_eq!(claimed(&world).await, usize::from(expected > 0));
            let (_, runs) = world
                .call(&world.admin, "run.list", "", json!({}))
                .await
                .unwrap();
            assert_eq!(runs.as_array().unwrap().len(), expected, "{missed}");
        })
        .await;
    }
}

#[tokio::test]
async fn a_tick_that_finds_the_last_one_under_way_does_as_the_file_says() {
    for (overlap, states) in [
        ("skip", &["running"][..]),
        ("queue", &["queued", "running"]),
        ("cancel_running", &["running", "running"]),
    ] {
        let nightly = nightly(&format!(", overlap: {overlap}"));
        on_both_engines(async |database| {
            let world = world(&database, &[&nightly]).await;
            assert!(world.claim(1, 0).await.is_empty());
            due(&database, &days_ago(0)).await;
            assert_eq!(claimed(&world).await, 1);
            due(&database, &days_ago(0)).await;
            world.claim(10, 2_500).await;
            let (_, runs) = world
                .call(&world.admin, "run.list", "", json!({}))
                .await
                .unwrap();
            let runs = runs.as_array().unwrap();
            let told: Vec<_> = runs
                .iter()
                .map(|run| run["state"].as_str().unwrap())
                .collect();
            assert_eq!(told, states, "{overlap}");
            assert_eq!(
                runs.last().unwrap()["cancelling"] == true,
                overlap == "cancel_running"
            );
        })
        .await;
    }
}
