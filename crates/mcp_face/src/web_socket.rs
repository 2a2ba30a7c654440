//! `/ws`: a binding of our own, one message of JSON-RPC in each text frame. Not a part of the standard.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use rmcp::model::{ErrorData, JsonRpcError};
use rmcp::service::{RoleServer, RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use rmcp::{ServiceExt as _, model::JsonRpcMessage};
use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;
use wire::{Code, Problem};

use crate::asker::Channel;
use crate::beside::Beside;
use crate::face::Held;
use crate::http::Door;
use crate::watch;

/// A client that is gone without a word is noticed after two of these.
const PING: Duration = Duration::from_secs(30);
/// Messages that wait for a slow client; beyond, whoever sends waits.
const QUEUE: usize = 32;
/// Going away (RFC 6455, 7.4.1).
const GOING_AWAY: u16 = 1001;
const VIOLATION: u16 = 1008;

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
        let mut face = self.face.clone();
        face.held = Some(Arc::new(Held {
            headers: watch::credential(&headers),
            group,
            channel: Channel::WebSocket,
            caller: None,
        }));
        let (sink, stream) = socket.split();
        let (sender, receiver) = mpsc::channel(QUEUE);
        let stopping = self.face.shared.stopping.clone();
        let gone = CancellationToken::new();
        let tasks = &self.face.shared.tasks;
        let writer = tasks.spawn(write(sink, receiver, gone.clone()));
        let frames = Frames {
            stream,
            sender: sender.clone(),
            open: Arc::default(),
            stopping,
            gone: gone.clone(),
        };
        drop(sender);
        // On the heap, so that what beginning takes is given back before the connection is idle.
        match Box::pin(face.serve(frames)).await {
            Ok(running) => {
                running.waiting().await.ok();
            }
            Err(error) => tracing::debug!(error = %error, "a connection ended before it began"),
        }
        // The writer ends when nobody can send any more.
        writer.await.ok();
        drop(place);
    }
}

/// What is to be written next.
enum Out {
    Message(String),
    Pong(bytes::Bytes),
    Close(u16, &'static str),
}

async fn write(
    mut sink: SplitSink<WebSocket, Message>,
    mut receiver: mpsc::Receiver<Out>,
    gone: CancellationToken,
) {
    let mut pings = tokio::time::interval_at(tokio::time::Instant::now() + PING, PING);
    loop {
        let message = tokio::select! {
            out = receiver.recv() => match out {
                Some(Out::Message(text)) => Message::Text(text.into()),
                Some(Out::Pong(bytes)) => Message::Pong(bytes),
                Some(Out::Close(code, reason)) => {
                    let frame = CloseFrame { code, reason: reason.into() };
                    sink.send(Message::Close(Some(frame))).await.ok();
                    break;
                }
                None => break,
            },
            _ = pings.tick() => Message::Ping(bytes::Bytes::new()),
        };
        let sent = tokio::time::timeout(PING, sink.send(message)).await;
        if !matches!(sent, Ok(Ok(()))) {
            break;
        }
    }
    gone.cancel();
    sink.close().await.ok();
}

/// Requests without an answer yet.
#[derive(Default)]
struct Open {
    count: AtomicUsize,
    answered: Notify,
}

impl Open {
    fn begin(&self) {
        self.count.fetch_add(1, Ordering::AcqRel);
    }

    fn end(&self) {
        // One more answer than requests would be a fault of ours, not worth a panic.
        let less = |count: usize| count.checked_sub(1);
        self.count
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, less)
            .ok();
        self.answered.notify_one();
    }

    /// Until the process is to stop and every request has its answer.
    async fn drained(&self, stopping: &CancellationToken) {
        stopping.cancelled().await;
        while self.count.load(Ordering::Acquire) > 0 {
            self.answered.notified().await;
        }
    }
}

/// The connection as rmcp wants it.
struct Frames {
    stream: SplitStream<WebSocket>,
    sender: mpsc::Sender<Out>,
    open: Arc<Open>,
    stopping: CancellationToken,
    gone: CancellationToken,
}

impl Transport<RoleServer> for Frames {
    type Error = std::io::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let (sender, open) = (self.sender.clone(), Arc::clone(&self.open));
        async move {
            let answers = matches!(item, JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_));
            let text = serde_json::to_string(&item)?;
            let sent = sender.send(Out::Message(text)).await;
            if answers {
                open.end();
            }
            sent.map_err(|_| std::io::ErrorKind::BrokenPipe.into())
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            let frame = tokio::select! {
                frame = self.stream.next() => frame,
                () = self.gone.cancelled() => None,
                () = self.open.drained(&self.stopping) => {
                    self.sender.send(Out::Close(GOING_AWAY, "the server stops")).await.ok();
                    return None;
                }
            };
            let text = match frame?.ok()? {
                Message::Text(text) => text,
                Message::Ping(bytes) => {
                    self.sender.send(Out::Pong(bytes)).await.ok()?;
                    continue;
                }
                Message::Pong(_) => continue,
                Message::Binary(_) => {
                    self.sender
                        .send(Out::Close(VIOLATION, "messages are text"))
                        .await
                        .ok();
                    return None;
                }
                Message::Close(_) => return None,
            };
            match serde_json::from_str::<RxJsonRpcMessage<RoleServer>>(&text) {
                Ok(message) => {
                    if matches!(message, JsonRpcMessage::Request(_)) {
                        self.open.begin();
                    }
                    return Some(message);
                }
                Err(error) => self.refuse(&text, &error).await?,
            }
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

impl Frames {
    /// What is no message is answered as JSON-RPC says; the connection goes on.
    async fn refuse(&self, text: &str, error: &serde_json::Error) -> Option<()> {
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        let error = if is_json {
            ErrorData::invalid_request(format!("no message of MCP: {error}"), None)
        } else {
            ErrorData::parse_error(format!("no JSON: {error}"), None)
        };
        let message = serde_json::to_string(&JsonRpcError::new(None, error)).ok()?;
        self.sender.send(Out::Message(message)).await.ok()
    }
}
