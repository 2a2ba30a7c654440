//! Steps that reach outside: what they may reach, and that they are tried again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::world::{FILMS, Running, Stage, without_engine};

const FETCH: &str = "
workflow: fetch
inputs: { url: { type: text, required: true } }
steps:
  - id: told
    node: http.request
    with: { url: '{{ inputs.url }}', json: { n: 1 } }
    retry: { attempts: 3, initial: 10ms }
outputs: '{{ told.json }}'
";
const LOOK: &str = "
workflow: look
inputs: { url: { type: text, required: true } }
steps: [{ id: told, node: http.request, with: { url: '{{ inputs.url }}' } }]
outputs: '{{ told.body }}'
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_are_asked_where_that_is_allowed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let busy = post(async move |body: String| {
        // Twice it is busy.
        if counted.fetch_add(1, Ordering::SeqCst) < 2 {
            return Err(StatusCode::SERVICE_UNAVAILABLE);
        }
        Ok(axum::Json(json!({"body": body})))
    });
    let elsewhere = get(async || Redirect::temporary("http://169.254.169.254/"));
    let elsewhere = elsewhere.post(async || Redirect::to("http://169.254.169.254/"));
    let router = Router::new()
        .route("/busy", busy)
        .route("/elsewhere", elsewhere)
        .route(
            "/picture",
            get(async || ([("content-type", "image/png")], *b"\x89PN")),
        );
    let (stopping, tasks) = (CancellationToken::new(), TaskTracker::new());
    let limits = chassis::HttpLimits::default();
    tasks.spawn(chassis::serve(
        listener,
        router,
        limits,
        None,
        stopping.clone(),
    ));

    without_engine(&[FETCH, LOOK, FILMS], async |stage: &Stage| {
        let world = stage.world();
        asked.store(0, Ordering::SeqCst);
        let engine = Running::of(stage.engine());
        for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"] {
            let input = json!({"url": format!("http://{host}:{port}/busy")});
            let run = world.run("fetch", input).await;
            assert_eq!(run["problem"]["code"], "forbidden", "{run}");
        }
        assert_eq!(asked.load(Ordering::SeqCst), 0);
        engine.stop().await;

        let reach = flow::Reach {
            private: true,
            hosts: vec!["127.0.0.1".to_owned()],
            ..flow::Reach::default()
        };
        let settings = flow::Settings {
            reach,
            ..flow::Settings::default()
        };
        let engine = Running::of(flow::Engine::new(stage.app.calls(), settings));
        let input = |path: &str| json!({"url": format!("http://127.0.0.1:{port}/{path}")});
        let told = world.output("fetch", input("busy")).await;
        assert_eq!(told, json!({"body": "{\"n\":1}"}));
        assert_eq!(asked.load(Ordering::SeqCst), 3);
        let told = world.output("look", input("picture")).await;
        assert_eq!(told, "data:image/png;base64,iVBO");
        let run: Value = world.run("fetch", input("elsewhere")).await;
        assert_eq!(run["problem"]["code"], "forbidden", "{run}");
        engine.stop().await;
    })
    .await;
    stopping.cancel();
    tasks.close();
    tasks.wait().await;
}
