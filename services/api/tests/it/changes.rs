//! `/api/v1/changes` as a browser meets it, in one process and with dataflow behind a socket.

use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, Request};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::stack::{Stack, on_every_stack};

struct Listening {
    headers: HeaderMap,
    body: BodyDataStream,
}

impl Listening {
    async fn to(stack: &Stack, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut request = Request::get(path).header("accept", "text/event-stream");
        if let Some(key) = &stack.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = stack.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let (head, body) = response.into_parts();
        let headers = head.headers;
        let body = body.into_data_stream();
        Self { headers, body }
    }

    /// The next event's id and data. What is told at once comes in one piece here.
    async fn event(&mut self) -> (String, Value) {
        loop {
            let chunk = self.body.next().await.unwrap().unwrap();
            let text = String::from_utf8(chunk.to_vec()).unwrap();
            let line = |name: &str| {
                let mut lines = text.lines();
                lines.find_map(|line| line.strip_prefix(name).map(str::to_owned))
            };
            if let (Some(id), Some(data)) = (line("id: "), line("data: ")) {
                assert_eq!(line("event: ").unwrap(), "change");
                return (id, serde_json::from_str(&data).unwrap());
            }
        }
    }
}

#[tokio::test]
async fn changes_are_told_as_events_that_can_be_gone_on_from() {
    on_every_stack(false, async |stack| {
        let packed = [("accept-encoding", "gzip, zstd")];
        let mut listening = Listening::to(stack, "/api/v1/changes", &packed).await;
        for (name, value) in [
            ("content-type", Some("text/event-stream")),
            ("cache-control", Some("no-store")),
            ("x-accel-buffering", Some("no")),
            ("content-encoding", None),
            ("content-length", None),
        ] {
            let told = listening.headers.get(name);
            assert_eq!(told.map(|told| told.to_str().unwrap()), value, "{name}");
        }
        let person = stack.post("/api/v1/person", json!({"name": "A"})).await;
        let person = person.json();
        let (first, told) = listening.event().await;
        let expected = json!({
            "model": "Person", "id": person["id"], "op": "create", "version": 1, "at": told["at"],
        });
        assert_eq!(told, expected);
        drop(listening);

        let film = stack
            .post("/api/v1/film", json!({"title": "B"}))
            .await
            .json();
        let old = format!("/api/v1/changes?model=Film&since={first}");
        let mut listening = Listening::to(stack, &old, &[]).await;
        let (second, told) = listening.event().await;
        assert_eq!(told["id"], film["id"]);
        // A browser repeats the URL that it began with, and says where it is in the header.
        let last = [("last-event-id", second.as_str())];
        let mut listening = Listening::to(stack, &old, &last).await;
        let place = format!("DELETE /api/v1/film/{}", film["id"].as_str().unwrap());
        stack.ask(&place, &[], "").await;
        assert_eq!(listening.event().await.1["op"], "delete");
    })
    .await;
}

#[tokio::test]
async fn what_is_no_way_to_listen_is_refused() {
    on_every_stack(false, async |stack| {
        for (line, headers, expected) in [
            (
                "GET /api/v1/changes",
                ("accept", "application/json"),
                (406, "not_acceptable"),
            ),
            (
                "GET /api/v1/changes",
                ("last-event-id", "7"),
                (400, "invalid_cursor"),
            ),
            (
                "GET /api/v1/changes?model=Flim",
                ("accept", "*/*"),
                (400, "invalid_query"),
            ),
            (
                "POST /api/v1/changes",
                ("accept", "*/*"),
                (405, "method_not_allowed"),
            ),
            (
                "GET /api/v1/film",
                ("accept", "text/event-stream"),
                (406, "not_acceptable"),
            ),
        ] {
            let told = stack.ask(line, &[headers], "").await;
            assert_eq!(
                told.problem(),
                (expected.0, expected.1.to_owned()),
                "{line}"
            );
        }
        let head = stack.ask("HEAD /api/v1/changes", &[], "").await;
        assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
        let openapi = stack.get("/openapi.json").await.json();
        let answer = &openapi["paths"]["/api/v1/changes"]["get"]["responses"]["200"];
        assert!(answer["content"]["text/event-stream"].is_object());
    })
    .await;
}

/// A stream would go on for as long as its listener likes.
#[tokio::test]
async fn a_server_that_stops_ends_its_streams() {
    on_every_stack(true, async |stack| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stopping = CancellationToken::new();
        let listens = async {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let request = b"GET /api/v1/changes HTTP/1.1\r\nhost: api\r\n\r\n";
            stream.write_all(request).await.unwrap();
            let mut text = String::new();
            while !text.contains("retry: ") {
                let mut bytes = [0; 4096];
                let read = stream.read(&mut bytes).await.unwrap();
                text.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
            }
            stopping.cancel();
            stream.read_to_string(&mut text).await.unwrap();
            text
        };
        let serving = api::serve(
            listener,
            std::sync::Arc::clone(&stack.calls),
            axum::Router::new(),
            stopping.clone(),
        );
        let (text, ()) = tokio::join!(listens, serving);
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
        assert!(
            text.ends_with("\r\n0\r\n\r\n"),
            "it ends as it should: {text}"
        );
    })
    .await;
}
