//! The mcp service: the face over Streamable HTTP and WebSocket.

mod operations;
mod settings;

use std::sync::Arc;

use axum::Router;
use chassis::{HttpLimits, Life, Metrics};
use mcp_face::Face;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use wire::Calls;

pub use operations::Operations;
pub use settings::Settings;

/// Where the tools are; `/mcp/{group}` has those of a group.
pub const PREFIX: &str = "/mcp";

/// The nodes to call, and how they are offered.
pub struct App {
    calls: Arc<dyn Calls>,
    face: mcp_face::Settings,
    http: HttpLimits,
    metrics: Option<Metrics>,
    life: Life,
}

impl App {
    pub fn new(calls: Arc<dyn Calls>, face: mcp_face::Settings) -> Self {
        Self {
            calls,
            face,
            http: HttpLimits::default(),
            metrics: None,
            life: Life::default(),
        }
    }

    /// Over the dataflow service, which is reached when it is first called.
    pub fn connect(settings: &Settings) -> Result<Self, chassis::Error> {
        let client = client::Client::new(&settings.dataflow);
        let fault = |error| chassis::Error::Settings(vec![format!("GANTRY_MCP_DATAFLOW: {error}")]);
        let app = Self::new(Arc::new(client.map_err(fault)?), settings.face.clone());
        Ok(Self {
            http: settings.http,
            ..app
        })
    }

    pub fn calls(&self) -> Arc<dyn Calls> {
        Arc::clone(&self.calls)
    }

    /// Operations are counted there.
    #[must_use]
    pub fn counted(self, metrics: Metrics) -> Self {
        Self {
            metrics: Some(metrics),
            ..self
        }
    }

    /// While this drains, each answer ends its connection.
    #[must_use]
    pub fn draining_with(self, life: Life) -> Self {
        Self { life, ..self }
    }
}

/// All public routes. From `stopping` on, what is under way is answered, and connections end.
pub fn router(app: &App, stopping: CancellationToken) -> Router {
    let mut face = Face::new(app.calls(), app.face.clone(), chassis::VERSION).until(stopping);
    if let Some(metrics) = &app.metrics {
        face = face.observed(Arc::new(Operations(metrics.clone())));
    }
    mcp_face::router(face, PREFIX)
}

/// Serves until `stopping`, then ends what is under way.
pub async fn serve(listener: TcpListener, app: App, stopping: CancellationToken) {
    let router = chassis::with_farewell(router(&app, stopping.clone()), app.life);
    chassis::serve(listener, router, app.http, app.metrics, stopping).await;
}
