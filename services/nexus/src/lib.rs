//! The nexus service: carries runs of workflows out, and tells of them over REST.

mod app;
mod settings;

mod actions;
mod events;
mod hooks;
mod openapi;
mod runs;
mod v1;
mod workflows;

mod asked;
mod prefer;
mod query;
mod route;
mod signature;
mod waiting;

use axum::Router;
use axum::routing::any;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::timeout::RequestBodyTimeoutLayer;

pub use app::App;
pub use flow::{Chat, Mail, Settings as Flow};
pub use hooks::tell_of_missing_secrets;
pub use settings::{Limits, Settings};

/// All public routes. From `stopping` on whoever waits is answered with what there is.
pub fn router(app: &App, stopping: CancellationToken) -> Router {
    let app = app.clone().until(stopping);
    let body_pause = app.limits.body_pause;
    Router::new()
        .route("/nexus/v1", any(v1::v1))
        .route("/nexus/v1/{*below}", any(v1::v1))
        .with_state(app)
        .layer(RequestBodyTimeoutLayer::new(body_pause))
}

/// Serves and carries out until `stopping`, then ends what is under way.
pub async fn serve(listener: TcpListener, app: App, stopping: CancellationToken) {
    let router = chassis::with_farewell(router(&app, stopping.clone()), app.life.clone());
    let (http, metrics) = (app.limits.http, app.metrics.clone());
    tokio::join!(
        app.engine().run(stopping.clone()),
        tell_of_missing_secrets(&app, stopping.clone()),
        chassis::serve(listener, router, http, metrics, stopping),
    );
}
