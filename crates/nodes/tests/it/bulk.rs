//! Many records in one call, and calls of several models together.

use serde_json::{Value, json};
use testkit::on_both_engines;
use wire::{Body, Code, Content, Media, Options};

use crate::world::{World, id, refused};

const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

#[tokio::test]
async fn many_are_made_in_their_order() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let names: Vec<_> = (0..1200)
            .map(|n| json!({"name": format!("p{n}")}))
            .collect();
        let (meta, made) = world
            .call(&world.editor, "Person.bulk_create", "", json!(names))
            .await
            .unwrap();
        assert!(meta.created);
        assert_eq!(meta.affected, Some(1200));
        let made: Vec<_> = made
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["name"].clone())
            .collect();
        let asked: Vec<_> = names.iter().map(|one| one["name"].clone()).collect();
        assert_eq!(made, asked);
        let (_, count) = world
            .call(&world.editor, "Person.count", "", Value::Null)
            .await
            .unwrap();
        assert_eq!(count["count"], 1200);
    })
    .await;
}

#[tokio::test]
async fn all_or_nothing_says_which_one() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        world.make("Person", json!({"name": "Ann"})).await;
        for (node, input, code, pointers) in [
            ("Person.bulk_create", json!([{"name": "x"}, {"name": "Ann"}]), Code::UniqueViolation, vec!["/1/name"]),
            ("Person.bulk_create", json!({"records": [{"name": "x"}, {}, {"nam": 1}]}), Code::InvalidInput, vec!["/records/1/name", "/records/2/nam"]),
            ("Person.bulk_create", json!({"records": [], "atomi": true}), Code::InvalidInput, vec!["/atomi"]),
            ("Person.bulk_create", json!("x"), Code::InvalidInput, vec![""]),
            ("Person.bulk_create", json!([1]), Code::InvalidInput, vec!["/0"]),
            ("Award.bulk_create", json!([{"name": "x", "person": NOBODY}]), Code::ReferenceViolation, vec!["/0/person"]),
            ("Person.bulk_upsert", json!({"on": ["name"], "records": [{"name": "y"}, {"name": 1}]}), Code::InvalidInput, vec!["/records/1/name"]),
            ("Person.bulk_update", json!({"records": [{"id": NOBODY, "name": "y"}]}), Code::NotFound, vec!["/records/0"]),
            ("Person.bulk_update", json!({"records": [{"name": "y"}]}), Code::InvalidInput, vec!["/records/0/id"]),
            ("Person.bulk_delete", json!({"ids": ["x"]}), Code::InvalidInput, vec!["/ids/0"]),
            ("Person.bulk", json!({"ops": [{"op": "create", "values": {"name": "z"}}, {"op": "create", "values": {"name": "Ann"}}]}), Code::UniqueViolation, vec!["/ops/1/values/name"]),
            ("Person.bulk", json!({"ops": [{"op": "creat"}]}), Code::InvalidInput, vec!["/ops/0/op"]),
            ("Person.bulk", json!({"ops": [{"op": "delete", "values": {}}]}), Code::InvalidInput, vec!["/ops/0/values"]),
            ("Person.bulk", json!({"ops": [{"op": "update", "id": 1, "values": {}}]}), Code::InvalidInput, vec!["/ops/0/id"]),
            ("Person.bulk", json!({}), Code::InvalidInput, vec!["/ops"]),
        ] {
            let answered = world.call(&world.admin, node, "", input.clone()).await;
            assert_eq!(refused(&answered).0, code, "{node} {input} {answered:?}");
            let problem = answered.unwrap_err();
            let told: Vec<_> = problem.errors.iter().map(|fault| fault.pointer.as_str()).collect();
            assert_eq!(told, pointers, "{node} {input}");
        }
        assert_eq!(world.list(&world.editor, "Person", "", "name").await, ["Ann"]);
    })
    .await;
}

