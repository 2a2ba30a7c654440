//! What goes to the client, one frame after the other.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::SinkExt as _;
use futures_util::stream::SplitSink;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A client that is gone without a word is noticed after two of these.
const PING: Duration = Duration::from_secs(30);
/// Going away (RFC 6455, 7.4.1).
pub(super) const GOING_AWAY: u16 = 1001;
pub(super) const VIOLATION: u16 = 1008;

/// What is to be written next.
pub(crate) enum Out {
    Message(String),
    Pong(bytes::Bytes),
    Close(u16, &'static str),
}

pub(super) async fn write(
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
