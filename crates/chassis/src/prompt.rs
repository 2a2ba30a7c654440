//! A connection whose first bytes must come in time: which version of HTTP they begin is waited for without any limit.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::metrics::Connected;

/// After so many the version is known, and its own limits hold: the length of HTTP/2's preface.
const FIRST: usize = 24;

pub(crate) struct Prompt {
    stream: TcpStream,
    read: usize,
    limit: Pin<Box<Sleep>>,
    _open: Open,
}

/// Held as long as the stream is there: hyper is done with a connection that became a WebSocket.
pub(crate) struct Open {
    pub(crate) _counted: Option<Connected>,
    pub(crate) _tracked: TaskTrackerToken,
}

impl Prompt {
    pub(crate) fn new(stream: TcpStream, limit: Duration, open: Open) -> Self {
        Self {
            stream,
            read: 0,
            limit: Box::pin(sleep(limit)),
            _open: open,
        }
    }
}

impl AsyncRead for Prompt {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if self.read < FIRST {
            self.read += buffer.filled().len() - before;
            if read.is_pending() && self.limit.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        read
    }
}

impl AsyncWrite for Prompt {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
