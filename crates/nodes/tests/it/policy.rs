//! What a caller with a row filter and a field list can learn: nothing more than its own.

use serde_json::{Value, json};
use testkit::{Database, on_both_engines};
use wire::{Caller, Code, CountWish, Media, Options};

use crate::world::{World, id, refused};

/// Ann's and Bob's notes, written as admin would read them; `secret` is no field of writers.
struct Notes {
    world: World,
    ann: Caller,
    bob: Caller,
    anns: Value,
    bobs: Value,
}

impl Notes {
    async fn new(database: &Database) -> Self {
        let world = World::new(database).await;
        let (ann, bob) = (
            world.someone(&["writer"], None).await,
            world.someone(&["writer"], None).await,
        );
        let mut made = Vec::new();
        for (who, slug) in [(&ann, "a"), (&bob, "b")] {
            let input = json!({"slug": slug, "title": format!("the {slug}"), "secret": format!("key{slug}"), "rank": 1});
            made.push(world.call(who, "Note.create", "", input).await.unwrap().1);
        }
        let bobs = made.pop().unwrap();
        let anns = made.pop().unwrap();
        Self {
            world,
            ann,
            bob,
            anns,
            bobs,
        }
    }
}

#[tokio::test]
async fn reads_show_own_rows_and_open_fields() {
    on_both_engines(async |database| {
        let notes = Notes::new(&database).await;
        let Notes { world, ann, .. } = &notes;
        let keys: Vec<_> = notes.anns.as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["id", "slug", "title", "rank", "_version"]);
        assert_eq!(world.list(ann, "Note", "", "slug").await, ["a"]);
        assert_eq!(
            world
                .list(ann, "Note", "or=(slug.eq.b,slug.eq.a)", "slug")
                .await,
            ["a"]
        );
        assert_eq!(
            world.list(ann, "Note", "select=*", "secret").await,
            [Value::Null]
        );
        let exact = Options {
            count: CountWish::Exact,
            ..Options::default()
        };
        let (meta, _) = world
            .call_with(ann, "Note.list", "", Value::Null, exact)
            .await
            .unwrap();
        assert_eq!(meta.count.unwrap().records, 1);
        let (_, count) = world
            .call(ann, "Note.count", "", Value::Null)
            .await
            .unwrap();
        assert_eq!(count, json!({"count": 1}));
        let input = json!({"measures": {"n": "count", "top": "max(slug)"}});
        let (_, sums) = world.call(ann, "Note.aggregate", "", input).await.unwrap();
        assert_eq!(sums, json!([{"n": 1, "top": "a"}]));
        for (q, found) in [("the", 1), ("keya", 0), ("keyb", 0)] {
            let (_, records) = world
                .call(ann, "Note.search", "", json!({"q": q}))
                .await
                .unwrap();
            assert_eq!(records.as_array().unwrap().len(), found, "{q}");
        }
        let csv = Options {
            accept: Media::Csv,
            ..Options::default()
        };
        let (_, text) = world
            .raw(ann, "Note.list", "", wire::Body::empty(), csv)
            .await
            .unwrap();
        assert!(!text.contains("secret") && !text.contains("keya"), "{text}");
    })
    .await;
}

/// A hidden field and one that is not there are answered alike, word for word.
#[tokio::test]
async fn a_hidden_field_is_an_unknown_one() {
    on_both_engines(async |database| {
        let Notes { world, ann, .. } = &Notes::new(&database).await;
        for (node, query, input) in [
            ("list", "NAME=eq.keya", Value::Null),
            ("list", "order=NAME", Value::Null),
            ("list", "select=NAME", Value::Null),
            ("list", "or=(NAME.eq.keya,slug.eq.a)", Value::Null),
            ("list", "not.and=(NAME.is.null)", Value::Null),
            ("count", "NAME=like.*k*", Value::Null),
            ("list", "", json!({"where": {"NAME": {"gt": "a"}}})),
            (
                "list",
                "",
                json!({"where": {"not": {"or": [{"NAME": "x"}]}}}),
            ),
            ("list", "", json!({"order": ["NAME.desc"]})),
            (
                "read",
                "",
                json!({"id": "00000000-0000-7000-8000-000000000000", "select": ["NAME"]}),
            ),
            ("aggregate", "", json!({"group": ["NAME"]})),
            ("aggregate", "", json!({"measures": {"x": "max(NAME)"}})),
            ("aggregate", "", json!({"measures": {"x": "count(NAME)"}})),
            ("search", "q=the&NAME=eq.keya", Value::Null),
            ("bulk_update", "NAME=eq.keya", json!({"title": "x"})),
            ("bulk_delete", "NAME=eq.keya", Value::Null),
            ("bulk_delete", "", json!({"where": {"NAME": "keya"}})),
        ] {
            let mut told = Vec::new();
            for name in ["secret", "tcerse"] {
                let input = input.to_string().replace("NAME", name);
                let input = serde_json::from_str(&input).unwrap();
                let answered = world
                    .call(
                        ann,
                        &format!("Note.{node}"),
                        &query.replace("NAME", name),
                        input,
                    )
                    .await;
                let mut problem = answered.expect_err(node);
                problem.trace_id = None;
                told.push(
                    serde_json::to_string(&problem)
                        .unwrap()
                        .replace(name, "NAME"),
                );
            }
            assert_eq!(told[0], told[1], "{node} {query} {input}");
        }
    })
    .await;
}

