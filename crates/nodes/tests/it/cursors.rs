//! Cursors: each record once, for the list and the caller they were made for, and unaltered.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;
use testkit::on_both_engines;
use wire::{Caller, Code};

use crate::questions::films;
use crate::world::{World, refused};
#[tokio::test]
async fn cursors_lead_through_every_record_once() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        films(&world).await;
        for order in [
            "title",
            "gross",
            "gross.desc",
            "gross.asc.nullsfirst",
            "rating.desc,title",
            "director,title.desc",
            "created_at",
        ] {
            let whole = world
                .list(
                    &Caller::Anonymous,
                    "Film",
                    &format!("order={order}"),
                    "title",
                )
                .await;
            for limit in 1..=4 {
                let (mut pages, mut cursor) = (Vec::new(), None);
                loop {
                    let mut query = format!("order={order}&limit={limit}");
                    if let Some(cursor) = cursor {
                        query = format!("{query}&cursor={cursor}");
                    }
                    let (meta, page) = world
                        .call(&Caller::Anonymous, "Film.list", &query, Value::Null)
                        .await
                        .unwrap();
                    pages.extend(
                        page.as_array()
                            .unwrap()
                            .iter()
                            .map(|film| film["title"].clone()),
                    );
                    cursor = meta.cursor;
                    if cursor.is_none() {
                        break;
                    }
                }
                assert_eq!(pages, whole, "{order} by {limit}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_cursor_is_for_its_list_and_caller() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        films(&world).await;
        let (meta, _) = world
            .call(
                &world.editor,
                "Film.list",
                "order=title&limit=1",
                Value::Null,
            )
            .await
            .unwrap();
        let cursor = meta.cursor.unwrap();
        let next = |query: &str| format!("{query}&cursor={cursor}");
        for query in [
            "order=gross",
            "order=title.desc",
            "order=title&gross=gt.0",
            "order=title&deleted=include",
        ] {
            let answered = world
                .call(&world.editor, "Film.list", &next(query), Value::Null)
                .await;
            assert_eq!(refused(&answered).0, Code::CursorMismatch, "{query}");
        }
        let other = world
            .call(
                &Caller::Anonymous,
                "Film.list",
                &next("order=title"),
                Value::Null,
            )
            .await;
        assert_eq!(refused(&other).0, Code::CursorMismatch);
        world
            .call(
                &world.editor,
                "Film.list",
                &next("order=title&limit=3"),
                Value::Null,
            )
            .await
            .unwrap();
    })
    .await;
}

#[test]
fn an_altered_cursor_is_refused() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = testkit::Database::sqlite();
    let (world, cursor) = runtime.block_on(async {
        let world = World::new(&database).await;
        films(&world).await;
        let (meta, _) = world
            .call(&Caller::Anonymous, "Film.list", "limit=1", Value::Null)
            .await
            .unwrap();
        (world, meta.cursor.unwrap())
    });
    let mut runner = TestRunner::new(Config {
        cases: 200,
        failure_persistence: None,
        ..Config::default()
    });
    let change = (any::<prop::sample::Index>(), "[A-Za-z0-9_-]?");
    runner
        .run(&change, |(at, with)| {
            let at = at.index(cursor.len());
            let altered = format!("{}{with}{}", &cursor[..at], &cursor[at + 1..]);
            prop_assume!(altered != cursor);
            let query = format!("limit=1&cursor={altered}");
            let answered =
                runtime.block_on(world.call(&Caller::Anonymous, "Film.list", &query, Value::Null));
            prop_assert_eq!(refused(&answered).0, Code::InvalidCursor);
            Ok(())
        })
        .unwrap();
}
