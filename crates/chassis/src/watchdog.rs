//! Ends a process that is wedged, so that whoever supervises it starts a new one: Docker does not restart the unhealthy.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio_util::task::TaskTracker;

use crate::{HealthOf, Life};

/// How long the event loop, or the answer to a health question, may be stuck.
const LIMIT: Duration = Duration::from_secs(30);

pub struct Watchdog;

impl Watchdog {
    /// A thread of its own watches a counter that the event loop raises.
    pub fn start(tasks: &TaskTracker, life: &Life, health: HealthOf) {
        Self::start_with(tasks, life, health, LIMIT);
    }

    pub fn start_with(tasks: &TaskTracker, life: &Life, health: HealthOf, limit: Duration) {
        let (turns, answers) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let beat = limit / 10;
        let (counter, stopping) = (Arc::clone(&turns), life.stopping());
        tasks.spawn(async move {
            while tokio::time::timeout(beat, stopping.cancelled())
                .await
                .is_err()
            {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        });
        let (counter, stopping) = (Arc::clone(&answers), life.stopping());
        tasks.spawn(async move {
            while tokio::time::timeout(beat, stopping.cancelled())
                .await
                .is_err()
            {
                // Down is an answer too; only silence is not.
                health().await;
                counter.fetch_add(1, Ordering::Relaxed);
            }
        });
        let stopping = life.stopping();
        let watch = move || {
            let mut watched = [
                Watched::new("the event loop", turns),
                Watched::new("the store's answer", answers),
            ];
            while !stopping.is_cancelled() {
                std::thread::sleep(beat);
                if let Some(stuck) = watched.iter_mut().find_map(|watched| watched.stuck(limit)) {
                    tracing::error!(
                        limit_s = limit.as_secs(),
                        "{stuck} is stuck; the process ends itself"
                    );
                    std::process::abort();
                }
            }
        };
        let started = std::thread::Builder::new()
            .name("gantry-watchdog".to_owned())
            .spawn(watch);
        if let Err(error) = started {
            tracing::warn!(error = %error, "the watchdog cannot start");
        }
    }
}

struct Watched {
    what: &'static str,
    counter: Arc<AtomicU64>,
    last: u64,
    since: Instant,
}

impl Watched {
    fn new(what: &'static str, counter: Arc<AtomicU64>) -> Self {
        Self {
            what,
            counter,
            last: 0,
            since: Instant::now(),
        }
    }

    fn stuck(&mut self, limit: Duration) -> Option<&'static str> {
        let now = self.counter.load(Ordering::Relaxed);
        if now != self.last {
            (self.last, self.since) = (now, Instant::now());
        }
        (self.since.elapsed() > limit).then_some(self.what)
    }
}
