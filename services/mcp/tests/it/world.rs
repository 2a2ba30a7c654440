//! A project behind the production router, asked as clients ask.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use client::Client;
use mcp_face::Settings;
use serde_json::{Value, json};
use testkit::Database;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;
use wire::Calls;

const FILM: &str = "model: Film
about: A film, and how it was received.
fields:
  title: { type: text, required: true, max: 60, search: true }
  gross: { type: int }
  rating: { type: decimal }
  director: { ref: Person }
unique: [[title]]
access:
  - { role: anyone, can: [read] }
";
const PERSON: &str = "model: Person
fields:
  name: { type: text, required: true, unique: true }
options: { tools: true }
";
const GROUP: &str = "group: critic
about: What a critic's agent needs.
tools: generic
nodes: [Film.list, Film.read]
";

pub(crate) const MODERN: &str = "2026-07-28";
pub(crate) const LEGACY: &str = "2025-11-25";

pub(crate) struct World {
    pub(crate) router: Router,
    pub(crate) calls: Arc<dyn Calls>,
    /// A key that may do everything, one that may only read, and one that says nothing of it.
    pub(crate) writer: String,
    pub(crate) reader: String,
    pub(crate) silent: String,
}

pub(crate) struct Told {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Told {
    /// The message, whether it came whole or as an event.
    pub(crate) fn json(&self) -> Value {
        let mut lines = self
            .text
            .lines()
            .filter_map(|line| line.strip_prefix("data: "));
        let last = lines.rfind(|line| line.starts_with('{'));
        let text = last.unwrap_or(&self.text);
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {} {text}", self.status))
    }
}

/// Both engines, in one process and with dataflow behind a socket, each over a fresh database.
pub(crate) async fn everywhere(story: impl AsyncFn(&World)) {
    with(Settings::default(), story).await;
}

pub(crate) async fn with(settings: Settings, story: impl AsyncFn(&World)) {
    for far in [false, true] {
        testkit::on_both_engines(async |database| {
            let folder = tempfile::tempdir().unwrap();
            let app = project(folder.path(), &database).await;
            let stopping = CancellationToken::new();
            let tasks = TaskTracker::new();
            let calls: Arc<dyn Calls> = if far {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let address = format!("http://{}", listener.local_addr().unwrap());
                tasks.spawn(dataflow::serve(listener, app.calls(), stopping.clone()));
                Arc::new(Client::new(&address).unwrap())
            } else {
                app.calls()
            };
            let world = World {
                router: router(&calls, settings.clone(), &stopping),
                writer: key(&app, &["gantry:read", "gantry:write"]).await,
                reader: key(&app, &["gantry:read"]).await,
                silent: key(&app, &[]).await,
                calls,
            };
            story(&world).await;
            drop(world);
            stopping.cancel();
            tasks.close();
            tasks.wait().await;
            app.close().await;
        })
        .await;
    }
}

pub(crate) fn router(
    calls: &Arc<dyn Calls>,
    settings: Settings,
    stopping: &CancellationToken,
) -> Router {
    mcp::router(
        &mcp::App::new(Arc::clone(calls), settings),
        stopping.clone(),
    )
}

async fn project(folder: &Path, database: &Database) -> dataflow::App {
    for (path, text) in [
        ("models/film.yaml", FILM),
        ("models/person.yaml", PERSON),
        ("groups/critic.yaml", GROUP),
    ] {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let url = database.location_url();
    let settings = dataflow::Settings::embedded(folder.to_owned(), Some(url));
    dataflow::App::connect(&settings).await.unwrap()
}

async fn key(app: &dataflow::App, scopes: &[&str]) -> String {
    let mut input = json!({"name": "test", "roles": ["admin"]});
    if !scopes.is_empty() {
        input["scopes"] = json!(scopes);
    }
    let node = "key.create".parse().unwrap();
    let call = wire::Call::new(node, app.local_admin(), wire::Body::json(input.to_string()));
    let answer = app.calls().call(call).await.unwrap();
    let answer: Value = serde_json::from_slice(&answer.body.collect(9999).await.unwrap()).unwrap();
    answer["token"].as_str().unwrap().to_owned()
}

impl World {
    pub(crate) async fn ask(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Told {
        ask(&self.router, line, headers, body).await
    }

    /// A request of the newer protocol, as the key's holder, with what the client can do.
    pub(crate) async fn request(
        &self,
        key: &str,
        method: &str,
        mut params: Value,
        capabilities: Value,
    ) -> Told {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": capabilities,
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        });
        let bearer = format!("Bearer {key}");
        let mut headers = vec![
            ("mcp-protocol-version", MODERN),
            ("mcp-method", method),
            ("authorization", bearer.as_str()),
        ];
        let name = params["name"]
            .as_str()
            .or(params["uri"].as_str())
            .map(str::to_owned);
        if let Some(name) = &name {
            headers.push(("mcp-name", name));
        }
        let body = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
        self.ask("POST /mcp", &headers, &body.to_string()).await
    }

    /// The result of a request that is understood.
    pub(crate) async fn result(&self, key: &str, method: &str, params: Value) -> Value {
        let told = self.request(key, method, params, json!({})).await;
        assert_eq!(told.status, 200, "{}", told.text);
        let mut message = told.json();
        assert!(message["error"].is_null(), "{message}");
        message["result"].take()
    }

    /// What a tool answers, and whether it is a problem.
    pub(crate) async fn tool(&self, key: &str, name: &str, arguments: Value) -> (Value, bool) {
        let params = json!({"name": name, "arguments": arguments});
        let result = self.result(key, "tools/call", params).await;
        let failed = result["isError"] == true;
        (result["structuredContent"].clone(), failed)
    }

    /// What a tool answers that does what it is told.
    pub(crate) async fn done(&self, name: &str, arguments: Value) -> Value {
        let (value, failed) = self.tool(&self.writer, name, arguments).await;
        assert!(!failed, "{name}: {value}");
        value
    }

    /// The problem of a tool that does not: its code, and the places named.
    pub(crate) async fn refused(&self, name: &str, arguments: Value) -> (String, Vec<String>) {
        let (value, failed) = self.tool(&self.writer, name, arguments).await;
        assert!(failed, "{name}: {value}");
        let problem = &value["problem"];
        let pointers = problem["errors"].as_array().into_iter().flatten();
        let pointers = pointers.map(|fault| fault["pointer"].as_str().unwrap().to_owned());
        (
            problem["code"].as_str().unwrap().to_owned(),
            pointers.collect(),
        )
    }
}

pub(crate) async fn ask(router: &Router, line: &str, headers: &[(&str, &str)], body: &str) -> Told {
    let (method, path) = line.split_once(' ').unwrap();
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, 1 << 26).await.unwrap();
    Told {
        status: head.status,
        headers: head.headers,
        text: String::from_utf8(bytes.to_vec()).unwrap(),
    }
}
