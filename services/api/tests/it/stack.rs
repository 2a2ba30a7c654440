//! REST down to the rows, to tell stories on: both engines, in one process and with dataflow behind a socket.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use client::Client;
use serde_json::{Value, json};
use testkit::Database;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;
use uuid::Uuid;
use wire::Calls;

const PERSON: &str = "model: Person
fields:
  name: { type: text, required: true, unique: true }
  notes: { type: text }
";
const FILM: &str = "model: Film
fields:
  title: { type: text, required: true, max: 60 }
  gross: { type: int }
  rating: { type: decimal }
  director: { ref: Person }
options: { soft_delete: true }
access:
  - { role: anyone, can: [read] }
";

/// One stream at a time, so that a second tells whether the first has ended.
const SETTINGS: &str = "limits: { streams: 1, stall: 2s }
auth:
  audience: [https://data.example.com]
  issuers: [{ issuer: https://login.example.com/, secret_file: secret }]
";

/// What the tokens of the project's issuer are signed with.
pub(crate) static SECRET: LazyLock<String> =
    LazyLock::new(|| format!("{}{}", Uuid::now_v7(), Uuid::now_v7()));

pub(crate) struct Stack {
    pub(crate) router: Router,
    pub(crate) calls: Arc<dyn Calls>,
    pub(crate) key: Option<String>,
}

pub(crate) struct Told {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Told {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Status and code, as problems are told apart.
    pub(crate) fn problem(&self) -> (u16, String) {
        (
            self.status.as_u16(),
            self.json()["code"].as_str().unwrap_or_default().to_owned(),
        )
    }
}

impl Stack {
    /// The same for whoever holds this credential.
    pub(crate) fn with(&self, credential: &str) -> Self {
        Self {
            key: Some(credential.to_owned()),
            ..self.without_key()
        }
    }

    /// The same for whoever has no credential.
    pub(crate) fn without_key(&self) -> Self {
        Self {
            router: self.router.clone(),
            calls: Arc::clone(&self.calls),
            key: None,
        }
    }

    /// `METHOD path`, headers, and the body.
    pub(crate) async fn ask(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Told {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(path);
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 26).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Told {
            status: head.status,
            headers: head.headers,
            text,
        }
    }

    /// What is done to it as it stands behind a socket.
    pub(crate) async fn served(&self, story: impl AsyncFn(SocketAddr)) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stopping = CancellationToken::new();
        let tasks = TaskTracker::new();
        tasks.spawn(chassis::serve(
            listener,
            self.router.clone(),
            chassis::HttpLimits::default(),
            None,
            stopping.clone(),
        ));
        story(address).await;
        stopping.cancel();
        tasks.close();
        tasks.wait().await;
    }

    pub(crate) async fn get(&self, path: &str) -> Told {
        self.ask(&format!("GET {path}"), &[], "").await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Told {
        self.ask(&format!("POST {path}"), &[], &body.to_string())
            .await
    }
}

/// The story on SQLite and PostgreSQL, in one process and with dataflow behind a socket, each over a fresh database.
pub(crate) async fn on_every_stack(open: bool, story: impl AsyncFn(&Stack)) {
    testkit::on_both_engines(async |database| {
        let folder = tempfile::tempdir().unwrap();
        let app = project(folder.path(), &database, open).await;
        let tasks = TaskTracker::new();
        app.join(&tasks).await.unwrap();
        let key = first_key(&app, open).await;
        let calls = app.calls();
        let router = api::router(Arc::clone(&calls));
        story(&Stack { router, calls, key }).await;
        app.close().await;
    })
    .await;
    testkit::on_both_engines(async |database| {
        let folder = tempfile::tempdir().unwrap();
        let app = project(folder.path(), &database, open).await;
        let key = first_key(&app, open).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let stopping = CancellationToken::new();
        let tasks = TaskTracker::new();
        app.join(&tasks).await.unwrap();
        tasks.spawn(dataflow::serve(listener, app.calls(), stopping.clone()));
        let calls: Arc<dyn Calls> = Arc::new(Client::new(&address).unwrap());
        let router = api::router(Arc::clone(&calls));
        let stack = Stack { router, calls, key };
        story(&stack).await;
        let Stack { calls, router, .. } = stack;
        drop(router);
        assert_eq!(calls.health().await.status, wire::Status::Ok);
        drop(calls);
        stopping.cancel();
        app.close().await;
        tasks.close();
        tasks.wait().await;
    })
    .await;
}

pub(crate) async fn project(folder: &Path, database: &Database, open: bool) -> dataflow::App {
    fs::create_dir(folder.join("models")).unwrap();
    fs::write(folder.join("models/person.yaml"), PERSON).unwrap();
    fs::write(folder.join("models/film.yaml"), FILM).unwrap();
    fs::write(folder.join("gantry.yaml"), SETTINGS).unwrap();
    fs::write(folder.join("secret"), &*SECRET).unwrap();
    let url = database.location_url();
    let mut settings = dataflow::Settings::embedded(folder.to_owned(), Some(url));
    settings.open = open;
    dataflow::App::connect(&settings).await.unwrap()
}

/// None where nobody needs one.
async fn first_key(app: &dataflow::App, open: bool) -> Option<String> {
    if open {
        return None;
    }
    let input = json!({ "name": "first", "roles": ["admin"] }).to_string();
    let node = "key.create".parse().unwrap();
    let call = wire::Call::new(node, app.local_admin(), wire::Body::json(input));
    let answer = app.calls().call(call).await.unwrap();
    let answer: Value = serde_json::from_slice(&answer.body.collect(9999).await.unwrap()).unwrap();
    Some(answer["token"].as_str().unwrap().to_owned())
}
