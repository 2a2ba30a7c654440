//! The REST face: methods, paths and headers become calls of nodes, their answers HTTP. It never reads a body.

mod app;
mod settings;

mod docs;
mod openapi;
mod v1;

mod accept;
mod changes;
mod condition;
mod found;
mod incoming;
mod prefer;
mod reply;
mod route;
mod view;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, header};
use axum::response::Redirect;
use axum::routing::{any, get};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate as _, SizeAbove};
use tower_http::decompression::RequestDecompressionLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;
use wire::{Code, Problem, Trace};

pub use app::App;
pub use settings::{Limits, Settings};

/// Below this compressing costs more than it saves.
const COMPRESS_ABOVE: u64 = 1024;

/// All public routes.
pub fn router(app: impl Into<App>) -> Router {
    let app = app.into();
    let body_pause = app.limits.body_pause;
    Router::new()
        .route("/", get(async || Redirect::temporary("/docs")))
        .route("/docs", get(docs::page))
        .route("/docs/problems", get(docs::problems))
        .route("/docs/problems/{code}", get(docs::problem))
        .route("/openapi.json", get(openapi::openapi))
        .route("/api/v1/{*below}", any(v1::v1))
        .fallback(nothing_here)
        .with_state(app)
        .layer(RequestDecompressionLayer::new().pass_through_unaccepted(true))
        .layer(RequestBodyTimeoutLayer::new(body_pause))
        .layer(
            CompressionLayer::new()
                .quality(CompressionLevel::Fastest)
                // Events would wait in the compressor for others to come.
                .compress_when(SizeAbove::new(COMPRESS_ABOVE).and(NotForContentType::SSE)),
        )
}

async fn nothing_here(State(_): State<App>, request: Request<Body>) -> Response<Body> {
    let problem = Problem::new(Code::NoSuchRoute)
        .detail(format!("there is nothing at `{}`", request.uri().path()))
        .hint("records are below /api/v1/, the reference is at /docs");
    let credential = request.headers().contains_key(header::AUTHORIZATION);
    chassis::Refusal::from(problem).into_response(
        request.uri().path(),
        &Trace::random().id(),
        credential,
    )
}

/// Serves until `stopping`, then ends what is under way. `beside`: the routes of other faces on the same port.
pub async fn serve(
    listener: TcpListener,
    app: impl Into<App>,
    beside: Router,
    stopping: CancellationToken,
) {
    let app = app.into().until(stopping.clone());
    let (limits, metrics, life) = (app.limits.http, app.metrics.clone(), app.life.clone());
    let router = chassis::with_farewell(router(app).merge(beside), life);
    chassis::serve(listener, router, limits, metrics, stopping).await;
}
