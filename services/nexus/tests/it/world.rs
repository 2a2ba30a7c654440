//! A project with workflows behind the production router, with an engine beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use client::Client;
use serde_json::{Value, json};
use testkit::Database;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;
use wire::Calls;

const FILM: &str = "model: Film
fields:
  title: { type: text, required: true, max: 60 }
  rating: { type: int }
access:
  - { role: editor, can: [read, create, update] }
";

pub(crate) struct World {
    pub(crate) router: Router,
    /// Keys of an admin and of an editor.
    pub(crate) admin: String,
    pub(crate) editor: String,
    /// The editor's, good for reading only.
    pub(crate) reader: String,
    /// The folder of the secrets of webhooks.
    pub(crate) secrets: PathBuf,
}

pub(crate) struct Told {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Told {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Status and code, as problems are told apart.
    pub(crate) fn problem(&self) -> (u16, String) {
        let code = self.json()["code"].as_str().unwrap_or_default().to_owned();
        (self.status.as_u16(), code)
    }
}

/// The story on both engines, in one process and with dataflow behind a socket, each over a fresh database.
pub(crate) async fn everywhere(workflows: &[&str], story: impl AsyncFn(&World)) {
    for far in [false, true] {
        told(workflows, far, async |app| {
            let engine = Running::of(app.engine());
            let world = app.world();
            story(&world).await;
            engine.stop().await;
        })
        .await;
    }
}

/// The same in one process only, where the story begins and ends engines itself.
pub(crate) async fn without_engine(workflows: &[&str], story: impl AsyncFn(&Stage)) {
    told(workflows, false, story).await;
}

pub(crate) struct Stage {
    pub(crate) app: nexus::App,
    admin: String,
    editor: String,
    reader: String,
    secrets: PathBuf,
    stopping: CancellationToken,
    figures: chassis::Asker,
}

impl Stage {
    /// Those that the database has.
    pub(crate) fn figures(&self) -> chassis::Asker {
        Arc::clone(&self.figures)
    }

    /// The process is to end.
    pub(crate) fn stop(&self) {
        self.stopping.cancel();
    }

    pub(crate) fn engine(&self) -> flow::Engine {
        self.app.engine()
    }

    pub(crate) fn world(&self) -> World {
        World {
            router: nexus::router(&self.app, self.stopping.clone()),
            admin: self.admin.clone(),
            editor: self.editor.clone(),
            reader: self.reader.clone(),
            secrets: self.secrets.clone(),
        }
    }
}

/// An engine at work; dropped, it is gone as if killed.
pub(crate) struct Running {
    tasks: JoinSet<()>,
    stopping: CancellationToken,
}

impl Running {
    pub(crate) fn of(engine: flow::Engine) -> Self {
        let (mut tasks, stopping) = (JoinSet::new(), CancellationToken::new());
        tasks.spawn(engine.run(stopping.clone()));
        Self { tasks, stopping }
    }

