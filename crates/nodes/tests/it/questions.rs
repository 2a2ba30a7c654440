//! Lists: filters, orders, pages, counts, searches, aggregates.

use serde_json::{Value, json};
use testkit::on_both_engines;
use wire::{Caller, Code, CountWish, Media, Options};

use crate::world::{World, refused};

pub(crate) async fn films(world: &World) {
    let ann = world.make("Person", json!({"name": "Ann"})).await;
    for (title, gross, rating) in [
        ("A", json!(3), "7.5"),
        ("B", json!(1), "7.50"),
        ("C", Value::Null, "2"),
        ("D", json!(2), "10"),
    ] {
        let director = if title < "C" {
            ann["id"].clone()
        } else {
            Value::Null
        };
        world
            .make(
                "Film",
                json!({"title": title, "gross": gross, "rating": rating, "director": director}),
            )
            .await;
    }
}

#[tokio::test]
async fn lists_answer_what_was_asked() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        films(&world).await;
        for (query, titles) in [
            ("order=title", vec!["A", "B", "C", "D"]),
            ("order=gross", vec!["B", "D", "A", "C"]),
            ("order=gross.desc", vec!["C", "A", "D", "B"]),
            ("order=gross.desc.nullslast,title", vec!["A", "D", "B", "C"]),
            ("rating=eq.7.5&order=title", vec!["A", "B"]),
            ("gross=in.()", vec![]),
            ("or=(gross.gt.2,gross.is.null)&order=title", vec!["A", "C"]),
            ("title=not.in.(A,B)&order=title", vec!["C", "D"]),
            ("limit=0", vec![]),
            ("order=title&limit=2&offset=1", vec!["B", "C"]),
        ] {
            assert_eq!(world.list(&Caller::Anonymous, "Film", query, "title").await, titles, "{query}");
        }
        let body = json!({"where": {"gross": {"gte": 2}}, "order": ["title.desc"], "select": ["title", "director(name)"], "limit": 10});
        let (meta, list) = world.call(&Caller::Anonymous, "Film.list", "", body).await.unwrap();
        assert_eq!(list, json!([{"title": "D", "director": null}, {"title": "A", "director": {"name": "Ann"}}]));
        assert_eq!(meta.rows, Some(2));
        let csv = Options { accept: Media::Csv, ..Options::default() };
        let (_, text) = world.raw(&Caller::Anonymous, "Film.list", "select=title,gross&order=title", wire::Body::empty(), csv).await.unwrap();
        assert_eq!(text, "title,gross\r\nA,3\r\nB,1\r\nC,\r\nD,2\r\n");
    })
    .await;
}

