//! What a client must know to get a token (RFC 9728).

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use serde_json::json;
use wire::{AuthServers, Body, Call, Caller, NodeName, scope};

use crate::beside::Beside;
use crate::http::Door;
use crate::settings::Settings;

pub(crate) const PATH: &str = "/.well-known/oauth-protected-resource";
const BYTES: usize = 64 << 10;

/// `GET /.well-known/oauth-protected-resource[/mcp[/{group}]]`
pub(crate) async fn told<B: Beside + Clone>(
    State(door): State<Arc<Door<B>>>,
    request: Request,
) -> Response {
    if let Err(refused) = door.guard(request.uri(), request.headers()) {
        return *refused;
    }
    let below = request.uri().path().strip_prefix(PATH).unwrap_or_default();
    let below = if below.is_empty() { door.prefix } else { below };
    let node = NodeName::of_model("auth", "servers");
    let mut call = Call::new(node, Caller::Anonymous, Body::json("{}"));
    call.deadline = Some(std::time::Instant::now() + std::time::Duration::from_secs(10));
    let answer = match door.face.shared.calls.call(call).await {
        Ok(answer) => answer.body.collect(BYTES).await,
        Err(problem) => Err(problem),
    };
    let servers: AuthServers = match answer.map(|body| serde_json::from_slice(&body)) {
        Ok(Ok(servers)) => servers,
        Ok(Err(_)) => return http::StatusCode::BAD_GATEWAY.into_response(),
        Err(problem) => return door.refuse(&problem, request.headers()),
    };
    let base = base(&door.face.shared.settings, request.headers());
    let document = json!({
        "resource": format!("{base}{below}"), "resource_name": "Gantry",
        "authorization_servers": servers.issuers, "scopes_supported": [scope::READ, scope::WRITE],
        "bearer_methods_supported": ["header"],
    });
    Json(document).into_response()
}

/// How the client reaches this server. `Host` is one that is allowed.
pub(crate) fn base(settings: &Settings, headers: &HeaderMap) -> String {
    if let Some(url) = &settings.public_url {
        return url.trim_end_matches('/').to_owned();
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST.as_str()).unwrap_or("localhost");
    let secure = text("x-forwarded-proto") == Some("https");
    format!("{}://{host}", if secure { "https" } else { "http" })
}
