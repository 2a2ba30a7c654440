//! A process's life, in order: settings, connections, socket, ready, serve, drain, exit.

use std::net::SocketAddr;
use std::num::NonZero;
use std::process::ExitCode;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::{Env, Life, Metrics, Ops, Watchdog};

/// How a process ends: DESIGN's numbers, for services behind an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drain {
    /// Serves on after the signal, so that the edge sees it leave.
    pub serve_on: Duration,
    /// Then at most so long for what is under way.
    pub finish: Duration,
}

impl Drain {
    pub const SERVICE: Self = Self {
        serve_on: Duration::from_secs(3),
        finish: Duration::from_secs(25),
    };
    /// On a laptop nobody stands in front.
    pub const EMBEDDED: Self = Self {
        serve_on: Duration::ZERO,
        finish: Duration::from_secs(10),
    };
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// All of them; the process exits 64.
    #[error("{}", .0.join("\n"))]
    Settings(Vec<String>),
    #[error("cannot listen on {address}: {source}")]
    Bind {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
    #[error("{0}")]
    Service(String),
}

/// What a service's `main` is handed.
pub struct Process {
    pub env: Env,
    pub life: Life,
    pub metrics: Metrics,
    pub tasks: TaskTracker,
    /// What the program was told to do instead of serving.
    pub command: Option<String>,
    service: &'static str,
}

impl Process {
    /// For processes that have a `main` of their own; signals and runtime are theirs.
    pub fn new(service: &'static str, env: Env) -> Self {
        Self {
            env,
            life: Life::default(),
            metrics: Metrics::new(service),
            tasks: TaskTracker::new(),
            command: None,
            service,
        }
    }

    pub async fn bind(&self, address: SocketAddr) -> Result<TcpListener, Error> {
        crate::bind(address).await
    }

    /// Says that traffic may come.
    pub fn ready(&self) {
        self.life.ready();
        tracing::info!(service = self.service, version = crate::VERSION, "ready");
    }

    pub fn stopping(&self) -> CancellationToken {
        self.life.stopping()
    }

    /// Starts the ops port and the watchdog over `health`.
    pub async fn watch(
        &self,
        address: SocketAddr,
        health: crate::HealthOf,
    ) -> Result<SocketAddr, Error> {
        let listener = self.bind(address).await?;
        let bound = listener
            .local_addr()
            .map_err(|source| Error::Bind { address, source })?;
        let ops = Ops {
            service: self.service,
            life: self.life.clone(),
            metrics: self.metrics.clone(),
            health,
        };
        Watchdog::start(&self.tasks, &self.life, std::sync::Arc::clone(&ops.health));
        self.tasks
            .spawn(crate::ops::serve(listener, ops, self.life.clone()));
        Ok(bound)
    }

    /// Follows signals: the first drains, the second abandons. Returns at once.
    pub fn follow_signals(&self, drain: Drain) -> Result<(), Error> {
        let failed =
            |error: std::io::Error| Error::Service(format!("signals cannot be followed: {error}"));
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let life = self.life.clone();
        let (stopping, abandoned) = (life.stopping(), life.abandoned());
        self.tasks.spawn(async move {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            life.drain();
            tracing::info!("draining");
            tokio::select! {
                () = tokio::time::sleep(drain.serve_on) => stopping.cancel(),
                _ = terminate.recv() => {},
                _ = interrupt.recv() => {},
            }
            if stopping.is_cancelled() {
                tokio::select! {
                    () = tokio::time::sleep(drain.finish) => tracing::warn!("the drain did not end in time"),
                    _ = terminate.recv() => {},
                    _ = interrupt.recv() => {},
                }
            }
            // In this order, so that an abandoned process never looks like one that drained.
            abandoned.cancel();
            stopping.cancel();
        });
        Ok(())
    }
}

/// Runs a service's life, or what else its first argument names. `<service> healthcheck` asks the running one instead.
pub fn run<F: Future<Output = Result<(), Error>>>(
    service: &'static str,
    life: impl FnOnce(Process) -> F,
) -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next();
    if command.as_deref() == Some("healthcheck") {
        let all = arguments.next().as_deref() == Some("--report");
        return crate::probe::healthcheck(service, all);
    }
    crate::start_logs(crate::logs::filter().as_deref());
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(error = %error, "the runtime cannot start");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(async {
        let process = Process {
            command,
            ..Process::new(service, Env::of_process(service))
        };
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        tracing::info!(service, version = crate::VERSION, threads, "starting");
        process.follow_signals(Drain::SERVICE)?;
        let abandoned = process.life.abandoned();
        tokio::select! {
            biased;
            () = abandoned.cancelled() => Err(Error::Service("stopped before what was under way had ended".to_owned())),
            outcome = life(process) => outcome,
        }
    });
    // Whatever still runs was told to end and had its time.
    runtime.shutdown_timeout(Duration::from_millis(100));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ Error::Settings(_)) => {
            tracing::error!(error = %error, "the settings have faults");
            ExitCode::from(64)
        }
        Err(error) => {
            tracing::error!(error = %error, "{service} ends");
            ExitCode::FAILURE
        }
    }
}
