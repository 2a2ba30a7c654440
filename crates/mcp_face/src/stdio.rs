//! MCP over a process's standard streams, one message a line.

use std::sync::Arc;

use http::HeaderMap;
use rmcp::ServiceExt as _;
use rmcp::transport::io::stdio_pipes;
use wire::Caller;

use crate::asker::Channel;
use crate::beside::Beside;
use crate::face::{Face, Held};

/// Who speaks through the standard streams.
pub enum Speaker {
    /// Whoever runs the process, as this caller.
    Local(Caller),
    /// By these headers: `Authorization`.
    Credential(HeaderMap),
}

/// Serves until the input ends or the face's `until` is cancelled. Nothing else may write to standard output.
pub async fn serve_stdio<B: Beside + Clone>(
    mut face: Face<B>,
    speaker: Speaker,
    group: Option<&str>,
) -> std::io::Result<()> {
    let (caller, headers) = match speaker {
        Speaker::Local(caller) => (Some(caller), HeaderMap::new()),
        Speaker::Credential(headers) => (None, headers),
    };
    let stopping = face.shared.stopping.clone();
    face.held = Some(Arc::new(Held {
        headers,
        group: group.map(Into::into),
        channel: Channel::Stdio,
        caller,
        line: None,
    }));
    let running = face.serve_with_ct(stdio_pipes(), stopping).await;
    // An input that ends before anything was said is no mistake.
    let Ok(running) = running else { return Ok(()) };
    running
        .waiting()
        .await
        .map(drop)
        .map_err(std::io::Error::other)
}
