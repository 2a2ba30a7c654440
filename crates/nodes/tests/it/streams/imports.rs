//! Any number of records in.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use model::Limits;
use serde_json::{Value, json};
use testkit::on_both_engines;
use wire::{Body, Code, Content, Media, Options, Problem};

use super::{minimal, people, pieces};
use crate::world::World;

const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

#[tokio::test]
async fn records_come_in_wherever_the_pieces_end() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let csv = "title,gross,tags\r\n\"A, \"\"1\"\"\n\",5,\"[\"\"é\"\"]\"\r\nB,,\r\n";
        let bytes: Vec<_> = csv.as_bytes().chunks(1).map(|byte| Ok(Bytes::copy_from_slice(byte))).collect();
        let body = Body { media: Media::Csv, content: Content::Stream(stream::iter(bytes).boxed()) };
        let meta = world.import("Film.bulk_create", "", body, minimal()).await.unwrap();
        assert_eq!(meta.affected, Some(2));
        let (_, films) = world.call(&world.editor, "Film.list", "order=title&select=title,gross,tags", Value::Null).await.unwrap();
        assert_eq!(films, json!([{"title": "A, \"1\"\n", "gross": 5, "tags": ["é"]}, {"title": "B", "gross": null, "tags": null}]));

        let upserts = || pieces(Media::JsonLines, vec!["{\"name\":\"a\"".to_owned(), "}\r\n\n{\"name\":\"b\"}\n{\"name\":\"a\"}".to_owned()]);
        let meta = world.import("Person.bulk_upsert", "on=name", upserts(), minimal()).await.unwrap();
        assert_eq!((meta.affected, meta.created), (Some(3), false));
        assert_eq!(world.count("Person").await, 2);
        for body in [pieces(Media::JsonLines, vec![]), pieces(Media::Csv, vec!["name\n".to_owned()])] {
            let meta = world.import("Person.bulk_create", "", body, minimal()).await.unwrap();
            assert_eq!(meta.affected, Some(0));
        }
    })
    .await;
}

#[tokio::test]
async fn one_mistake_among_thousands_is_named_and_nothing_is_kept() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let before = people(0, 1_700);
        for (media, text, code, pointer, line) in [
            (
                Media::JsonLines,
                format!("{before}\n{{\"name\":7}}\n"),
                Code::InvalidInput,
                "/1700/name",
                "line 1702: ",
            ),
            (
                Media::JsonLines,
                format!("{before}{{\"nam\":\"x\"}}\n"),
                Code::InvalidInput,
                "/1700/nam",
                "line 1701: ",
            ),
            (
                Media::JsonLines,
                format!("{before}{{\"name\":\"p3\"}}\n"),
                Code::UniqueViolation,
                "/1700/name",
                "line 1701: ",
            ),
            (
                Media::JsonLines,
                format!("{before}{{\"name\""),
                Code::MalformedBody,
                "",
                "line 1701: ",
            ),
            (
                Media::JsonLines,
                format!("{before}[1]"),
                Code::InvalidInput,
                "/1700",
                "line 1701: ",
            ),
            (
                Media::Csv,
                "name\na\nb,c\n".to_owned(),
                Code::MalformedBody,
                "",
                "line 3: ",
            ),
            (
                Media::Csv,
                "name\n\"a\nb\"\nc\nb\na\nc\n".to_owned(),
                Code::UniqueViolation,
                "/4/name",
                "line 7: ",
            ),
        ] {
            let answered = world
                .import(
                    "Person.bulk_create",
                    "",
                    pieces(media, vec![text]),
                    minimal(),
                )
                .await;
            let problem = answered.unwrap_err();
            let found = problem.errors.first().map_or("", |fault| &fault.pointer);
            assert_eq!((problem.code, found), (code, pointer), "{problem:?}");
            assert!(problem.detail.starts_with(line), "{problem:?}");
            assert_eq!(world.count("Person").await, 0);
        }
        let awards = format!("{{\"name\":\"x\",\"person\":\"{NOBODY}\"}}\n");
        let body = pieces(Media::JsonLines, vec![awards]);
        let refused = world
            .raw(&world.admin, "Award.bulk_create", "", body, minimal())
            .await
            .unwrap_err();
        assert_eq!(
            (refused.code, refused.errors[0].pointer.as_str()),
            (Code::ReferenceViolation, "/0/person")
        );
        let body = pieces(Media::JsonLines, vec!["{\"title\":\"x\"".to_owned()]);
        let denied = world
            .raw(
                &world.someone(&["writer"], None).await,
                "Film.bulk_create",
                "",
                body,
                minimal(),
            )
            .await;
        assert_eq!(denied.unwrap_err().code, Code::Forbidden);
    })
    .await;
}