#[tokio::test]
async fn others_records_are_not_there() {
    on_both_engines(async |database| {
        let Notes {
            world,
            ann,
            bob,
            bobs,
            anns,
        } = &Notes::new(&database).await;
        let query = format!("id={}", id(bobs));
        for (node, input) in [
            ("read", Value::Null),
            ("update", json!({"title": "x"})),
            ("replace", json!({"title": "x"})),
            ("delete", Value::Null),
        ] {
            let answered = world
                .call(ann, &format!("Note.{node}"), &query, input)
                .await;
            assert_eq!(refused(&answered).0, Code::NotFound, "{node}");
        }
        let (meta, _) = world
            .call(ann, "Note.bulk_update", "slug=eq.b", json!({"title": "x"}))
            .await
            .unwrap();
        assert_eq!(meta.affected, Some(0));
        let (meta, _) = world
            .call(ann, "Note.bulk_delete", "", json!({"ids": [id(bobs)]}))
            .await
            .unwrap();
        assert_eq!(meta.affected, Some(0));
        for input in [
            json!({"ops": [{"op": "update", "id": id(bobs), "values": {"title": "x"}}]}),
            json!({"ops": [{"op": "delete", "id": id(bobs)}]}),
        ] {
            let answered = world.call(ann, "Note.bulk", "", input.clone()).await;
            assert_eq!(
                refused(&answered),
                (Code::NotFound, "/ops/0".to_owned()),
                "{input}"
            );
        }
        let tx = json!({"ops": [{"node": "Note.read", "input": {"id": id(bobs)}}]});
        assert_eq!(
            refused(&world.call(ann, "tx", "", tx).await).0,
            Code::NotFound
        );
        // A unique value is known to be taken, and nothing else.
        for node in ["create", "upsert"] {
            let values = json!({"slug": "b", "rank": 1});
            let input = if node == "create" {
                values
            } else {
                json!({"values": values})
            };
            let answered = world.call(ann, &format!("Note.{node}"), "", input).await;
            assert_eq!(
                refused(&answered),
                (
                    Code::UniqueViolation,
                    if node == "create" {
                        "/slug"
                    } else {
                        "/values/slug"
                    }
                    .to_owned()
                )
            );
            assert!(!format!("{answered:?}").contains(&id(bobs)));
        }
        // The id of another's record cannot be taken over either.
        let values = json!({"id": id(bobs), "slug": "c", "rank": 1});
        let answered = world
            .call(
                ann,
                "Note.upsert",
                "",
                json!({"on": ["id"], "values": values}),
            )
            .await;
        assert_eq!(refused(&answered).0, Code::UniqueViolation);
        let (_, still) = world
            .call(bob, "Note.read", &query, Value::Null)
            .await
            .unwrap();
        assert_eq!(
            (&still["title"], &still["_version"]),
            (&json!("the b"), &json!(1))
        );
        let own = format!("id={}", id(anns));
        world
            .call(ann, "Note.update", &own, json!({"title": "x"}))
            .await
            .unwrap();
    })
    .await;
}

