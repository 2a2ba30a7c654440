//! Who listens is told when files reload.

use std::fs;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use dataflow::{App, Settings, Watch};
use futures_util::StreamExt as _;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::world::{self, MODERN};

const FILM: &str =
    "model: Film\nfields: { title: { type: text } }\naccess: [{ role: anyone, can: [read] }]\n";
const LIMIT: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_hears_that_the_tools_changed() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("models")).unwrap();
    fs::write(folder.path().join("models/film.yaml"), FILM).unwrap();
    let database = format!("sqlite:{}", folder.path().join("data.db").display());
    let settings = Settings::embedded(folder.path().to_owned(), Some(database));
    let app = App::connect(&settings).await.unwrap();
    let (stopping, tasks) = (CancellationToken::new(), TaskTracker::new());
    app.follow(Watch::Poll, &tasks, stopping.clone(), |_| {})
        .unwrap();
    let router = world::router(&app.calls(), mcp_face::Settings::default(), &stopping);
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": {
        "notifications": {"toolsListChanged": true},
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    }});
    let request = Request::post("/mcp")
        .header("host", "localhost")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", MODERN)
        .header("mcp-method", "subscriptions/listen")
        .body(Body::from(body.to_string()))
        .unwrap();
    let response = router.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let mut frames = response.into_body().into_data_stream();
    let mut heard = String::new();
    let mut until = async |word: &str| {
        let hear = async {
            while !heard.contains(word) {
                let frame = frames.next().await.expect("the stream goes on").unwrap();
                heard.push_str(&String::from_utf8_lossy(&frame));
            }
        };
        tokio::time::timeout(LIMIT, hear).await.expect(word);
    };
    until("notifications/subscriptions/acknowledged").await;
    let other = FILM.replace("Film", "Poster");
    fs::write(folder.path().join("models/poster.yaml"), other).unwrap();
    until("notifications/tools/list_changed").await;
    stopping.cancel();
    tasks.close();
    tasks.wait().await;
    drop(frames);
    app.close().await;
}
