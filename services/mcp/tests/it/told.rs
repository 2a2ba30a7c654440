//! Who listens is told when files reload.

use std::fs;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use dataflow::{App, Settings, Watch};
use serde_json::json;
use testkit::Heard;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::socket::Server;
use crate::world::{self, MODERN};

const FILM: &str =
    "model: Film\nfields: { title: { type: text } }\naccess: [{ role: anyone, can: [read] }]\n";

/// A project of one model whose files are followed, and the nodes of it.
struct Followed {
    folder: tempfile::TempDir,
    app: App,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

impl Followed {
    async fn begin() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("models")).unwrap();
        fs::write(folder.path().join("models/film.yaml"), FILM).unwrap();
        let database = format!("sqlite:{}", folder.path().join("data.db").display());
        let settings = Settings::embedded(folder.path().to_owned(), Some(database));
        let app = App::connect(&settings).await.unwrap();
        let (stopping, tasks) = (CancellationToken::new(), TaskTracker::new());
        app.follow(Watch::Poll, &tasks, stopping.clone(), |_| {})
            .unwrap();
        Self {
            folder,
            app,
            stopping,
            tasks,
        }
    }

    fn add(&self, model: &str) {
        let path = format!("models/{}.yaml", model.to_lowercase());
        fs::write(self.folder.path().join(path), FILM.replace("Film", model)).unwrap();
    }

    async fn end(self) {
        self.stopping.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.app.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_hears_that_the_tools_changed() {
    let followed = Followed::begin().await;
    let calls = followed.app.calls();
    let router = world::router(&calls, mcp_face::Settings::default(), &followed.stopping);
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
    let mut heard = Heard::of(response.into_body().into_data_stream());
    heard
        .until("notifications/subscriptions/acknowledged")
        .await;
    followed.add("Poster");
    heard.until("notifications/tools/list_changed").await;
    drop(heard);
    followed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_hears_of_it_and_goes_on() {
    let followed = Followed::begin().await;
    let calls = followed.app.calls();
    let server = Server::start(&calls, mcp_face::Settings::default()).await;
    let mut socket = server.ask("GET /ws", &[("host", "localhost")], "").await;
    let initialize = json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    });
    socket.message(&initialize).await;
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    socket.send(&initialized).await;
    // The version that is looked at first is the one that changes are told from.
    let mut models = 0;
    let changed = json!("notifications/tools/list_changed");
    loop {
        models += 1;
        followed.add(&format!("Poster{models}"));
        let told = timeout(Duration::from_secs(5), socket.frame()).await;
        match told {
            Ok(told) if told["method"] == changed => break,
            Ok(told) => panic!("{told}"),
            Err(_) => assert!(models < 10, "nothing is told"),
        }
    }
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"});
    let tools = socket.message(&list).await["result"]["tools"].to_string();
    assert!(tools.contains("Poster1"), "{tools}");
    server.stop().await;
    followed.end().await;
}
