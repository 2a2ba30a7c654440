//! One effect for one key.

use serde_json::{Value, json};
use testkit::on_both_engines;
use wire::{Code, Options};

use crate::world::{World, id, refused};

fn keyed(key: &str) -> Options {
    Options {
        idempotency_key: Some(key.to_owned()),
        ..Options::default()
    }
}

#[tokio::test]
async fn a_call_said_twice_happens_once() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let create = async |key: &str, name: &str| {
            world
                .call_with(
                    &world.editor,
                    "Person.create",
                    "",
                    json!({"name": name}),
                    keyed(key),
                )
                .await
        };
        let (meta, first) = create("k", "Ann").await.unwrap();
        assert!(!meta.replayed);
        let (mut again, same) = create("k", "Ann").await.unwrap();
        assert!(std::mem::take(&mut again.replayed));
        assert_eq!((again, same), (meta, first.clone()));
        assert_eq!(
            refused(&create("k", "Bob").await).0,
            Code::IdempotencyMismatch
        );
        // What was refused did not use its key up.
        assert_eq!(refused(&create("l", "Ann").await).0, Code::UniqueViolation);
        create("l", "Bob").await.unwrap();
        // Another caller's key is another key.
        let other = world.someone(&["editor"], None).await;
        let answered = world
            .call_with(
                &other,
                "Person.create",
                "",
                json!({"name": "Cy"}),
                keyed("k"),
            )
            .await;
        assert!(!answered.unwrap().0.replayed);
        // A dry run keeps nothing, its key neither.
        let dry = Options {
            dry_run: true,
            ..keyed("d")
        };
        world
            .call_with(
                &world.editor,
                "Person.create",
                "",
                json!({"name": "Di"}),
                dry,
            )
            .await
            .unwrap();
        create("d", "Dora").await.unwrap();
        for (node, query) in [("Person.delete", format!("id={}", id(&first)))] {
            let call = || world.call_with(&world.editor, node, &query, Value::Null, keyed("x"));
            let (one, two) = (call().await.unwrap(), call().await.unwrap());
            assert_eq!((one.1, two.0.replayed), (two.1, true));
        }
        for bad in ["", "ä", "a\nb", &"x".repeat(256)] {
            assert_eq!(refused(&create(bad, "Eve").await).0, Code::BadRequest);
        }
        let tx = json!({"ops": [{"node": "Person.create", "input": {"name": "Fay"}}]});
        for replayed in [false, true] {
            let (meta, _) = world
                .call_with(&world.editor, "tx", "", tx.clone(), keyed("t"))
                .await
                .unwrap();
            assert_eq!(meta.replayed, replayed);
        }
    })
    .await;
}

#[tokio::test]
async fn at_the_same_moment_one_is_carried_out() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let one = || {
            world.call_with(
                &world.editor,
                "Person.create",
                "",
                json!({"name": "Ann"}),
                keyed("k"),
            )
        };
        let all = futures_util::future::join_all((0..8).map(|_| one())).await;
        let (done, others): (Vec<_>, Vec<_>) = all.into_iter().partition(Result::is_ok);
        assert!(matches!(&done[..], [Ok((meta, _))] if !meta.replayed));
        for problem in others.into_iter().filter_map(Result::err) {
            let told = (problem.code, problem.retry_after);
            assert_eq!(told, (Code::IdempotencyInFlight, Some(1)));
        }
        assert!(one().await.unwrap().0.replayed);
        assert_eq!(
            world.list(&world.editor, "Person", "", "name").await,
            ["Ann"]
        );
    })
    .await;
}

/// Its effect happens once for its run, under the run's lease.
#[tokio::test]
async fn a_step_of_no_run_is_refused_and_does_nothing() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let step = wire::Step {
            run: uuid::Uuid::now_v7(),
            epoch: 0,
            path: "save".to_owned(),
            lease: uuid::Uuid::now_v7(),
        };
        let options = Options {
            step: Some(step),
            ..Options::default()
        };
        let ann = json!({"name": "Ann"});
        let answered = world
            .call_with(&world.editor, "Person.create", "", ann, options)
            .await;
        assert_eq!(refused(&answered).0, Code::LeaseLost);
        assert!(
            world
                .list(&world.editor, "Person", "", "name")
                .await
                .is_empty()
        );
    })
    .await;
}
