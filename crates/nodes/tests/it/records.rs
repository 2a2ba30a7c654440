//! One record: made, read, changed, deleted, restored.

use serde_json::{Value, json};
use testkit::on_both_engines;
use wire::{Caller, Code, IfVersion, Options, Reply};

use crate::world::{World, id, refused};

const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

#[tokio::test]
async fn a_record_lives() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let editor = &world.editor;
        let input = json!({"title": "A", "gross": 9_007_199_254_740_993_i64, "rating": "7.50", "tags": ["x"]});
        let (meta, film) = world.call(editor, "Film.create", "", input).await.unwrap();
        assert!(meta.created);
        assert_eq!((meta.version, meta.id.unwrap().to_string()), (Some(1), id(&film)));
        let keys: Vec<_> = film.as_object().unwrap().keys().map(String::as_str).collect();
        let expected = [
            "id", "title", "gross", "rating", "tags", "extra", "director", "created_at", "updated_at", "created_by",
            "_version", "deleted_at",
        ];
        assert_eq!(keys, expected);
        assert_eq!(film["rating"], "7.50");
        assert_eq!(film["gross"], json!(9_007_199_254_740_993_i64));
        let by_id = format!("id={}", id(&film));
        let (_, read) = world.call(&Caller::Anonymous, "Film.read", &by_id, Value::Null).await.unwrap();
        assert_eq!(read, film);
        let (meta, changed) = world.call(editor, "Film.update", &by_id, json!({"gross": 1})).await.unwrap();
        assert_eq!((meta.version, &changed["gross"], &changed["title"]), (Some(2), &json!(1), &json!("A")));
        let (_, replaced) = world.call(editor, "Film.replace", &by_id, json!({"title": "B"})).await.unwrap();
        assert_eq!((&replaced["gross"], &replaced["rating"]), (&Value::Null, &json!("5.0")));
        let (_, gone) = world.call(editor, "Film.delete", &by_id, Value::Null).await.unwrap();
        assert!(gone["deleted_at"].is_string());
        for (node, input) in [("read", Value::Null), ("update", json!({"gross": 1})), ("delete", Value::Null)] {
            let answered = world.call(editor, &format!("Film.{node}"), &by_id, input).await;
            assert_eq!(refused(&answered).0, Code::NotFound, "{node}");
        }
        let deleted = format!("{by_id}&deleted=only");
        world.call(editor, "Film.read", &deleted, Value::Null).await.unwrap();
        let (_, back) = world.call(editor, "Film.restore", &by_id, Value::Null).await.unwrap();
        assert_eq!(back["deleted_at"], Value::Null);
        let again = world.call(editor, "Film.restore", &by_id, Value::Null).await;
        assert_eq!(refused(&again).0, Code::NotFound);
    })
    .await;
}

#[tokio::test]
async fn mistakes_are_told_all_at_once_where_they_are() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let film = world.make("Film", json!({"title": "A"})).await;
        let own = format!("id={}", id(&film));
        for (node, query, input, code, pointers) in [
            ("create", "", json!({}), Code::InvalidInput, vec!["/title"]),
            (
                "create",
                "",
                json!({"title": null}),
                Code::InvalidInput,
                vec!["/title"],
            ),
            (
                "create",
                "",
                json!({"title": 1, "gross": -1, "x": 1}),
                Code::InvalidInput,
                vec!["/title", "/gross", "/x"],
            ),
            (
                "create",
                "",
                json!({"title": "x", "id": "1"}),
                Code::InvalidInput,
                vec!["/id"],
            ),
            (
                "create",
                "",
                json!({"title": "x", "_version": 3}),
                Code::InvalidInput,
                vec!["/_version"],
            ),
            ("create", "", json!([1]), Code::InvalidInput, vec![""]),
            (
                "create",
                "titel=x",
                json!({"title": "x"}),
                Code::InvalidQuery,
                vec!["?titel"],
            ),
            (
                "create",
                "",
                json!({"title": "x", "director": NOBODY}),
                Code::ReferenceViolation,
                vec!["/director"],
            ),
            (
                "update",
                own.as_str(),
                json!({"id": NOBODY}),
                Code::InvalidInput,
                vec!["/id"],
            ),
            (
                "update",
                own.as_str(),
                json!({"title": null}),
                Code::InvalidInput,
                vec!["/title"],
            ),
            (
                "update",
                own.as_str(),
                json!({"created_at": null}),
                Code::InvalidInput,
                vec!["/created_at"],
            ),
            ("update", "id=1", json!({}), Code::InvalidQuery, vec!["?id"]),
            (
                "update",
                "",
                json!({"title": "x"}),
                Code::InvalidInput,
                vec!["/id"],
            ),
            (
                "replace",
                own.as_str(),
                json!({"gross": 1}),
                Code::InvalidInput,
                vec!["/title"],
            ),
            ("read", "", json!({"id": NOBODY}), Code::NotFound, vec![]),
            (
                "read",
                own.as_str(),
                json!({"select": ["none"]}),
                Code::InvalidInput,
                vec!["/select"],
            ),
            (
                "read",
                "id=1&id=2",
                Value::Null,
                Code::InvalidQuery,
                vec!["?id"],
            ),
            (
                "delete",
                own.as_str(),
                json!({"x": 1}),
                Code::InvalidInput,
                vec!["/x"],
            ),
        ] {
            let answered = world
                .call(&world.editor, &format!("Film.{node}"), query, input.clone())
                .await;
            let (found, _) = refused(&answered);
            let problem = answered.unwrap_err();
            let told: Vec<_> = problem
                .errors
                .iter()
                .map(|fault| fault.pointer.as_str())
                .collect();
            assert_eq!(
                (found, told),
                (code, pointers),
                "{node} {query} {input} {problem:?}"
            );
        }
        let unknown = world
            .call(&world.editor, "Film.creat", "", Value::Null)
            .await;
        assert_eq!(refused(&unknown).0, Code::NoSuchNode);
        for body in ["{", "{\"a\":1,\"a\":2}", &"[".repeat(100), "\u{1}"] {
            let body = wire::Body::json(body.to_owned());
            let answered = world
                .raw(&world.editor, "Film.create", "", body, Options::default())
                .await;
            assert_eq!(answered.unwrap_err().code, Code::MalformedBody);
        }
    })
    .await;
}

