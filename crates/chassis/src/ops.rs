//! The ops port: is it alive, may it take traffic, how is it, what does it count, which is it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::future::BoxFuture;
use tokio::net::TcpListener;
use wire::{Health, Status};

use crate::{HttpLimits, Life, Metrics, Phase, VERSION};

/// Asks a service how it is. Never longer than a few seconds.
pub type HealthOf = Arc<dyn Fn() -> BoxFuture<'static, Health> + Send + Sync>;

/// The health of what stands behind the seam, as this process's.
pub fn health_of(calls: Arc<dyn wire::Calls>) -> HealthOf {
    Arc::new(move || {
        let calls = Arc::clone(&calls);
        Box::pin(async move { calls.health().await })
    })
}

#[derive(Clone)]
pub struct Ops {
    pub service: &'static str,
    pub life: Life,
    pub metrics: Metrics,
    pub health: HealthOf,
}

/// Serves until the process ends: probes must see the drain to its last moment.
pub(crate) async fn serve(listener: TcpListener, ops: Ops, life: Life) {
    crate::serve(
        listener,
        ops.router(),
        HttpLimits::default(),
        None,
        life.abandoned(),
    )
    .await;
}

impl Ops {
    pub fn router(self) -> Router {
        Router::new()
            .route("/livez", get(async || "ok\n"))
            .route("/readyz", get(readyz))
            .route("/health", get(health))
            .route("/metrics", get(metrics))
            .route("/version", get(version))
            .with_state(self)
    }
}

/// 404 while draining, so that a balancer stops sending; 503 where the job cannot be done now.
async fn readyz(State(ops): State<Ops>) -> Response {
    let broken = |phase: &str, health: &Health| {
        let text = format!("{phase}{}\n", why(health));
        (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
    };
    match ops.life.phase() {
        Phase::Starting => broken("starting", &(ops.health)().await),
        Phase::Draining => (StatusCode::NOT_FOUND, "draining\n").into_response(),
        Phase::Ready => match (ops.health)().await {
            health if health.status == Status::Down => broken("down", &health),
            _ => "ready\n".into_response(),
        },
    }
}

/// What is required and down, and the reason.
fn why(health: &Health) -> String {
    let down = health
        .dependencies
        .iter()
        .filter(|one| one.required && one.status == Status::Down);
    down.map(|one| match &one.reason {
        Some(reason) => format!("; {}: {reason}", one.name),
        None => format!("; {}", one.name),
    })
    .collect()
}

async fn health(State(ops): State<Ops>) -> Response {
    // What is asked may be behind a seam, where nobody knows in which service it is asked.
    let health = Health {
        service: ops.service.to_owned(),
        ..(ops.health)().await
    };
    let status = if health.status == Status::Down {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::OK
    };
    (status, Json(health)).into_response()
}

async fn metrics(State(ops): State<Ops>) -> Response {
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4")],
        ops.metrics.scrape().await,
    )
        .into_response()
}

async fn version(State(ops): State<Ops>) -> Json<serde_json::Value> {
    Json(serde_json::json!({ "service": ops.service, "version": VERSION }))
}
