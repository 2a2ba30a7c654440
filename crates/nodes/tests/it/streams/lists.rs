//! Lists of any length out.

use std::time::Duration;

use futures_util::stream::StreamExt as _;
use model::Limits;
use serde_json::{Value, json};
use testkit::on_both_engines;
use wire::{Body, Code, CountWish, Media, Options};

use super::{accepting, fill, minimal, people, pieces};
use crate::world::{World, refused};

#[tokio::test]
async fn a_list_longer_than_any_page_streams_in_its_order() {
    on_both_engines(async |database| {
        let limits = Limits {
            page: 2,
            page_max: 3,
            ..Limits::default()
        };
        let world = World::with(&database, limits).await;
        let body = pieces(Media::JsonLines, vec![people(0, 3_000)]);
        let meta = world
            .import("Person.bulk_create", "", body, minimal())
            .await
            .unwrap();
        assert_eq!((meta.affected, meta.created), (Some(3_000), true));
        let mut expected: Vec<_> = (0..3_000).map(|n| format!("p{n}")).collect();
        expected.sort_unstable();
        expected.reverse();
        let list = async |query: &str, media| {
            let answered = world.raw(
                &world.editor,
                "Person.list",
                query,
                Body::empty(),
                accepting(media),
            );
            let (meta, text) = answered.await.unwrap();
            assert_eq!((meta.cursor, meta.rows), (None, None), "{query}");
            text
        };
        let lines = list("order=name.desc&select=name&limit=all", Media::JsonLines).await;
        let named: Vec<_> = expected
            .iter()
            .map(|name| format!("{{\"name\":\"{name}\"}}\n"))
            .collect();
        assert_eq!(lines, named.concat());
        let csv = list("order=name.desc&select=name&limit=2500", Media::Csv).await;
        assert_eq!(csv.lines().count(), 2_501);
        assert!(csv.starts_with("name\r\np999\r\n"), "{}", &csv[..20]);
        let some = list(
            "order=name&select=name&limit=all&name=in.(p1,p2)&offset=1",
            Media::Csv,
        )
        .await;
        assert_eq!(some, "name\r\np2\r\n");
        let none = list("limit=all&select=name&name=eq.nobody", Media::JsonLines).await;
        assert_eq!(none, "");

        let counted = Options {
            count: CountWish::Exact,
            ..accepting(Media::JsonLines)
        };
        let input =
            Body::json(json!({"limit": "all", "where": {"name": {"like": "p1%"}}}).to_string());
        let (meta, text) = world
            .raw(&world.editor, "Person.list", "", input, counted)
            .await
            .unwrap();
        assert_eq!(meta.count.map(|count| count.records), Some(1_111));
        assert_eq!(text.lines().count(), 1_111);

        let page = world
            .raw(
                &world.editor,
                "Person.list",
                "limit=3",
                Body::empty(),
                accepting(Media::Csv),
            )
            .await;
        assert!(page.unwrap().0.cursor.is_some(), "a page stays a page");
        for (query, input, code) in [
            ("limit=all", Value::Null, Code::InvalidQuery),
            ("limit=4", Value::Null, Code::LimitExceeded),
            ("", json!({"limit": "all"}), Code::InvalidInput),
        ] {
            let answered = world.call(&world.editor, "Person.list", query, input).await;
            assert_eq!(refused(&answered).0, code, "{query}");
            assert!(format!("{answered:?}").contains("x-ndjson"), "{answered:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_search_streams_and_a_policy_holds() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let writer = world.someone(&["writer"], None).await;
        for (title, who) in [
            ("one word", &writer),
            ("a word too", &writer),
            ("word", &world.admin),
        ] {
            let note = json!({"title": title, "rank": 1});
            world.call(who, "Note.create", "", note).await.unwrap();
        }
        let asked = "q=word&limit=all&order=title&select=title";
        let answered = world
            .raw(
                &writer,
                "Note.search",
                asked,
                Body::empty(),
                accepting(Media::Csv),
            )
            .await;
        assert_eq!(answered.unwrap().1, "title\r\na word too\r\none word\r\n");
        let hidden = world
            .raw(
                &writer,
                "Note.list",
                "limit=all&select=secret",
                Body::empty(),
                accepting(Media::Csv),
            )
            .await;
        assert_eq!(hidden.unwrap_err().code, Code::InvalidQuery);
    })
    .await;
}

#[tokio::test]
async fn as_many_streams_as_may_be_and_no_more() {
    on_both_engines(async |database| {
        let limits = Limits {
            streams: Some(1),
            ..Limits::default()
        };
        let world = World::with(&database, limits).await;
        fill(&world).await;
        let first = world
            .open("Film.list", "limit=all", accepting(Media::JsonLines))
            .await
            .unwrap();
        let second = world
            .open("Film.list", "limit=all", accepting(Media::JsonLines))
            .await;
        let refused = second.err().unwrap();
        assert_eq!(
            (refused.code, refused.retry_after),
            (Code::Unavailable, Some(10))
        );
        let import = world.import(
            "Person.bulk_create",
            "",
            pieces(Media::JsonLines, vec![people(0, 1)]),
            minimal(),
        );
        assert_eq!(import.await.unwrap_err().code, Code::Unavailable);
        // Points and pages go on beside it.
        assert_eq!(world.count("Film").await, 4_000);
        drop(first);
        // The place is free as soon as the query has ended.
        let again = async {
            while world
                .open("Film.list", "limit=all", accepting(Media::JsonLines))
                .await
                .is_err()
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), again)
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn who_takes_nothing_or_too_long_is_cut_off_and_sees_it() {
    on_both_engines(async |database| {
        for limits in [
            Limits {
                stall: Duration::from_millis(100),
                ..Limits::default()
            },
            Limits {
                stream_time: Duration::from_millis(100),
                ..Limits::default()
            },
        ] {
            let world = World::with(
                &database,
                Limits {
                    streams: Some(1),
                    ..Limits::default()
                },
            )
            .await;
            if world.count("Film").await == 0 {
                fill(&world).await;
            }
            let world = World::with(
                &database,
                Limits {
                    streams: Some(1),
                    ..limits
                },
            )
            .await;
            let stream = world
                .open("Film.list", "limit=all", accepting(Media::JsonLines))
                .await
                .unwrap();
            // Nothing is taken until another has the place, so the first was given up.
            let ended = async {
                while world
                    .open("Film.list", "limit=all", accepting(Media::JsonLines))
                    .await
                    .is_err()
                {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            };
            tokio::time::timeout(Duration::from_mins(1), ended)
                .await
                .unwrap();
            let items: Vec<_> = stream.collect().await;
            let (last, rest) = items.split_last().unwrap();
            assert_eq!(last.as_ref().unwrap_err().code, Code::Timeout);
            let held: usize = rest.iter().map(|chunk| chunk.as_ref().unwrap().len()).sum();
            assert!(held < 512 << 10, "{held} bytes were held for who took none");
        }
    })
    .await;
}
