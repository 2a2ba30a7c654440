//! What makes a record, and what does not.

use serde_json::{Value, json};
use testkit::on_both_engines;
use wire::Code;

use crate::world::{World, id, refused};

#[tokio::test]
async fn upserts_make_or_change() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let upsert = async |model: &str, input: Value| {
            world
                .call(&world.editor, &format!("{model}.upsert"), "", input)
                .await
        };
        let (meta, first) = upsert("Person", json!({"values": {"name": "Ann"}}))
            .await
            .unwrap();
        assert!(meta.created);
        let (meta, second) = upsert("Person", json!({"values": {"name": "Ann"}}))
            .await
            .unwrap();
        assert_eq!(
            (meta.created, &second["id"], meta.version),
            (false, &first["id"], Some(2))
        );
        let values = json!({"title": "A", "director": first["id"], "gross": 5});
        upsert(
            "Film",
            json!({"on": ["director", "title"], "values": values}),
        )
        .await
        .unwrap();
        let values = json!({"title": "A", "director": first["id"], "rating": "9"});
        let (_, film) = upsert("Film", json!({"values": values})).await.unwrap();
        assert_eq!(
            (&film["gross"], &film["rating"]),
            (&json!(5), &json!("9")),
            "only what is named changes"
        );
        for (model, input, pointer) in [
            ("Person", json!({}), "/values"),
            ("Person", json!({"values": {}}), "/values/name"),
            (
                "Person",
                json!({"on": ["nam"], "values": {"name": "x"}}),
                "/on",
            ),
            (
                "Person",
                json!({"on": ["name", "bogus"], "values": {"name": "x"}}),
                "/on",
            ),
            ("Person", json!({"of": 1, "values": {"name": "x"}}), "/of"),
            ("Review", json!({"values": {"text": "x"}}), "/on"),
        ] {
            let answered = upsert(model, input.clone()).await;
            assert_eq!(
                refused(&answered),
                (Code::InvalidInput, pointer.to_owned()),
                "{input}"
            );
        }
    })
    .await;
}

/// Even where the record was never changed, and is gone for good.
#[tokio::test]
async fn a_deletion_makes_nothing() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let person = world.make("Person", json!({"name": "Ann"})).await;
        let by_id = format!("id={}", id(&person));
        let deleted = world.call(&world.editor, "Person.delete", &by_id, Value::Null);
        let (meta, gone) = deleted.await.unwrap();
        assert_eq!((meta.created, gone), (false, person));
    })
    .await;
}