#[tokio::test]
async fn each_by_itself_has_its_own_result() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let ann = world.make("Person", json!({"name": "Ann"})).await;
        let ops = json!({"atomic": false, "ops": [
            {"op": "create", "values": {"name": "Bob"}},
            {"op": "create", "values": {"name": "Ann"}},
            {"op": "update", "id": id(&ann), "values": {"name": "Anna"}, "if_version": 2},
            {"op": "update", "id": id(&ann), "values": {"name": "Anna"}, "if_version": 1},
            {"op": "upsert", "values": {"name": "Bob"}},
            {"op": "delete", "id": NOBODY},
            {"op": "create", "values": {}},
        ]});
        let (meta, answer) = world
            .call(&world.editor, "Person.bulk", "", ops)
            .await
            .unwrap();
        let statuses: Vec<_> = answer["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["status"].as_u64().unwrap())
            .collect();
        assert_eq!(statuses, [201, 409, 412, 200, 200, 404, 422]);
        assert_eq!((meta.affected, &answer["changed"]), (Some(3), &json!(3)));
        assert_eq!(answer["results"][2]["problem"]["current_version"], 1);
        assert_eq!(
            answer["results"][6]["problem"]["errors"][0]["pointer"],
            "/ops/6/values/name"
        );
        assert_eq!(
            world
                .list(&world.editor, "Person", "order=name", "name")
                .await,
            ["Anna", "Bob"]
        );
        let records = json!({"atomic": false, "records": [{"name": "Cy"}, {"name": "Bob"}]});
        let (_, answer) = world
            .call(&world.editor, "Person.bulk_create", "", records)
            .await
            .unwrap();
        assert_eq!(answer["changed"], 1);
    })
    .await;
}

#[tokio::test]
async fn collections_change_by_filter_only() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        for (title, gross) in [("A", 1), ("B", 2), ("C", 3)] {
            world
                .make("Film", json!({"title": title, "gross": gross}))
                .await;
        }
        for (node, query, input) in [
            ("bulk_update", "", json!({"gross": 9})),
            ("bulk_update", "", json!({"values": {"gross": 9}})),
            (
                "bulk_update",
                "",
                json!({"where": {}, "values": {"gross": 9}}),
            ),
            ("bulk_update", "all=false", json!({"gross": 9})),
            ("bulk_delete", "", Value::Null),
            ("bulk_delete", "", json!({"where": {}})),
        ] {
            let answered = world
                .call(&world.editor, &format!("Film.{node}"), query, input.clone())
                .await;
            assert_eq!(
                refused(&answered).0,
                Code::Unfiltered,
                "{node} {query} {input}"
            );
        }
        let most = Options {
            max_affected: Some(1),
            ..Options::default()
        };
        for (node, input) in [
            ("bulk_update", json!({"gross": 9})),
            ("bulk_delete", Value::Null),
        ] {
            let answered = world
                .call_with(
                    &world.editor,
                    &format!("Film.{node}"),
                    "gross=gt.1",
                    input,
                    most.clone(),
                )
                .await;
            assert_eq!(refused(&answered).0, Code::MaxAffected);
        }
        assert_eq!(
            world
                .list(&world.editor, "Film", "order=title", "gross")
                .await,
            [1, 2, 3]
        );
        let (meta, changed) = world
            .call(
                &world.editor,
                "Film.bulk_update",
                "gross=gt.1",
                json!({"gross": 9}),
            )
            .await
            .unwrap();
        assert_eq!(
            (meta.affected, changed.as_array().unwrap().len()),
            (Some(2), 2)
        );
        let input = json!({"where": {"gross": 9}, "values": {"gross": 8}});
        let (meta, _) = world
            .call(&world.editor, "Film.bulk_update", "", input)
            .await
            .unwrap();
        assert_eq!(meta.affected, Some(2));
        let (meta, _) = world
            .call(&world.editor, "Film.bulk_delete", "all=true", Value::Null)
            .await
            .unwrap();
        assert_eq!(meta.affected, Some(3));
    })
    .await;
}

#[tokio::test]
async fn csv_and_json_lines_come_in() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let send = async |node: &str, query: &str, media, text: &'static str| {
            let body = Body { media, content: Content::Whole(text.into()) };
            world.raw(&world.editor, node, query, body, Options::default()).await
        };
        send("Film.bulk_create", "", Media::Csv, "title,gross,rating,tags\r\n\"A, \"\"1\"\"\",5,7.50,\"[\"\"x\"\"]\"\r\nB,,,\r\n").await.unwrap();
        let (_, films) = world.call(&world.editor, "Film.list", "order=title&select=title,gross,rating,tags", Value::Null).await.unwrap();
        assert_eq!(films, json!([{"title": "A, \"1\"", "gross": 5, "rating": "7.50", "tags": ["x"]}, {"title": "B", "gross": null, "rating": null, "tags": null}]));
        let (meta, _) = send("Person.bulk_upsert", "on=name", Media::JsonLines, "{\"name\":\"a\"}\n\n{\"name\":\"a\"}\n").await.unwrap();
        assert_eq!(meta.affected, Some(2));
        for (node, media, text, code) in [
            ("Film.bulk_create", Media::Csv, "title,gross\r\nA,x\r\n", Code::InvalidInput),
            ("Film.bulk_create", Media::Csv, "title\r\n\"A", Code::MalformedBody),
            ("Film.bulk_create", Media::JsonLines, "{\"title\":\"A\"}\n{", Code::MalformedBody),
            ("Film.create", Media::Csv, "title\r\nA", Code::UnsupportedMedia),
        ] {
            assert_eq!(send(node, "", media, text).await.unwrap_err().code, code, "{text}");
        }
        let csv = Options { accept: Media::Csv, ..Options::default() };
        let answered = world.call_with(&world.editor, "Film.count", "", Value::Null, csv).await;
        assert_eq!(refused(&answered).0, Code::NotAcceptable);
    })
    .await;
}

