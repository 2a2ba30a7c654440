//! More than a page and more than a call, through every stack; and clients that leave or dawdle.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::stack::{Stack, on_every_stack};

const CSV: (&str, &str) = ("content-type", "text/csv");
const LINES: (&str, &str) = ("content-type", "application/x-ndjson");
const MINIMAL: (&str, &str) = ("prefer", "return=minimal");
const ALL: &str = "GET /api/v1/person?limit=all";

fn titles(count: usize) -> String {
    let lines = (0..count).map(|n| format!("{{\"title\":\"film {n}\",\"gross\":{n}}}\n"));
    lines.collect::<Vec<_>>().concat()
}

/// Enough that neither buffers nor the chunks ahead hold it.
async fn fill(stack: &Stack) {
    let notes = "x".repeat(20_000);
    let people = (0..1_000).map(|n| format!("{n},{notes}\n"));
    let people = people.collect::<Vec<_>>().concat();
    let told = stack
        .ask(
            "POST /api/v1/person",
            &[CSV, MINIMAL],
            &format!("name,notes\n{people}"),
        )
        .await;
    assert_eq!(told.header("gantry-affected"), "1000", "{}", told.text);
}

#[tokio::test]
async fn more_than_fits_a_call_goes_in_and_comes_out() {
    on_every_stack(true, async |stack| {
        let films = titles(10_500);
        let whole = stack.ask("POST /api/v1/film", &[LINES], &films).await;
        assert_eq!(whole.problem(), (400, "limit_exceeded".to_owned()));
        assert!(whole.text.contains("return=minimal"), "{}", whole.text);
        let told = stack
            .ask("POST /api/v1/film", &[LINES, MINIMAL], &films)
            .await;
        assert_eq!((told.status.as_u16(), told.text.as_str()), (204, ""));
        assert_eq!(told.header("gantry-affected"), "10500");

        for (accept, query, ask, lines) in [
            (
                "application/x-ndjson",
                "?limit=all&order=gross&select=title,gross",
                "",
                10_500,
            ),
            ("text/csv", "?limit=10400", "", 10_401),
            (
                "text/csv",
                ":query",
                r#"{"limit": "all", "where": {"gross": {"lt": 9000}}}"#,
                9_001,
            ),
        ] {
            let method = if ask.is_empty() { "GET" } else { "POST" };
            let line = format!("{method} /api/v1/film{query}");
            let told = stack.ask(&line, &[("accept", accept)], ask).await;
            assert_eq!(
                (told.status.as_u16(), told.header("content-type")),
                (200, accept)
            );
            assert_eq!(told.text.lines().count(), lines, "{line}");
            if lines == 10_500 {
                assert_eq!(told.text, films);
            }
        }
        for (line, body) in [
            ("GET /api/v1/film?limit=all", ""),
            ("POST /api/v1/film:query", r#"{"limit": "all"}"#),
        ] {
            let refused = stack.ask(line, &[], body).await;
            assert!(refused.status.is_client_error());
            assert!(
                refused.text.contains("application/x-ndjson"),
                "{}",
                refused.text
            );
        }
        let counted = [("accept", "text/csv"), ("prefer", "count=exact")];
        let told = stack
            .ask("GET /api/v1/film?limit=all&gross=lt.7", &counted, "")
            .await;
        assert_eq!(told.header("content-range"), "items */7");
    })
    .await;
}

#[tokio::test]
async fn an_import_is_kept_whole_once_or_not_at_all() {
    on_every_stack(true, async |stack| {
        let bad = titles(1_200) + "{\"titel\":\"x\"}\n";
        let told = stack
            .ask("POST /api/v1/film", &[LINES, MINIMAL], &bad)
            .await;
        assert_eq!(told.problem(), (422, "invalid_input".to_owned()));
        assert_eq!(told.json()["errors"][0]["pointer"], "/1200/titel");
        assert!(told.text.contains("line 1201: "), "{}", told.text);
        for header in ["true", "title,titel\n"] {
            let told = stack
                .ask("POST /api/v1/film", &[CSV, MINIMAL], header)
                .await;
            assert_eq!(
                told.problem(),
                (400, "malformed_body".to_owned()),
                "{header}"
            );
        }
        assert_eq!(
            stack.get("/api/v1/film:count").await.json(),
            json!({"count": 0})
        );

        let people = "name\nAnn\nBob\nAnn\n";
        let keyed = [CSV, MINIMAL, ("idempotency-key", "import-1")];
        for replayed in ["", "true"] {
            let told = stack
                .ask("POST /api/v1/person:upsert?on=name", &keyed, people)
                .await;
            assert_eq!(told.status, 204, "{}", told.text);
            assert_eq!(told.header("gantry-affected"), "3");
            assert_eq!(told.header("idempotency-replayed"), replayed);
        }
        let other = stack
            .ask("POST /api/v1/person:upsert?on=name", &keyed, "name\nCy\n")
            .await;
        assert_eq!(other.problem(), (422, "idempotency_mismatch".to_owned()));
        let tried = [
            CSV,
            ("prefer", "return=minimal, tx=rollback, max-affected=2"),
        ];
        let told = stack
            .ask("POST /api/v1/person", &tried, "name\nDee\nEve\n")
            .await;
        assert_eq!(told.header("gantry-affected"), "2", "{}", told.text);
        let told = stack
            .ask("POST /api/v1/person", &tried, "name\nDee\nEve\nFay\n")
            .await;
        assert_eq!(told.problem(), (400, "max_affected_exceeded".to_owned()));
        assert_eq!(
            stack.get("/api/v1/person:count").await.json(),
            json!({"count": 2})
        );
    })
    .await;
}

/// Sends what begins a request.
async fn begun(address: std::net::SocketAddr, text: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    // What the kernel takes in unread says nothing of the client.
    socket.set_recv_buffer_size(16 << 10).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

const EXPORT: &str =
    "GET /api/v1/person?limit=all HTTP/1.1\r\nhost: gantry\r\naccept: application/x-ndjson\r\n\r\n";
const IMPORT: &str = "POST /api/v1/film HTTP/1.1\r\nhost: gantry\r\ncontent-type: application/x-ndjson\r\n\
                      prefer: return=minimal\r\ncontent-length: 1000000\r\n\r\n";

/// Until the only place for a stream is free.
async fn until_free(stack: &Stack) {
    let free = async {
        let asked = [("accept", "application/x-ndjson")];
        let line = format!("{ALL}&name=eq.x");
        while stack.ask(&line, &asked, "").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), free)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_client_that_leaves_or_dawdles_ends_its_query() {
    on_every_stack(true, async |stack| {
        fill(stack).await;
        stack
            .served(async |address| {
                let mut some = [0; 4096];
                let mut leaves = begun(address, EXPORT).await;
                leaves.read_exact(&mut some).await.unwrap();
                let busy = stack.ask(ALL, &[("accept", "text/csv")], "").await;
                assert_eq!(busy.problem(), (503, "unavailable".to_owned()));
                assert_eq!(busy.header("retry-after"), "10");
                drop(leaves);
                until_free(stack).await;

                let mut dawdles = begun(address, EXPORT).await;
                dawdles.read_exact(&mut some).await.unwrap();
                until_free(stack).await;
                let mut rest = Vec::new();
                // Reset or ended, but not as a whole answer ends.
                let _ = dawdles.read_to_end(&mut rest).await;
                assert!(
                    !rest.ends_with(b"0\r\n\r\n"),
                    "{} bytes as if whole",
                    rest.len()
                );
            })
            .await;
    })
    .await;
}

#[tokio::test]
async fn an_import_that_breaks_off_leaves_nothing() {
    on_every_stack(true, async |stack| {
        stack
            .served(async |address| {
                let mut dawdles = begun(address, IMPORT).await;
                dawdles.write_all(titles(900).as_bytes()).await.unwrap();
                let mut told = vec![0; 12];
                dawdles.read_exact(&mut told).await.unwrap();
                assert_eq!(String::from_utf8_lossy(&told), "HTTP/1.1 504");
                until_free(stack).await;

                let mut leaves = begun(address, IMPORT).await;
                leaves.write_all(titles(900).as_bytes()).await.unwrap();
                drop(leaves);
                until_free(stack).await;
            })
            .await;
        assert_eq!(
            stack.get("/api/v1/film:count").await.json(),
            json!({"count": 0})
        );
        let made = stack.post("/api/v1/film", json!({"title": "after"})).await;
        assert_eq!(made.status, 201);
    })
    .await;
}
