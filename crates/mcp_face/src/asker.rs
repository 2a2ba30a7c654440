//! Who asks, for which group of tools, by which way.

use std::sync::Arc;

use wire::{Identity, Trace};

#[derive(Debug, Clone)]
pub struct Asker {
    pub identity: Identity,
    /// The group of `/mcp/{group}`.
    pub group: Option<Arc<str>>,
    pub channel: Channel,
    pub trace: Trace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    Http,
    WebSocket,
    Stdio,
}

impl Channel {
    /// As the conventions of OpenTelemetry name it.
    pub fn network_transport(self) -> &'static str {
        match self {
            Self::Http | Self::WebSocket => "tcp",
            Self::Stdio => "pipe",
        }
    }
}
