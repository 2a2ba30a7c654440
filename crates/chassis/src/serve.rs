//! HTTP for all services: limits on slow clients, graceful end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::FutureExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::prompt::{Open, Prompt};
use crate::{Env, Error, Metrics};

/// What a client may take its time for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpLimits {
    /// From the connection or the last answer to the end of the next request's head.
    pub head: Duration,
    /// Bytes of a request's head.
    pub head_bytes: usize,
    /// Connections at once; more wait to be accepted.
    pub connections: usize,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(30),
            head_bytes: 64 * 1024,
            connections: 10_000,
        }
    }
}

impl HttpLimits {
    /// `HEAD_TIME_MS`, `HEAD_BYTES` and `CONNECTIONS`.
    pub fn load(env: &Env) -> Self {
        let usual = Self::default();
        Self {
            head: env.time("HEAD_TIME_MS", usual.head),
            head_bytes: env.or("HEAD_BYTES", usual.head_bytes),
            connections: env.or("CONNECTIONS", usual.connections),
        }
    }
}

/// A listener that can be bound again at once after a restart.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address)
        .await
        .map_err(|source| Error::Bind { address, source })
}

/// Serves until `stopping`, then ends what is under way; returns when that has ended. Connections are counted in
/// `metrics`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: HttpLimits,
    metrics: Option<Metrics>,
    stopping: CancellationToken,
) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(limits.head_bytes.max(8 * 1024))
        // Answers are short, so copying them together costs less than writing from several places. Not by
        // `pipeline_flush`, under which hyper takes the whole of a stream in, however slowly its client reads.
        .writev(false);
    let head_bytes = u32::try_from(limits.head_bytes).unwrap_or(u32::MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(head_bytes)
        .keep_alive_interval(limits.head)
        .keep_alive_timeout(limits.head)
        .max_concurrent_streams(256);
    let graceful = GracefulShutdown::new();
    let connections = TaskTracker::new();
    let places = Arc::new(Semaphore::new(limits.connections));
    let serve_one = |stream: TcpStream, place: OwnedSemaphorePermit| {
        let open = Open {
            _counted: metrics.as_ref().map(Metrics::connected),
            _tracked: connections.token(),
        };
        let stream = Prompt::new(stream, limits.head, open);
        let served = connection(&builder, stream, router.clone(), &graceful);
        connections.spawn(async move {
            served.await;
            // WebSockets have a limit of their own: those that are idle must not keep requests out.
            drop(place);
        });
    };
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = stopping.cancelled() => break,
        };
        match accepted {
            Ok((stream, place)) => serve_one(stream, place),
            Err(error) => {
                // Out of file descriptors: the next may do better, and a busy loop helps nobody.
                tracing::warn!(error = %error, "a connection cannot be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    // For these clients the connection is made, and their request may be on its way.
    while let Some(Ok((stream, place))) = accept(&listener, &places).now_or_never() {
        serve_one(stream, place);
    }
    drop(listener);
    graceful.shutdown().await;
    connections.close();
    connections.wait().await;
}

/// Waits for a place first, so that clients beyond the limit queue where they cost nothing.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await;
    let place = place.map_err(std::io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    // Answers are one write each: waiting for more only adds delay.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error = %error, "a connection keeps its delay");
    }
    Ok((stream, place))
}

fn connection(
    builder: &Builder<TokioExecutor>,
    stream: Prompt,
    router: Router,
    graceful: &GracefulShutdown,
) -> impl Future<Output = ()> + Send + 'static {
    let connection = builder
        .serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(router))
        .into_owned();
    let watched = graceful.watch(connection);
    async move {
        if let Err(error) = watched.await {
            // The client's doing: gone, malformed, too slow.
            tracing::debug!(error = %error, "a connection ended early");
        }
    }
}
