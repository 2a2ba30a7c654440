//! Who is told what nobody asked for at the moment, and how.

use rmcp::RoleServer;
use rmcp::model::ResourceUpdatedNotificationParam;
use rmcp::service::{Peer, SubscriptionSink};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::face::Face;
use crate::web_socket::Out;

#[derive(Clone)]
pub(crate) enum Listener {
    Peer(Peer<RoleServer>),
    /// Past rmcp, which is not there while a connection is idle.
    Line(mpsc::WeakSender<Out>),
    /// Of the newer protocol, which refuses what was not asked for.
    Sink(SubscriptionSink),
}

impl Listener {
    /// Of a session of the older protocol.
    pub(crate) fn of<B>(face: &Face<B>, peer: Peer<RoleServer>) -> Self {
        let line = face.held.as_ref().and_then(|held| held.line.clone());
        line.map_or(Self::Peer(peer), Self::Line)
    }

    /// A sink's end is its request's.
    pub(crate) fn is_gone(&self) -> bool {
        match self {
            Self::Peer(peer) => peer.is_transport_closed(),
            Self::Line(line) => line.upgrade().is_none(),
            Self::Sink(_) => false,
        }
    }

    /// One that is gone is noticed at the next look.
    pub(crate) async fn lists_changed(&self) {
        match self {
            Self::Peer(peer) => {
                let _ = peer.notify_tool_list_changed().await;
                let _ = peer.notify_prompt_list_changed().await;
                let _ = peer.notify_resource_list_changed().await;
            }
            Self::Line(line) => {
                for list in ["tools", "prompts", "resources"] {
                    let method = format!("notifications/{list}/list_changed");
                    send(line, json!({"jsonrpc": "2.0", "method": method})).await;
                }
            }
            Self::Sink(sink) => {
                let _ = sink.notify_tool_list_changed().await;
                let _ = sink.notify_prompt_list_changed().await;
                let _ = sink.notify_resource_list_changed().await;
            }
        }
    }

    pub(crate) async fn resource_updated(&self, uri: &str) {
        match self {
            Self::Peer(peer) => {
                let told = ResourceUpdatedNotificationParam::new(uri);
                let _ = peer.notify_resource_updated(told).await;
            }
            Self::Line(line) => {
                let method = "notifications/resources/updated";
                let params = json!({"uri": uri});
                send(
                    line,
                    json!({"jsonrpc": "2.0", "method": method, "params": params}),
                )
                .await;
            }
            Self::Sink(sink) => {
                let _ = sink.notify_resource_updated(uri).await;
            }
        }
    }
}

async fn send(line: &mpsc::WeakSender<Out>, message: Value) {
    if let Some(line) = line.upgrade() {
        let _ = line.send(Out::Message(message.to_string())).await;
    }
}