    pub(crate) async fn stop(mut self) {
        self.stopping.cancel();
        self.tasks.join_next().await.unwrap().unwrap();
    }
}

async fn told(workflows: &[&str], far: bool, story: impl AsyncFn(&Stage)) {
    testkit::on_both_engines(async |database| {
        let folder = tempfile::tempdir().unwrap();
        let app = project(folder.path(), workflows, &database).await;
        let secrets = folder.path().join("secrets");
        fs::create_dir_all(&secrets).unwrap();
        let (stopping, tasks) = (CancellationToken::new(), TaskTracker::new());
        let calls: Arc<dyn Calls> = if far {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = format!("http://{}", listener.local_addr().unwrap());
            tasks.spawn(dataflow::serve(listener, app.calls(), stopping.clone()));
            Arc::new(Client::new(&address).unwrap())
        } else {
            app.calls()
        };
        // Keys that say nothing of scopes may begin runs here.
        let agents = mcp_face::Settings {
            writes: mcp_face::Writes::Everyone,
            ..mcp_face::Settings::default()
        };
        let stage = Stage {
            app: nexus::App::new(calls, flow::Settings::default())
                .offering(agents)
                .with_hook_secrets(secrets.clone()),
            admin: key(&app, &["admin"], None).await,
            editor: key(&app, &["editor"], None).await,
            reader: key(&app, &["editor"], Some(&[wire::scope::READ])).await,
            secrets,
            stopping: stopping.clone(),
            figures: app.figures(),
        };
        story(&stage).await;
        drop(stage);
        stopping.cancel();
        tasks.close();
        tasks.wait().await;
        app.close().await;
    })
    .await;
}

async fn project(folder: &Path, workflows: &[&str], database: &Database) -> dataflow::App {
    fs::create_dir_all(folder.join("models")).unwrap();
    fs::create_dir_all(folder.join("workflows")).unwrap();
    fs::write(folder.join("models/film.yaml"), FILM).unwrap();
    for text in workflows {
        let (first, _) = text.trim_start().split_once('\n').unwrap();
        let name = first.strip_prefix("workflow: ").unwrap();
        fs::write(
            folder.join(format!("workflows/{name}.yaml")),
            text.trim_start(),
        )
        .unwrap();
    }
    let url = database.location_url();
    let settings = dataflow::Settings::embedded(folder.to_owned(), Some(url));
    dataflow::App::connect(&settings)
        .await
        .unwrap_or_else(|error| panic!("{error:?}"))
}

async fn key(app: &dataflow::App, roles: &[&str], scopes: Option<&[&str]>) -> String {
    let input = json!({"name": "test", "roles": roles, "scopes": scopes});
    let node = "key.create".parse().unwrap();
    let call = wire::Call::new(node, app.local_admin(), wire::Body::json(input.to_string()));
    let answer = app.calls().call(call).await.unwrap();
    let answer: Value = serde_json::from_slice(&answer.body.collect(9999).await.unwrap()).unwrap();
    answer["token"].as_str().unwrap().to_owned()
}

impl World {
    /// `METHOD path`, below /nexus/v1, as the admin unless the headers say otherwise.
    pub(crate) async fn ask(&self, line: &str, headers: &[(&str, &str)], body: &Value) -> Told {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/nexus/v1{path}"));
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            request = request.header("authorization", format!("Bearer {}", self.admin));
        }
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Told {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 26).await.unwrap();
        Told {
            status: head.status,
            headers: head.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let told = self.ask(&format!("GET {path}"), &[], &Value::Null).await;
        assert_eq!(told.status, 200, "{}", told.text);
        told.json()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Told {
        self.ask(&format!("POST {path}"), &[], &body).await
    }

    /// The run once it has ended.
    pub(crate) async fn run(&self, workflow: &str, input: Value) -> Value {
        let told = self
            .post(&format!("/workflows/{workflow}/runs"), input)
            .await;
        if told.status == 202 {
            let id = told.json()["id"].as_str().unwrap().to_owned();
            let steps = self.get(&format!("/runs/{id}/steps")).await;
            panic!("{} {steps}", told.text);
        }
        assert_eq!(told.status, 200, "{}", told.text);
        told.json()
    }

    /// What the run answers.
    pub(crate) async fn output(&self, workflow: &str, input: Value) -> Value {
        let mut run = self.run(workflow, input).await;
        assert_eq!(run["state"], "succeeded", "{run}");
        run["output"].take()
    }

    /// The id of a run that was begun.
    pub(crate) async fn start(&self, workflow: &str, input: Value) -> String {
        let prefer = [("prefer", "respond-async")];
        let line = format!("POST /workflows/{workflow}/runs");
        let told = self.ask(&line, &prefer, &input).await;
        assert_eq!(told.status, 202, "{}", told.text);
        let id = told.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(told.header("location"), format!("/nexus/v1/runs/{id}"));
        id
    }

    /// The run once it is in that state.
    pub(crate) async fn until(&self, id: &str, state: &str) -> Value {
        let looking = async {
            loop {
                let run = self.get(&format!("/runs/{id}")).await;
                if run["state"] == state {
                    return run;
                }
                let ended = ["succeeded", "failed", "cancelled"]
                    .iter()
                    .any(|end| run["state"] == *end);
                assert!(!ended, "{run}");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let looked = tokio::time::timeout(Duration::from_secs(40), looking).await;
        looked.unwrap_or_else(|_| panic!("run {id} does not become {state}"))
    }

    /// `path state` of each step.
    pub(crate) async fn steps(&self, id: &str) -> Vec<String> {
        let steps = self.get(&format!("/runs/{id}/steps")).await;
        let told = |step: &Value| format!("{} {}", step["path"], step["state"]).replace('"', "");
        steps.as_array().unwrap().iter().map(told).collect()
    }

    /// How many films have that title.
    pub(crate) async fn count(&self, title: &str) -> u64 {
        let films = self.output("films", json!({"title": title})).await;
        films.as_u64().unwrap()
    }
}

/// What [`World::count`] asks.
pub(crate) const FILMS: &str = "
workflow: films
inputs: { title: { type: text } }
steps: [{ id: all, node: Film.count, with: { where: { title: '{{ inputs.title }}' } } }]
outputs: '{{ all.count }}'
";
