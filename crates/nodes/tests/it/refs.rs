//! What a delete means for those that refer to the record.

use serde_json::{Value, json};
use testkit::on_both_engines;
use wire::{Code, Options};

use crate::world::{World, id, refused};

#[tokio::test]
async fn refs_restrict_cascade_or_let_go() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let (ann, bob) = (
            world.make("Person", json!({"name": "Ann"})).await,
            world.make("Person", json!({"name": "Bob"})).await,
        );
        let film = world
            .make("Film", json!({"title": "A", "director": ann["id"]}))
            .await;
        let review = world
            .make("Review", json!({"film": film["id"], "text": "x"}))
            .await;
        world
            .make("Award", json!({"name": "Oscar", "person": bob["id"]}))
            .await;
        let delete = async |model: &str, record: &Value| {
            let query = format!("id={}", id(record));
            world
                .call(
                    &world.admin,
                    &format!("{model}.delete"),
                    &query,
                    Value::Null,
                )
                .await
        };
        // Restricted: the award needs its person.
        let problem = delete("Person", &bob).await.unwrap_err();
        assert_eq!(problem.code, Code::ReferenceViolation);
        assert!(
            problem.detail.contains("Award") && problem.detail.contains("person"),
            "{}",
            problem.detail
        );
        // Let go: the film stays without its director, and its version tells of it.
        delete("Person", &ann).await.unwrap();
        let (meta, left) = world
            .call(
                &world.admin,
                "Film.read",
                &format!("id={}", id(&film)),
                Value::Null,
            )
            .await
            .unwrap();
        assert_eq!((meta.version, &left["director"]), (Some(2), &Value::Null));
        // Cascade: the review goes with the film.
        delete("Film", &film).await.unwrap();
        assert_eq!(refused(&delete("Review", &review).await).0, Code::NotFound);
        // A deleted film takes no new refs.
        let input = json!({"film": film["id"], "text": "y"});
        let answered = world
            .call(&world.admin, "Review.create", "", input.clone())
            .await;
        assert_eq!(
            refused(&answered),
            (Code::ReferenceViolation, "/film".to_owned())
        );
        let bulk = world
            .call(&world.admin, "Review.bulk_create", "", json!([input]))
            .await;
        assert_eq!(
            refused(&bulk),
            (Code::ReferenceViolation, "/0/film".to_owned())
        );
    })
    .await;
}

#[tokio::test]
async fn many_at_once_restrict_alike() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let people = json!([{"name": "a"}, {"name": "b"}, {"name": "c"}]);
        let (_, people) = world
            .call(&world.admin, "Person.bulk_create", "", people)
            .await
            .unwrap();
        world
            .make("Award", json!({"name": "x", "person": people[1]["id"]}))
            .await;
        let all = world
            .call(&world.admin, "Person.bulk_delete", "all=true", Value::Null)
            .await;
        assert_eq!(refused(&all).0, Code::ReferenceViolation);
        let (meta, _) = world
            .call(
                &world.admin,
                "Person.bulk_delete",
                "name=neq.b",
                Value::Null,
            )
            .await
            .unwrap();
        assert_eq!(meta.affected, Some(2));
        assert_eq!(world.list(&world.admin, "Person", "", "name").await, ["b"]);
    })
    .await;
}

#[tokio::test]
async fn a_cascade_respects_soft_delete_and_ends() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let ann = world.make("Person", json!({"name": "Ann"})).await;
        let input = json!({"name": "old", "person": ann["id"]});
        let old = world.make("Diary", input).await;
        let delete = async |model: &str, record: &Value| {
            let query = format!("id={}", id(record));
            world
                .call(
                    &world.admin,
                    &format!("{model}.delete"),
                    &query,
                    Value::Null,
                )
                .await
        };
        delete("Diary", &old).await.unwrap();
        let diary = world
            .make("Diary", json!({"name": "new", "person": ann["id"]}))
            .await;
        let first = world.make("Entry", json!({"diary": diary["id"]})).await;
        let input = json!({"diary": diary["id"], "next": first["id"]});
        let second = world.make("Entry", input).await;
        let ring = json!({"next": second["id"]});
        let query = format!("id={}", id(&first));
        world
            .call(&world.admin, "Entry.update", &query, ring)
            .await
            .unwrap();
        delete("Person", &ann).await.unwrap();
        // Both diaries are kept as deleted ones, and point to nobody: their person is gone for good.
        let query = "deleted=only&order=name&select=name,person";
        let (_, diaries) = world
            .call(&world.admin, "Diary.list", query, Value::Null)
            .await
            .unwrap();
        let expected = json!([{"name": "new", "person": null}, {"name": "old", "person": null}]);
        assert_eq!(diaries, expected);
        let entries = world.list(&world.admin, "Entry", "", "id").await;
        assert_eq!(entries, Vec::<Value>::new());
    })
    .await;
}

#[tokio::test]
async fn what_is_brought_back_points_to_nothing_deleted() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let parent = world.make("Diary", json!({"name": "parent"})).await;
        let input = json!({"name": "child", "parent": parent["id"]});
        let child = world.make("Diary", input).await;
        let call = async |verb: &str, record: &Value| {
            let (node, query) = (format!("Diary.{verb}"), format!("id={}", id(record)));
            world.call(&world.admin, &node, &query, Value::Null).await
        };
        call("delete", &child).await.unwrap();
        call("delete", &parent).await.unwrap();
        let (code, pointer) = refused(&call("restore", &child).await);
        assert_eq!((code, &*pointer), (Code::ReferenceViolation, "/parent"));
        let shown = world.list(&world.admin, "Diary", "", "name").await;
        assert!(shown.is_empty(), "{shown:?}");
        call("restore", &parent).await.unwrap();
        let (_, back) = call("restore", &child).await.unwrap();
        assert_eq!(back["parent"], parent["id"]);
    })
    .await;
}

#[tokio::test]
async fn what_goes_with_a_record_counts_as_changed() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let film = world.make("Film", json!({"title": "A"})).await;
        for text in ["x", "y"] {
            world
                .make("Review", json!({"film": film["id"], "text": text}))
                .await;
        }
        let delete = async |most: u64| {
            let options = Options {
                max_affected: Some(most),
                ..Options::default()
            };
            let query = format!("id={}", id(&film));
            let who = &world.admin;
            world
                .call_with(who, "Film.delete", &query, Value::Null, options)
                .await
        };
        assert_eq!(refused(&delete(2).await).0, Code::MaxAffected);
        let left = world.list(&world.admin, "Review", "", "text").await;
        assert_eq!(left.len(), 2);
        let op = |most| {
            json!({"ops": [
                {"node": "Person.create", "input": {"name": "Ann"}},
                {"node": "Film.delete", "input": {"id": film["id"]}, "max_affected": most},
            ]})
        };
        let answered = world.call(&world.admin, "tx", "", op(2)).await;
        assert_eq!(refused(&answered), (Code::MaxAffected, "/ops/1".to_owned()));
        // The film itself is what the answer counts.
        let (meta, _) = delete(3).await.unwrap();
        assert_eq!(meta.affected, Some(1));
        assert!(
            world
                .list(&world.admin, "Review", "", "text")
                .await
                .is_empty()
        );
    })
    .await;
}