#[tokio::test]
async fn transactions_refer_to_what_they_made() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let tx = async |ops: Value| world.call(&world.editor, "tx", "", json!({"ops": ops})).await;
        let (meta, answer) = tx(json!([
            {"node": "Person.create", "as": "p", "input": {"name": "Ann"}},
            {"node": "Film.create", "as": "f", "input": {"title": "A", "director": {"$ref": "p.id"}, "rating": "7.50"}},
            {"node": "Film.update", "input": {"id": {"$ref": "f.id"}, "title": {"$ref": "p.name"}}, "if_version": 1},
            {"node": "Film.list", "input": {"where": {"director": {"eq": {"$ref": "p.id"}}}}},
        ]))
        .await
        .unwrap();
        assert_eq!(meta.affected, Some(3));
        assert_eq!(answer["results"][3]["record"][0]["title"], "Ann");
        assert_eq!(answer["results"][1]["record"]["rating"], "7.50");
        let film = answer["results"][1]["record"]["id"].clone();
        for (ops, code, pointer) in [
            (json!([{"node": "Person.create", "input": {"name": "x"}}, {"node": "Film.create", "input": {"title": {"$ref": "p.id"}}}]), Code::InvalidInput, "/ops/1/input/title"),
            (json!([{"node": "Person.create", "input": {"name": "x"}}, {"node": "Person.create", "input": {"name": "Ann"}}]), Code::UniqueViolation, "/ops/1/input/name"),
            (json!([{"node": "Person.create", "input": {"name": "x"}}, {"node": "Film.update", "input": {"id": film, "title": "x"}, "if_version": 1}]), Code::VersionMismatch, "/ops/1/input"),
            (json!([{"node": "Film.bulk_update", "input": {"all": true, "values": {"gross": 1}}, "max_affected": 0}]), Code::MaxAffected, "/ops/0"),
            (json!([{"node": "tx", "input": {}}]), Code::InvalidInput, "/ops/0/node"),
            (json!([{"node": "key.list"}]), Code::InvalidInput, "/ops/0/node"),
            (json!([{"node": "Film.bulk", "input": {}}]), Code::InvalidInput, "/ops/0/node"),
            (json!([{"nod": "Film.list"}]), Code::InvalidInput, "/ops/0/nod"),
            (json!([{"node": "Award.create", "input": {}}]), Code::Forbidden, "/ops/0/input"),
            (json!({}), Code::InvalidInput, "/ops"),
        ] {
            assert_eq!(refused(&tx(ops.clone()).await), (code, pointer.to_owned()), "{ops}");
        }
        assert_eq!(world.list(&world.editor, "Person", "", "name").await, ["Ann"]);
    })
    .await;
}

#[tokio::test]
async fn too_many_are_refused() {
    on_both_engines(async |database| {
        let limits = model::Limits {
            bulk: 2,
            body_bytes: 200,
            ..model::Limits::default()
        };
        let world = World::with(&database, limits).await;
        let three = json!([{"name": "a"}, {"name": "b"}, {"name": "c"}]);
        for (node, input) in [
            ("Person.bulk_create", three.clone()),
            (
                "Person.bulk_upsert",
                json!({"on": ["name"], "records": three}),
            ),
            ("Person.bulk_delete", json!({"ids": [1, 2, 3]})),
            ("tx", json!({"ops": [1, 2, 3]})),
            ("Person.bulk", json!({"ops": [1, 2, 3]})),
        ] {
            let answered = world.call(&world.editor, node, "", input).await;
            assert_eq!(refused(&answered).0, Code::LimitExceeded, "{node}");
        }
        let long = world
            .call(
                &world.editor,
                "Person.create",
                "",
                json!({"name": "x".repeat(200)}),
            )
            .await;
        assert_eq!(refused(&long).0, Code::PayloadTooLarge);
    })
    .await;
}
