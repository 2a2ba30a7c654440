//! The nexus service: carries runs of workflows out, and tells of them over REST and MCP.

mod app;
mod settings;
mod verb;

mod actions;
mod call;
mod events;
mod figures;
mod hooks;
mod mcp;
mod openapi;
mod runs;
mod sessions;
mod v1;
mod workflows;

mod asked;
mod asking;
mod prefer;
mod query;
mod route;
mod signature;
mod waiting;

use axum::Router;
use axum::routing::any;
use chassis::Process;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::timeout::RequestBodyTimeoutLayer;

pub use app::App;
pub use flow::{Chat, Mail, Settings as Flow};
pub use hooks::tell_of_missing_secrets;
pub use settings::{Limits, Settings};
pub use verb::verb;

/// All public routes. From `stopping` on whoever waits is answered with what there is.
pub fn router(app: &App, stopping: CancellationToken) -> Router {
    let app = app.clone().until(stopping);
    let body_pause = app.limits.body_pause;
    let agents = mcp::router(&app);
    Router::new()
        .route("/nexus/v1", any(v1::v1))
        .route("/nexus/v1/{*below}", any(v1::v1))
        .with_state(app)
        .merge(agents)
        .layer(RequestBodyTimeoutLayer::new(body_pause))
}

/// The service's life.
pub async fn run(process: Process) -> Result<(), chassis::Error> {
    let settings = Settings::load(&process.env)?;
    let app = App::connect(&settings)?
        .counted(process.metrics.clone())
        .draining_with(process.life.clone());
    let listener = process.bind(settings.listen).await?;
    let health = chassis::health_of(app.calls());
    process.watch(settings.ops_listen, health).await?;
    process.ready();
    serve(listener, app, process.stopping()).await;
    Ok(())
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
