//! Claims runs that may go on, and carries them out until it is to stop.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wire::run::{Claim, Claimed, Held};
use wire::{Calls, Code, Problem};

use crate::asking::Asking;
use crate::definitions::Definitions;
use crate::drive::{self, Means};
use crate::heeding::heed;
use crate::leases::Leases;
use crate::observing::{Observer, Seen};
use crate::outside::{Outside, Outsides};
use crate::tidings::Tidings;
use crate::{Settings, retry, time};

/// How long one claim waits for a run.
const CLAIM_WAIT: Duration = Duration::from_secs(20);
/// What a claim may take beyond its wait.
const CLAIM_GRACE: Duration = Duration::from_secs(10);
/// Runs that are given back have so long to be told.
const FAREWELL: Duration = Duration::from_secs(2);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Carries out the runs of a dataflow's project, beside any number of others.
pub struct Engine {
    means: Means,
    settings: Settings,
    leases: Arc<Leases>,
    holder: Uuid,
}

type Claiming<'a> = Pin<Box<dyn Future<Output = Result<Option<Vec<Held>>, Problem>> + Send + 'a>>;

impl Engine {
    pub fn new(calls: Arc<dyn Calls>, settings: Settings) -> Self {
        let outside = Outsides::new(&settings.reach);
        Self {
            means: Means {
                asking: Asking(calls),
                definitions: Arc::new(Definitions::default()),
                outside: Arc::new(outside),
                tidings: Tidings::default(),
                observer: Observer::default(),
                draining: CancellationToken::new(),
                over: CancellationToken::new(),
            },
            settings,
            leases: Arc::default(),
            holder: Uuid::now_v7(),
        }
    }

    /// Takes the place of the outside node of the same name.
    #[must_use]
    pub fn with(mut self, outside: Arc<dyn Outside>) -> Self {
        if let Some(outsides) = Arc::get_mut(&mut self.means.outside) {
            outsides.put(outside);
        }
        self
    }

    /// Told of its runs.
    #[must_use]
    pub fn telling(mut self, tidings: Tidings) -> Self {
        self.means.tidings = tidings;
        self
    }

    /// Told of what its runs and steps come to.
    #[must_use]
    pub fn observed_by(mut self, observer: Observer) -> Self {
        self.means.observer = observer;
        self
    }

    /// Until `stopping`, then until what is under way has ended or was given back. Dropped, it leaves everything as
    /// it stands: others go on once the leases have run out.
    pub async fn run(self, stopping: CancellationToken) {
        let work = async {
            let mut runs = JoinSet::new();
            self.claim(&mut runs, &stopping).await;
            self.drain(runs).await;
        };
        tokio::select! {
            () = work => {}
            () = self.leases.renew(&self.means.asking) => {}
            () = heed(&self.means.asking, &self.leases) => {}
        }
    }

    async fn claim(&self, runs: &mut JoinSet<()>, stopping: &CancellationToken) {
        let mut claiming: Option<Claiming<'_>> = None;
        let mut pause = FIRST_PAUSE;
        loop {
            let free = self.free(runs.len());
            if claiming.is_none() && free > 0 {
                claiming = Some(Box::pin(self.claim_once(free)));
            }
            let claimed = async {
                match &mut claiming {
                    Some(claiming) => claiming.await,
                    None => std::future::pending().await,
                }
            };
            let claimed = tokio::select! {
                () = stopping.cancelled() => return,
                Some(ended) = runs.join_next(), if !runs.is_empty() => {
                    if let Err(error) = ended {
                        tracing::error!(error = %error, "a run was dropped");
                    }
                    self.means.observer.see(Seen::UnderWay(runs.len()));
                    continue;
                }
                claimed = claimed => claimed,
            };
            claiming = None;
            match claimed {
                Ok(Some(claimed)) => {
                    pause = FIRST_PAUSE;
                    for held in claimed {
                        self.begin(runs, held);
                    }
                    self.means.observer.see(Seen::UnderWay(runs.len()));
                }
                // After a pause.
                Ok(None) => {}
                Err(problem) => {
                    if problem.code != Code::Unavailable {
                        let code = problem.code.as_str();
                        tracing::warn!(code, "runs cannot be claimed: {problem}");
                    }
                    claiming = Some(Box::pin(async move {
                        tokio::time::sleep(pause.mul_f64(0.5 + retry::chance() / 2.0)).await;
                        Ok(None)
                    }));
                    pause = LONGEST_PAUSE.min(pause * 2);
                }
            }
        }
    }