#[tokio::test]
async fn versions_guard_changes() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let (film, page) = (
            world.make("Film", json!({"title": "A"})).await,
            world.make("Page", json!({})).await,
        );
        let only = |version| Options {
            if_version: Some(IfVersion::OneOf(vec![version])),
            ..Options::default()
        };
        let query = format!("id={}", id(&film));
        let call = |node: &'static str, options| {
            let input = if node == "Film.delete" {
                Value::Null
            } else {
                json!({"title": "B"})
            };
            world.call_with(&world.editor, node, &query, input, options)
        };
        for node in ["Film.update", "Film.replace", "Film.delete"] {
            let problem = call(node, only(7)).await.unwrap_err();
            assert_eq!(
                (problem.code, problem.current_version),
                (Code::VersionMismatch, Some(1)),
                "{node}"
            );
        }
        call("Film.update", only(1)).await.unwrap();
        call(
            "Film.update",
            Options {
                if_version: Some(IfVersion::Any),
                ..Options::default()
            },
        )
        .await
        .unwrap();
        let query = format!("id={}", id(&page));
        let bare = world
            .call(&world.editor, "Page.update", &query, json!({"body": "x"}))
            .await;
        assert_eq!(refused(&bare).0, Code::PreconditionRequired);
        world
            .call_with(
                &world.editor,
                "Page.update",
                &query,
                json!({"body": "x"}),
                only(1),
            )
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn dry_runs_minimal_answers_and_bounds() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let dry = Options {
            dry_run: true,
            ..Options::default()
        };
        let (meta, film) = world
            .call_with(&world.editor, "Film.create", "", json!({"title": "A"}), dry)
            .await
            .unwrap();
        assert!(meta.rolled_back && film["title"] == "A");
        assert_eq!(
            world.list(&world.editor, "Film", "", "title").await,
            Vec::<Value>::new()
        );
        let minimal = Options {
            reply: Reply::Minimal,
            ..Options::default()
        };
        let (meta, body) = world
            .call_with(
                &world.editor,
                "Film.create",
                "",
                json!({"title": "A"}),
                minimal,
            )
            .await
            .unwrap();
        assert_eq!((meta.version, body), (Some(1), Value::Null));
        let none = Options {
            max_affected: Some(0),
            ..Options::default()
        };
        let over = world
            .call_with(
                &world.editor,
                "Film.create",
                "",
                json!({"title": "B"}),
                none,
            )
            .await;
        assert_eq!(refused(&over).0, Code::MaxAffected);
        assert_eq!(world.list(&world.editor, "Film", "", "title").await, ["A"]);
    })
    .await;
}

#[tokio::test]
async fn concurrent_upserts_make_one() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let one = || {
            world.call(
                &world.editor,
                "Person.upsert",
                "",
                json!({"values": {"name": "Ann"}}),
            )
        };
        let all = futures_util::future::join_all((0..16).map(|_| one())).await;
        let created = all
            .iter()
            .filter(|answered| answered.as_ref().unwrap().0.created);
        assert_eq!(created.count(), 1);
        let versions = world.list(&world.editor, "Person", "", "_version").await;
        assert_eq!(versions, [16]);
    })
    .await;
}

#[tokio::test]
async fn uniques_hold_among_live_records_only() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let ann = world.make("Person", json!({"name": "Ann"})).await;
        let film = json!({"title": "A", "director": ann["id"]});
        let first = world.make("Film", film.clone()).await;
        let twice = world
            .call(&world.editor, "Film.create", "", film.clone())
            .await;
        assert_eq!(
            refused(&twice),
            (Code::UniqueViolation, "/title".to_owned())
        );
        let query = format!("id={}", id(&first));
        world
            .call(&world.editor, "Film.delete", &query, Value::Null)
            .await
            .unwrap();
        world.make("Film", film).await;
        let back = world
            .call(&world.editor, "Film.restore", &query, Value::Null)
            .await;
        assert_eq!(refused(&back).0, Code::UniqueViolation);
    })
    .await;
}