#[tokio::test]
async fn bad_questions_are_told() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        for (node, query, body, code, pointer) in [
            (
                "list",
                "gros=eq.1",
                Value::Null,
                Code::InvalidQuery,
                "?gros",
            ),
            ("list", "gross=1", Value::Null, Code::InvalidQuery, "?gross"),
            (
                "list",
                "gross=eq.99999999999999999999",
                Value::Null,
                Code::InvalidQuery,
                "?gross",
            ),
            (
                "list",
                "rating=eq.NaN",
                Value::Null,
                Code::InvalidQuery,
                "?rating",
            ),
            ("list", "or=(a", Value::Null, Code::InvalidQuery, "?or"),
            ("list", "order=x", Value::Null, Code::InvalidQuery, "?order"),
            (
                "list",
                "order=extra",
                Value::Null,
                Code::InvalidQuery,
                "?order",
            ),
            ("list", "limit=x", Value::Null, Code::InvalidQuery, "?limit"),
            (
                "list",
                "limit=-1",
                Value::Null,
                Code::InvalidQuery,
                "?limit",
            ),
            (
                "list",
                "limit=1&limit=2",
                Value::Null,
                Code::InvalidQuery,
                "?limit",
            ),
            ("list", "limit=1001", Value::Null, Code::LimitExceeded, ""),
            ("list", "offset=10001", Value::Null, Code::LimitExceeded, ""),
            (
                "list",
                "offset=99999999999999999999999",
                Value::Null,
                Code::LimitExceeded,
                "",
            ),
            (
                "list",
                "deleted=yes",
                Value::Null,
                Code::InvalidQuery,
                "?deleted",
            ),
            ("list", "all=true", Value::Null, Code::InvalidQuery, "?all"),
            (
                "list",
                "cursor=x&offset=1",
                Value::Null,
                Code::InvalidQuery,
                "?offset",
            ),
            ("list", "cursor=x", Value::Null, Code::InvalidCursor, ""),
            (
                "list",
                "",
                json!({"where": {"gros": 1}}),
                Code::InvalidInput,
                "/where/gros",
            ),
            ("list", "", json!({"wher": {}}), Code::InvalidInput, "/wher"),
            (
                "list",
                "limit=1",
                json!({"limit": 1}),
                Code::InvalidInput,
                "/limit",
            ),
            (
                "list",
                "",
                json!({"limit": "1"}),
                Code::InvalidInput,
                "/limit",
            ),
            ("list", "", json!({"limit": 1001}), Code::LimitExceeded, ""),
            (
                "list",
                "",
                json!({"order": [1]}),
                Code::InvalidInput,
                "/order",
            ),
            (
                "count",
                "limit=1",
                Value::Null,
                Code::InvalidQuery,
                "?limit",
            ),
            ("search", "", Value::Null, Code::InvalidInput, "/q"),
            ("aggregate", "", json!({}), Code::InvalidInput, "/measures"),
            (
                "aggregate",
                "",
                json!({"measures": {"x": "sum(title)"}}),
                Code::InvalidInput,
                "/measures/x",
            ),
            (
                "aggregate",
                "",
                json!({"measures": {"x": "median(gross)"}}),
                Code::InvalidInput,
                "/measures/x",
            ),
            (
                "aggregate",
                "",
                json!({"measures": {"a b": "count"}}),
                Code::InvalidInput,
                "/measures/a b",
            ),
            (
                "aggregate",
                "",
                json!({"group": ["extra"]}),
                Code::InvalidInput,
                "/group/0",
            ),
            (
                "aggregate",
                "",
                json!({"group": ["title"], "order": ["n"]}),
                Code::InvalidInput,
                "/order/0",
            ),
        ] {
            let answered = world
                .call(
                    &Caller::Anonymous,
                    &format!("Film.{node}"),
                    query,
                    body.clone(),
                )
                .await;
            assert_eq!(
                refused(&answered),
                (code, pointer.to_owned()),
                "{node} {query} {body}"
            );
        }
        let near = world
            .call(&Caller::Anonymous, "Film.list", "gros=eq.1", Value::Null)
            .await
            .unwrap_err();
        assert!(near.hint.unwrap().contains("gross"));
        let plain = world
            .call(
                &Caller::Anonymous,
                "Person.list",
                "deleted=only",
                Value::Null,
            )
            .await;
        assert_eq!(refused(&plain), (Code::InvalidQuery, "?deleted".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn counts_searches_and_sums() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        films(&world).await;
        let who = &Caller::Anonymous;
        for (wish, exact) in [(CountWish::Exact, true), (CountWish::Planned, false)] {
            let options = Options { count: wish, ..Options::default() };
            let (meta, _) = world.call_with(who, "Film.list", "gross=gte.1&limit=0", Value::Null, options).await.unwrap();
            let count = meta.count.unwrap();
            assert_eq!(count.exact, exact);
            assert!(!exact || count.records == 3);
        }
        let (_, count) = world.call(who, "Film.count", "", json!({"where": {"gross": {"gte": 2}}})).await.unwrap();
        assert_eq!(count, json!({"count": 2}));
        let (_, found) = world.call(who, "Film.search", "", json!({"q": "b", "select": ["title"]})).await.unwrap();
        assert_eq!(found, json!([{"title": "B"}]));
        let none = world.call(who, "Person.search", "q=x", Value::Null).await;
        assert_eq!(refused(&none).0, Code::InvalidQuery);
        for (input, expected) in [
            (json!({"measures": {"n": "count", "s": "sum(gross)", "m": "avg(rating)"}}), json!([{"n": 4, "s": "6", "m": "6.75"}])),
            (json!({"group": ["rating"], "measures": {"n": "count"}, "order": ["n.desc", "rating"], "limit": 2, "where": {"gross": {"gte": 1}}}), json!([{"n": 2}, {"n": 1}])),
            (json!({"measures": {"n": "count"}, "limit": 0}), json!([])),
        ] {
            let (_, mut rows) = world.call(who, "Film.aggregate", "", input.clone()).await.unwrap();
            // Which spelling of 7.5 stands for its group is the engine's choice.
            rows.as_array_mut().unwrap().iter_mut().for_each(|row| {
                row.as_object_mut().unwrap().remove("rating");
            });
            assert_eq!(rows, expected, "{input}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_search_finds_whole_words_of_any_script() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let who = &Caller::Anonymous;
        let long = "x".repeat(3_000);
        for title in [
            "Taxi Driver",
            "A River Runs Through It",
            "LES ÉTOILES d'été",
            "Солярис, 1972",
            "千と千尋",
            "Se7en",
        ] {
            world.make("Film", json!({"title": title})).await;
        }
        for (q, titles) in [
            ("river", vec!["A River Runs Through It"]),
            ("driv", vec![]),
            ("IT, river!", vec!["A River Runs Through It"]),
            ("étoiles", vec!["LES ÉTOILES d'été"]),
            ("etoiles", vec![]),
            ("СОЛЯРИС 1972", vec!["Солярис, 1972"]),
            ("千と千尋", vec!["千と千尋"]),
            ("se7en", vec!["Se7en"]),
            ("7", vec![]),
            ("taxi river", vec![]),
        ] {
            let (_, found) = world
                .call(who, "Film.search", "", json!({"q": q, "select": ["title"]}))
                .await
                .unwrap();
            let found: Vec<_> = found
                .as_array()
                .unwrap()
                .iter()
                .map(|film| film["title"].as_str().unwrap())
                .collect();
            assert_eq!(found, titles, "{q}");
        }
        let (_, none) = world
            .call(who, "Film.search", "", json!({"q": long}))
            .await
            .unwrap();
        assert_eq!(none, json!([]));
        let wordless = world.call(who, "Film.search", "", json!({"q": "?!"})).await;
        assert_eq!(wordless.unwrap().1, json!([]));
    })
    .await;
}

#[tokio::test]
async fn deleted_records_show_when_asked_for() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        films(&world).await;
        world
            .call(
                &world.editor,
                "Film.bulk_delete",
                "title=in.(A,B)",
                Value::Null,
            )
            .await
            .unwrap();
        for (query, titles) in [
            ("order=title", vec!["C", "D"]),
            ("order=title&deleted=exclude", vec!["C", "D"]),
            ("order=title&deleted=only", vec!["A", "B"]),
            ("order=title&deleted=include", vec!["A", "B", "C", "D"]),
        ] {
            assert_eq!(
                world.list(&Caller::Anonymous, "Film", query, "title").await,
                titles,
                "{query}"
            );
        }
    })
    .await;
}