    fn free(&self, under_way: usize) -> u32 {
        let under_way = u32::try_from(under_way).unwrap_or(u32::MAX);
        self.settings
            .runs
            .saturating_sub(under_way)
            .min(Claim::MOST)
    }

    /// None come at once only where dataflow ends: nobody is to ask it again and again.
    async fn claim_once(&self, most: u32) -> Result<Option<Vec<Held>>, Problem> {
        let begun = Instant::now();
        let claim = Claim {
            holder: self.holder,
            most,
            wait_ms: u32::try_from(CLAIM_WAIT.as_millis()).unwrap_or(u32::MAX),
        };
        let within = CLAIM_WAIT + CLAIM_GRACE;
        let claimed: Claimed = self
            .means
            .asking
            .hidden_once("claim", &claim, within)
            .await?;
        if claimed.runs.is_empty() && begun.elapsed() < CLAIM_WAIT / 2 {
            return Err(Problem::new(Code::Unavailable).detail("nobody waits for runs there"));
        }
        Ok(Some(claimed.runs))
    }

    fn begin(&self, runs: &mut JoinSet<()>, held: Held) {
        let (run, lease) = (held.run.id, held.lease);
        if held.fresh {
            self.means.observer.see(Seen::Begun {
                workflow: &held.run.workflow,
                waited: time::between(&held.run.created_at, held.run.started_at.as_deref()),
            });
        }
        let news = self.leases.keep(&held, Instant::now());
        let means = self.means.clone();
        let kept = Kept {
            leases: Arc::clone(&self.leases),
            run,
            lease,
        };
        runs.spawn(async move {
            drive::carry(&means, held, news).await;
            drop(kept);
        });
    }

    async fn drain(&self, mut runs: JoinSet<()>) {
        self.means.draining.cancel();
        if self.end_within(self.settings.grace, &mut runs).await {
            return;
        }
        self.means.over.cancel();
        if !self.end_within(FAREWELL, &mut runs).await {
            tracing::warn!(runs = runs.len(), "runs are left to their leases");
        }
    }

    async fn end_within(&self, time: Duration, runs: &mut JoinSet<()>) -> bool {
        let ended = async {
            while runs.join_next().await.is_some() {
                self.means.observer.see(Seen::UnderWay(runs.len()));
            }
        };
        tokio::time::timeout(time, ended).await.is_ok()
    }
}

/// A lease is renewed as long as its run is carried out, however that ends.
struct Kept {
    leases: Arc<Leases>,
    run: Uuid,
    lease: Uuid,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.leases.forget(self.run, self.lease);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures_util::future::BoxFuture;
    use wire::{Answer, Call, Caller, Catalogue, Health, Reached};

    use super::*;

    /// Has no runs, and says so at once.
    #[derive(Default)]
    struct Ending(AtomicU32);

    impl Calls for Ending {
        fn call(&self, _: Call) -> Reached<'_, Answer> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Box::pin(async { Ok(Answer::json(&b"{\"runs\":[]}"[..])) })
        }

        fn catalogue<'a>(&'a self, _: &'a Caller) -> Reached<'a, Arc<Catalogue>> {
            Box::pin(async { Err(Problem::new(Code::Unavailable)) })
        }

        fn health(&self) -> BoxFuture<'_, Health> {
            Box::pin(std::future::pending())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_dataflow_that_ends_is_not_asked_again_and_again() {
        let calls = Arc::new(Ending::default());
        let engine = Engine::new(Arc::clone(&calls) as Arc<dyn Calls>, Settings::default());
        let stopping = CancellationToken::new();
        let running = engine.run(stopping.clone());
        let passing = async {
            tokio::time::sleep(Duration::from_secs(10)).await;
            stopping.cancel();
        };
        tokio::join!(running, passing);
        let asked = calls.0.load(Ordering::SeqCst);
        assert!((3..15).contains(&asked), "{asked}");
    }
}