#[tokio::test]
async fn imports_have_limits_of_their_own() {
    on_both_engines(async |database| {
        let limits = Limits {
            bulk: 2,
            body_bytes: 200,
            import_bytes: 600,
            stall: Duration::from_millis(200),
            stream_time: Duration::from_secs(20),
            ..Limits::default()
        };
        let world = World::with(&database, limits).await;
        let send = async |text: String, options: Options| {
            world
                .import(
                    "Person.bulk_create",
                    "",
                    pieces(Media::JsonLines, vec![text]),
                    options,
                )
                .await
        };
        let meta = send(people(0, 20), minimal()).await.unwrap();
        assert_eq!(meta.affected, Some(20));
        for (text, options, told) in [
            (people(0, 30), Options::default(), "return=minimal"),
            (people(0, 3), Options::default(), "return=minimal"),
            (
                format!("{{\"name\":\"{}\"}}", "x".repeat(200)),
                minimal(),
                "a record is larger than 200 bytes",
            ),
            (
                people(100, 150),
                minimal(),
                "the import is larger than 600 bytes",
            ),
            (
                people(100, 110),
                Options {
                    max_affected: Some(9),
                    ..minimal()
                },
                "10 records would change",
            ),
        ] {
            let problem = send(text, options).await.unwrap_err();
            assert!(format!("{problem:?}").contains(told), "{told}: {problem:?}");
        }
        let tried = send(
            people(100, 110),
            Options {
                dry_run: true,
                max_affected: Some(10),
                ..minimal()
            },
        )
        .await
        .unwrap();
        assert_eq!((tried.affected, tried.rolled_back), (Some(10), true));

        let begun = stream::iter([Ok(Bytes::from(people(200, 201)))]);
        for (rest, code) in [
            (stream::pending().boxed(), Code::Timeout),
            (
                stream::iter([Err(Problem::new(Code::BadRequest))]).boxed(),
                Code::BadRequest,
            ),
        ] {
            let content = Content::Stream(begun.clone().chain(rest).boxed());
            let body = Body {
                media: Media::JsonLines,
                content,
            };
            let cut = world
                .import("Person.bulk_create", "", body, minimal())
                .await;
            assert_eq!(cut.unwrap_err().code, code);
        }
        assert_eq!(world.count("Person").await, 20);
        // Who wrote before them does not wait for them any more.
        world.make("Person", json!({"name": "after"})).await;
    })
    .await;
}

#[tokio::test]
async fn an_import_happens_once_for_its_key() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let send = async |text: String, piece: usize, options: Options| {
            let bytes = text
                .as_bytes()
                .chunks(piece)
                .map(|piece| String::from_utf8(piece.to_vec()).unwrap());
            let body = pieces(Media::JsonLines, bytes.collect());
            world.import("Person.bulk_create", "", body, options).await
        };
        let keyed = |key: &str| Options {
            idempotency_key: Some(key.to_owned()),
            ..minimal()
        };
        let failed = send(people(0, 2) + "{", 9, keyed("a")).await;
        assert_eq!(failed.unwrap_err().code, Code::MalformedBody);
        for (text, piece, key, told) in [
            (people(0, 600), 50, "a", Ok((600, false))),
            (people(0, 600), 7, "a", Ok((600, true))),
            (people(0, 600), 9_999, "b", Err(Code::UniqueViolation)),
            (people(0, 601), 50, "a", Err(Code::IdempotencyMismatch)),
            (people(0, 599), 50, "a", Err(Code::IdempotencyMismatch)),
            (people(600, 601), 50, "b", Ok((1, false))),
        ] {
            let answered = send(text, piece, keyed(key)).await;
            let answered = answered.map(|meta| (meta.affected.unwrap(), meta.replayed));
            assert_eq!(answered.map_err(|problem| problem.code), told);
        }
        assert_eq!(world.count("Person").await, 601);
    })
    .await;
}

#[tokio::test]
async fn a_caller_that_leaves_in_the_middle_leaves_nothing() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        // Asked for more, it has written the first part.
        let (asked, written) = tokio::sync::oneshot::channel();
        let more = stream::once(async move {
            asked.send(()).unwrap();
            std::future::pending().await
        });
        let first = stream::iter([Ok(Bytes::from(people(0, 900)))]);
        let body = Body {
            media: Media::JsonLines,
            content: Content::Stream(first.chain(more).boxed()),
        };
        tokio::select! {
            _ = world.import("Person.bulk_create", "", body, minimal()) => panic!("it ended"),
            written = written => written.unwrap(),
        }
        assert_eq!(world.count("Person").await, 0);
        world.make("Person", json!({"name": "p0"})).await;
    })
    .await;
}
