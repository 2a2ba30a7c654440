//! What comes from the client, and its way through rmcp while there is something to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use futures_util::StreamExt as _;
use futures_util::stream::SplitStream;
use rmcp::model::{ErrorData, JsonRpcError, JsonRpcMessage};
use rmcp::service::{RoleServer, RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::writer::{GOING_AWAY, Out, VIOLATION};

/// After so long without a message and with nothing to answer, rmcp is let go of: what it holds for a connection is most
/// of what an idle one costs.
const IDLE: Duration = Duration::from_millis(50);

/// Requests without an answer yet.
#[derive(Default)]
pub(super) struct Open {
    count: AtomicUsize,
    answered: Notify,
}

impl Open {
    pub(super) fn begin(&self) {
        self.count.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn end(&self) {
        // One more answer than requests would be a fault of ours, not worth a panic.
        let less = |count: usize| count.checked_sub(1);
        self.count
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, less)
            .ok();
        self.answered.notify_one();
    }

    pub(super) fn is_none(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// Until the process is to stop and every request has its answer.
    pub(super) async fn drained(&self, stopping: &CancellationToken) {
        stopping.cancelled().await;
        while !self.is_none() {
            self.answered.notified().await;
        }
    }
}

/// An open connection, whether anything is under way or not.
pub(super) struct Connection {
    pub(super) stream: SplitStream<WebSocket>,
    pub(super) sender: mpsc::Sender<Out>,
    pub(super) open: Arc<Open>,
    /// The client was asked something: answers find their way by what rmcp remembers.
    pub(super) asked: Arc<AtomicBool>,
    pub(super) stopping: CancellationToken,
    pub(super) gone: CancellationToken,
}

impl Connection {
    /// The next message; `None` at the connection's end.
    pub(super) async fn next(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
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

    fn is_idle(&self) -> bool {
        self.open.is_none() && !self.asked.load(Ordering::Acquire)
    }
}

/// The connection as rmcp wants it, lent to it until it is idle or ends.
pub(super) struct Frames {
    lent: Option<Box<Lent>>,
}

struct Lent {
    connection: Connection,
    /// What came while rmcp was not there.
    first: Option<RxJsonRpcMessage<RoleServer>>,
    home: oneshot::Sender<Option<Connection>>,
    ended: bool,
}

impl Frames {
    /// The receiver gets the connection back when it is idle, nothing when it has ended.
    pub(super) fn lend(
        connection: Connection,
        first: RxJsonRpcMessage<RoleServer>,
    ) -> (Self, oneshot::Receiver<Option<Connection>>) {
        let (home, back) = oneshot::channel();
        let lent = Lent {
            connection,
            first: Some(first),
            home,
            ended: false,
        };
        let lent = Some(Box::new(lent));
        (Self { lent }, back)
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        if let Some(lent) = self.lent.take() {
            let connection = (!lent.ended).then_some(lent.connection);
            lent.home.send(connection).ok();
        }
    }
}

impl Transport<RoleServer> for Frames {
    type Error = std::io::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let connection = self.lent.as_ref().map(|lent| &lent.connection);
        let line = connection.map(|connection| {
            if matches!(item, JsonRpcMessage::Request(_)) {
                connection.asked.store(true, Ordering::Release);
            }
            (connection.sender.clone(), Arc::clone(&connection.open))
        });
        async move {
            let (sender, open) = line.ok_or(std::io::ErrorKind::BrokenPipe)?;
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
        let lent = self.lent.as_mut()?;
        if let Some(first) = lent.first.take() {
            return Some(first);
        }
        loop {
            tokio::select! {
                message = lent.connection.next() => {
                    lent.ended = message.is_none();
                    return message;
                }
                () = tokio::time::sleep(IDLE) => {
                    if lent.connection.is_idle() {
                        return None;
                    }
                }
            }
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}
