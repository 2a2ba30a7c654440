//! The server that the MCP conformance suite is run against: what nexus serves, over a project on SQLite whose workflows
//! are the suite's fixtures. With `--echo` it is the mcp service's face with one tool beside it. It ends with its standard
//! input.
#![expect(
    clippy::print_stdout,
    reason = "whoever starts it reads the address there"
)]

mod deeds;
mod echo;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::map_request;
use dataflow::{App, Settings, Watch};
use mcp_face::Face;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wire::{Body, Call, scope};

use deeds::Deeds;
use echo::Echo;

/// As in every program that ships the face.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let database = format!("sqlite://{}", folder.path().join("fixtures.db").display());
    // A copy: some of the fixtures change it.
    let project = folder.path().join("project");
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("project");
    copy(&files, &project).context("copying the project")?;
    let app = App::connect(&Settings::embedded(project.clone(), Some(database))).await?;
    let key = key(&app).await.context("making a key")?;
    let (stopping, tasks) = (CancellationToken::new(), TaskTracker::new());
    app.follow(Watch::Events, &tasks, stopping.clone(), dataflow::log)?;

    let settings = mcp_face::Settings {
        anonymous: false,
        ..mcp_face::Settings::default()
    };
    let nexus = nexus::App::new(app.calls(), flow::Settings::default()).offering(settings.clone());
    let engine = nexus.engine();
    let engine = engine.with(Arc::new(Deeds::new(project.join("workflows"))));
    let (router, path) = if std::env::args().any(|argument| argument == "--echo") {
        let face = Face::new(app.calls(), settings, chassis::VERSION).until(stopping.clone());
        (mcp_face::router(face.beside(Echo), "/mcp"), "/mcp")
    } else {
        (nexus::router(&nexus, stopping.clone()), "/nexus/mcp")
    };
    let router = with_key(router, key);

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}{path}", listener.local_addr()?);
    let input = async {
        let ended = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
        stopping.cancel();
        ended
    };
    let limits = chassis::HttpLimits::default();
    let served = chassis::serve(listener, router, limits, None, stopping.clone());
    tokio::join!(input, served, engine.run(stopping.clone())).0?;
    tasks.close();
    tasks.wait().await;
    app.close().await;
    Ok(())
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            std::fs::copy(entry.path(), &to)?;
        }
    }
    Ok(())
}

/// The suite has no option for a header, so what a client would send is added on its way.
fn with_key(router: Router, key: HeaderValue) -> Router {
    router.layer(map_request(move |mut request: Request| {
        request
            .headers_mut()
            .insert(header::AUTHORIZATION, key.clone());
        std::future::ready(request)
    }))
}

/// `Bearer` and the token of a key that may do everything.
async fn key(app: &App) -> anyhow::Result<HeaderValue> {
    let scopes = [scope::READ, scope::WRITE];
    let input = json!({"name": "suite", "roles": ["admin"], "scopes": scopes}).to_string();
    let call = Call::new("key.create".parse()?, app.local_admin(), Body::json(input));
    let answer = app.calls().call(call).await?.body.collect(1 << 16).await?;
    let answer: Value = serde_json::from_slice(&answer)?;
    let token = answer["token"].as_str().context("it has a token")?;
    Ok(HeaderValue::from_str(&format!("Bearer {token}"))?)
}