/// `rank: { lt: 10 }` holds before a change and after it.
#[tokio::test]
async fn a_change_may_not_lead_out_of_what_is_allowed() {
    on_both_engines(async |database| {
        let Notes {
            world, ann, anns, ..
        } = &Notes::new(&database).await;
        let own = format!("id={}", id(anns));
        for (node, query, input) in [
            ("create", "", json!({"slug": "x", "rank": 10})),
            ("create", "", json!({"slug": "x"})),
            ("bulk_create", "", json!([{"slug": "x", "rank": 10}])),
            ("update", own.as_str(), json!({"rank": 10})),
            ("update", own.as_str(), json!({"rank": null})),
            ("replace", own.as_str(), json!({"slug": "a"})),
            ("upsert", "", json!({"values": {"slug": "a", "rank": 11}})),
            (
                "bulk",
                "",
                json!({"ops": [{"op": "update", "id": id(anns), "values": {"rank": 10}}]}),
            ),
        ] {
            let answered = world
                .call(ann, &format!("Note.{node}"), query, input.clone())
                .await;
            assert_eq!(refused(&answered).0, Code::Forbidden, "{node} {input}");
        }
        let (meta, _) = world
            .call(ann, "Note.bulk_update", "slug=eq.a", json!({"rank": 10}))
            .await
            .unwrap();
        assert_eq!(meta.affected, Some(0));
        world
            .call(ann, "Note.update", &own, json!({"rank": 9}))
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn without_a_right_nothing_happens() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let known = world.someone(&["other"], None).await;
        let dropper = world.someone(&["dropper"], None).await;
        let any = "id=00000000-0000-7000-8000-000000000000";
        for (node, query, input) in [
            ("Review.list", "", Value::Null),
            ("Review.read", any, Value::Null),
            ("Review.count", "", Value::Null),
            ("Review.aggregate", "", json!({})),
            ("Review.create", "", json!({"nonsense": 1})),
            ("Review.bulk_create", "", json!([])),
            ("Person.create", "", json!({"name": "x"})),
            ("Person.update", any, json!({"name": "x"})),
            ("Person.upsert", "", json!({"values": {"name": "x"}})),
            ("Person.bulk_delete", "all=true", Value::Null),
            (
                "Person.bulk",
                "",
                json!({"ops": [{"op": "create", "values": {"name": "x"}}]}),
            ),
            (
                "tx",
                "",
                json!({"ops": [{"node": "Person.create", "input": {"name": "x"}}]}),
            ),
            ("key.list", "", Value::Null),
            ("key.create", "", json!({})),
        ] {
            let answered = world
                .call(&Caller::Anonymous, node, query, input.clone())
                .await;
            assert_eq!(refused(&answered).0, Code::Unauthenticated, "{node}");
            let answered = world.call(&known, node, query, input).await;
            assert_eq!(refused(&answered).0, Code::Forbidden, "{node}");
        }
        // Who may make and not look gets no more than the id.
        let (_, made) = world
            .call(&dropper, "Note.create", "", json!({"secret": "x"}))
            .await
            .unwrap();
        assert_eq!(made.as_object().unwrap().len(), 2);
        // Embedding what may not be read shows no more than reading it.
        let embed = world
            .call(
                &Caller::Anonymous,
                "Award.list",
                "select=person(name)",
                Value::Null,
            )
            .await;
        assert!(embed.is_ok());
        let hidden = world
            .call(&known, "Note.list", "select=person(name)", Value::Null)
            .await;
        assert_eq!(refused(&hidden).0, Code::Forbidden);
    })
    .await;
}

#[tokio::test]
async fn tenants_do_not_meet() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let (acme, umbra) = (
            world.someone(&["member"], Some("acme")).await,
            world.someone(&["member"], Some("umbra")).await,
        );
        let homeless = world.someone(&["member"], None).await;
        let (_, ticket) = world
            .call(&acme, "Ticket.create", "", json!({"title": "a"}))
            .await
            .unwrap();
        assert_eq!(ticket["tenant"], "acme");
        assert_eq!(world.list(&acme, "Ticket", "", "title").await, ["a"]);
        assert_eq!(world.list(&world.admin, "Ticket", "", "title").await, ["a"]);
        assert_eq!(
            world.list(&umbra, "Ticket", "", "title").await,
            Vec::<Value>::new()
        );
        let query = format!("id={}", id(&ticket));
        for node in ["read", "delete", "update"] {
            let input = if node == "update" {
                json!({"title": "x"})
            } else {
                Value::Null
            };
            let answered = world
                .call(&umbra, &format!("Ticket.{node}"), &query, input)
                .await;
            assert_eq!(refused(&answered).0, Code::NotFound, "{node}");
        }
        let child = json!({"title": "b", "parent": ticket["id"]});
        let answered = world.call(&umbra, "Ticket.create", "", child.clone()).await;
        assert_eq!(
            refused(&answered),
            (Code::ReferenceViolation, "/parent".to_owned())
        );
        world.call(&acme, "Ticket.create", "", child).await.unwrap();
        let chosen = world
            .call(
                &acme,
                "Ticket.create",
                "",
                json!({"title": "x", "tenant": "umbra"}),
            )
            .await;
        assert_eq!(refused(&chosen), (Code::InvalidInput, "/tenant".to_owned()));
        for who in [&world.admin, &homeless] {
            let answered = world
                .call(who, "Ticket.create", "", json!({"title": "x"}))
                .await;
            assert_eq!(refused(&answered).0, Code::Forbidden);
        }
    })
    .await;
}

#[tokio::test]
async fn csv_tells_strangers_nothing_of_fields() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let send = async |who: &Caller, text: &'static str| {
            let body = wire::Body {
                media: Media::Csv,
                content: wire::Content::Whole(text.into()),
            };
            let answered = world
                .raw(who, "Film.bulk_create", "", body, Options::default())
                .await;
            answered.unwrap_err().code
        };
        for text in ["gross\r\nx\r\n", "nonsense\r\nx\r\n", "\"open"] {
            assert_eq!(send(&Caller::Anonymous, text).await, Code::Unauthenticated);
        }
        assert_eq!(
            send(&world.editor, "gross\r\nx\r\n").await,
            Code::InvalidInput
        );
    })
    .await;
}
