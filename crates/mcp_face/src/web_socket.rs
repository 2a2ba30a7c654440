//! `/ws`: a binding of our own, one message of JSON-RPC in each text frame. Not a part of the standard.

mod connection;
mod writer;

use std::sync::Arc;

use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use rmcp::ServiceExt as _;
use rmcp::model::InitializeRequestParams;
use rmcp::service::{ServerInitializeError, serve_directly};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;
use wire::{Code, Problem};

use self::connection::{Connection, Frames};
pub(crate) use self::writer::Out;
use self::writer::write;
use crate::asker::Channel;
use crate::beside::Beside;
use crate::face::{Face, Held};
use crate::http::Door;
use crate::standing::credential;

/// Messages that wait for a slow client; beyond, whoever sends waits.
const QUEUE: usize = 32;
pub(crate) async fn all<B: Beside + Clone>(
    State(door): State<Arc<Door<B>>>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    door.upgrade(None, &uri, headers, upgrade).await
}

pub(crate) async fn one<B: Beside + Clone>(
    State(door): State<Arc<Door<B>>>,
    Path(group): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let group = Some(group.into());
    door.upgrade(group, &uri, headers, upgrade).await
}

impl<B: Beside + Clone> Door<B> {
    async fn upgrade(
        self: Arc<Self>,
        group: Option<Arc<str>>,
        uri: &Uri,
        headers: HeaderMap,
        upgrade: WebSocketUpgrade,
    ) -> Response {
        if let Err(refused) = self.guard(uri, &headers) {
            return *refused;
        }
        let asker = match self
            .admit(group.clone(), &headers, Channel::WebSocket)
            .await
        {
            Ok(asker) => asker,
            Err(problem) => return self.refuse(&problem, &headers),
        };
        let Ok(place) = Arc::clone(&self.sockets).try_acquire_owned() else {
            let problem = Problem::new(Code::Unavailable).detail("too many connections are open");
            return self.refuse(&problem, &headers).into_response();
        };
        drop(asker);
        let limit = self.face.shared.settings.limits.message_bytes;
        upgrade
            .protocols(["mcp"])
            .max_message_size(limit)
            .max_frame_size(limit)
            // Most connections are idle most of the time; their buffers should not be what they cost.
            .read_buffer_size(4 << 10)
            .write_buffer_size(0)
            .on_upgrade(async move |socket| {
                Box::pin(self.serve(socket, group, headers, place)).await;
            })
    }

    async fn serve(
        self: Arc<Self>,
        socket: WebSocket,
        group: Option<Arc<str>>,
        headers: HeaderMap,
        place: OwnedSemaphorePermit,
    ) {
        let (sink, stream) = socket.split();
        let (sender, receiver) = mpsc::channel(QUEUE);
        let mut face = self.face.connected();
        face.held = Some(Arc::new(Held {
            headers: credential(&headers),
            group,
            channel: Channel::WebSocket,
            caller: None,
            line: Some(sender.downgrade()),
        }));
        let gone = CancellationToken::new();
        let tasks = &self.face.shared.tasks;
        let writer = tasks.spawn(write(sink, receiver, gone.clone()));
        let connection = Connection {
            stream,
            sender,
            open: Arc::default(),
            asked: Arc::default(),
            stopping: self.face.shared.stopping.clone(),
            gone,
        };
        drop(headers);
        carry(face, connection).await;
        // The writer ends when nobody can send any more.
        writer.await.ok();
        drop(place);
    }
}

/// rmcp is there while there is something to do; between, only the connection is.
async fn carry<B: Beside + Clone>(face: Face<B>, mut connection: Connection) {
    // What an older client said of itself when it began.
    let mut began: Option<InitializeRequestParams> = None;
    while let Some(first) = connection.next().await {
        let (frames, back) = Frames::lend(connection, first);
        // On the heap, so that what beginning takes is given back before the connection is idle.
        let running = match &began {
            None => Box::pin(face.clone().serve(frames)).await,
            Some(client) => {
                let client = Some(client.clone());
                Ok(serve_directly(face.clone(), frames, client))
            }
        };
        match running {
            Ok(running) => {
                let peer = running.peer().clone();
                Box::pin(running.waiting()).await.ok();
                began = peer.peer_info().map(|client| (*client).clone());
            }
            // It was idle before it began, after a ping.
            Err(ServerInitializeError::ConnectionClosed(_)) => {}
            Err(error) => {
                tracing::debug!(error = %error, "a connection ended before it began");
                return;
            }
        }
        match back.await {
            Ok(Some(returned)) => connection = returned,
            _ => return,
        }
    }
}
