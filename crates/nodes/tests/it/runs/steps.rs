//! A step's effect, its answer and its row are one.

use serde_json::{Value, json};
use testkit::on_both_engines;
use wire::run::{State, Then};
use wire::{Code, Options, Reply};

use super::{RATE, caller, everywhere, expire, raw, step, world};
use crate::world::refused;

#[tokio::test]
async fn a_run_begins_is_held_and_ends() {
    everywhere(&[RATE], async |world| {
        let started = world.rate("Alien").await;
        assert_eq!(started["state"], "queued");
        assert_eq!(started["input"], json!({"film": "Alien", "stars": 3}));
        let held = world.hold().await;
        assert_eq!(json!(held.run.id), started["id"]);
        assert_eq!((held.run.state, held.run.epoch), (State::Running, 1));
        assert!(held.steps.is_empty() && held.signals.is_empty());
        let text = json!({"workflow": "rate", "version": started["version"]});
        let (_, definition) = world
            .call(&world.admin, "run.definition", "", text)
            .await
            .unwrap();
        assert_eq!(definition["text"], RATE);

        let (meta, film) = world
            .step(&held, "save", "Film.create", json!({"title": "Alien"}))
            .await
            .unwrap();
        assert!(meta.created && !meta.replayed);
        assert!(world.claim(1, 0).await.is_empty(), "it is held");
        world
            .advance(&held, Then::Succeed(raw("{\"n\": 1.50}")))
            .await
            .unwrap();
        let run = world.run(&world.editor, &started["id"]).await;
        assert_eq!(
            (&run["state"], &run["output"]),
            (&json!("succeeded"), &json!({"n": 1.50}))
        );
        assert!(run["finished_at"].is_string());
        assert_eq!(world.steps(&started["id"]).await, ["save done"]);
        assert_eq!(
            world.list(&world.admin, "Film", "", "id").await,
            [film["id"].clone()]
        );
        let late = world
            .step(&held, "more", "Film.create", json!({"title": "Aliens"}))
            .await;
        assert_eq!(refused(&late).0, Code::LeaseLost);
        assert_eq!(
            world.advance(&held, Then::Release).await.unwrap_err().code,
            Code::LeaseLost
        );
    })
    .await;
}

#[tokio::test]
async fn a_step_has_its_effect_once_whatever_it_is_called_with() {
    everywhere(&[RATE], async |world| {
        world.rate("Alien").await;
        let held = world.hold().await;
        let ops = json!({"ops": [
            {"node": "Film.create", "as": "f", "input": {"title": "In tx"}},
            {"node": "Film.update", "input": {"id": {"$ref": "f.id"}, "gross": 1}},
        ]});
        let person = json!({"name": "Ridley"});
        for (path, node, input) in [
            ("create", "Film.create", json!({"title": "Alien"})),
            // Once more it would be refused.
            ("unique", "Person.create", person.clone()),
            (
                "bulk",
                "Film.bulk_create",
                json!([{"title": "One"}, {"title": "Two"}]),
            ),
            ("tx", "tx", ops),
            ("list", "Film.list", json!({"order": ["title"]})),
        ] {
            let (meta, first) = world.step(&held, path, node, input.clone()).await.unwrap();
            assert!(!meta.replayed, "{path}");
            let other = if path == "unique" {
                input
            } else {
                json!({"title": "Other"})
            };
            let other = if matches!(path, "list") {
                json!({})
            } else {
                other
            };
            let (again, second) = world.step(&held, path, node, other).await.unwrap();
            assert!(again.replayed, "{path}");
            assert_eq!(second, first, "{path}");
            assert_eq!(
                (again.id, again.created, again.affected),
                (meta.id, meta.created, meta.affected),
                "{path}"
            );
        }
        let titles = world
            .list(&world.admin, "Film", "order=title", "title")
            .await;
        assert_eq!(titles, ["Alien", "In tx", "One", "Two"]);
        // Nothing is an answer as well.
        let options = Options {
            reply: Reply::Minimal,
            step: Some(step(&held, "silent")),
            ..Options::default()
        };
        let who = caller(&held);
        let silent = world.call_with(&who, "Film.create", "", json!({"title": "Silent"}), options);
        assert_eq!(silent.await.unwrap().1, Value::Null);
        let id = json!(held.run.id);
        let steps = [
            "create done",
            "unique done",
            "bulk done",
            "tx done",
            "list done",
            "silent done",
        ];
        assert_eq!(world.steps(&id).await, steps);
    })
    .await;
}

