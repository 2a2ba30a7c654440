//! The server that the MCP conformance suite is run against: the production router, guard, sessions and credentials
//! over a project on SQLite whose workflows are the suite's fixtures; those that no workflow can be stand beside the
//! catalogue. It ends with its standard input.
#![expect(
    clippy::print_stdout,
    reason = "whoever starts it reads the address there"
)]

mod fixtures;
mod mistake;
mod rounds;
mod table;
mod texts;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::map_request;
use dataflow::{App, Settings};
use mcp_face::Face;
use nexus::Workflows;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use wire::{Body, Call, scope};

use fixtures::Fixtures;

/// As in every program that ships the face.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let database = format!("sqlite://{}", folder.path().join("fixtures.db").display());
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("project");
    let app = App::connect(&Settings::embedded(project, Some(database))).await?;
    let key = key(&app).await.context("making a key")?;

    let settings = mcp_face::Settings {
        anonymous: false,
        ..mcp_face::Settings::default()
    };
    let stopping = CancellationToken::new();
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).context("the system's random numbers")?;
    let nexus = nexus::App::new(app.calls(), flow::Settings::default()).offering(settings.clone());
    let engine = nexus.engine().with(Arc::new(mistake::Mistake));
    let workflows = Workflows::new(nexus);
    let face = Face::new(app.calls(), settings, chassis::VERSION)
        .until(stopping.clone())
        .beside(Fixtures::new(secret, workflows)?);
    // The suite has no option for a header, so what a client would send is added on its way.
    let router = mcp_face::router(face, "/mcp").layer(map_request(move |mut request: Request| {
        request
            .headers_mut()
            .insert(header::AUTHORIZATION, key.clone());
        std::future::ready(request)
    }));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}/mcp", listener.local_addr()?);
    let input = async {
        let ended = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
        stopping.cancel();
        ended
    };
    let limits = chassis::HttpLimits::default();
    let served = chassis::serve(listener, router, limits, None, stopping.clone());
    tokio::join!(input, served, engine.run(stopping.clone())).0?;
    app.close().await;
    Ok(())
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