#[tokio::test]
async fn who_lost_the_lease_writes_nothing() {
    on_both_engines(async |database| {
        let world = world(&database, &[RATE]).await;
        let started = world.rate("Alien").await;
        let first = world.hold().await;
        world
            .step(&first, "save", "Film.create", json!({"title": "Alien"}))
            .await
            .unwrap();
        expire(&database).await;
        let second = world.hold().await;
        assert_eq!(json!(second.run.id), started["id"]);
        assert_ne!(second.lease, first.lease);
        assert_eq!(second.steps.len(), 1);
        assert_eq!(second.steps[0].path, "save");
        assert!(second.steps[0].output.is_some());
        for (node, input) in [
            ("Film.create", json!({"title": "Never"})),
            ("Film.bulk_create", json!([{"title": "Never"}])),
            ("Film.list", json!({})),
            ("workflow.rate", json!({"film": "Never"})),
        ] {
            let late = world.step(&first, "late", node, input).await;
            assert_eq!(refused(&late).0, Code::LeaseLost, "{node}");
        }
        assert_eq!(
            world.list(&world.admin, "Film", "", "title").await,
            ["Alien"]
        );
        // What was done before it was lost is answered to either.
        for held in [&first, &second] {
            let again = world
                .step(held, "save", "Film.create", json!({"title": "Again"}))
                .await;
            assert!(again.unwrap().0.replayed);
        }
        assert_eq!(world.steps(&started["id"]).await, ["save done"]);
        assert_eq!(
            world.advance(&first, Then::Cancel).await.unwrap_err().code,
            Code::LeaseLost
        );
        world
            .advance(&second, Then::Succeed(raw("null")))
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_step_that_fails_leaves_nothing() {
    everywhere(&[RATE], async |world| {
        let started = world.rate("Alien").await;
        let held = world.hold().await;
        let failed = world
            .step(&held, "save", "Film.create", json!({"title": 1}))
            .await;
        assert_eq!(refused(&failed).0, Code::InvalidInput);
        let failed = world
            .step(&held, "save", "Award.create", json!({"name": "Oscar"}))
            .await;
        assert_eq!(refused(&failed).0, Code::Forbidden, "as whoever started it");
        let options = Options {
            dry_run: true,
            step: Some(step(&held, "save")),
            ..Options::default()
        };
        let tried = world
            .call_with(
                &caller(&held),
                "Film.create",
                "",
                json!({"title": "A"}),
                options,
            )
            .await;
        assert_eq!(refused(&tried).0, Code::BadRequest);
        let own = world.step(&held, "save", "key.list", json!({})).await;
        assert_eq!(refused(&own).0, Code::BadRequest);
        assert!(world.steps(&started["id"]).await.is_empty());
        assert!(
            world
                .list(&world.admin, "Film", "", "title")
                .await
                .is_empty()
        );
        world
            .step(&held, "save", "Film.create", json!({"title": "Alien"}))
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_is_too_large_to_keep_is_refused() {
    everywhere(&[RATE], async |world| {
        world
            .start(&world.admin, "rate", json!({"film": "Alien"}))
            .await;
        let held = world.hold().await;
        let extra = json!({"title": "Large", "extra": "x".repeat(1 << 20)});
        let large = world.step(&held, "save", "Film.create", extra).await;
        assert_eq!(refused(&large).0, Code::LimitExceeded);
        assert!(
            world
                .list(&world.admin, "Film", "", "title")
                .await
                .is_empty()
        );
    })
    .await;
}

#[tokio::test]
async fn two_who_do_the_same_step_at_once_do_it_once() {
    everywhere(&[RATE], async |world| {
        world.rate("Alien").await;
        let held = world.hold().await;
        let both =
            (0..8).map(|_| world.step(&held, "save", "Film.create", json!({"title": "Alien"})));
        let both = futures_util::future::join_all(both).await;
        let ids: Vec<_> = both
            .into_iter()
            .map(|answered| answered.unwrap().1["id"].clone())
            .collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_eq!(
            world.list(&world.admin, "Film", "", "id").await,
            [ids[0].clone()]
        );
    })
    .await;
}
