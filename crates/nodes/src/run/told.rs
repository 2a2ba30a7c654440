//! `run.heed`, and what processes tell each other: that runs may go on, and which were told to end or sent a signal.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use store::{RunNews, Store};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, broadcast};
use uuid::Uuid;
use wire::run::Told;
use wire::{Answer, Body, Content, Media, Meta};

use super::Runs;

/// What a listener may be behind before it is told that it missed something.
const BUFFERED: usize = 1024;
/// Of runs that are told of in one word to others, which has at most 8,000 bytes.
const AT_ONCE: usize = 100;
/// So often a listener hears that it is still connected.
const HEARTBEAT: Duration = Duration::from_secs(10);

pub(super) struct Telling {
    /// To whoever holds runs and listens here.
    told: broadcast::Sender<Told>,
    /// Runs that others are to be told of.
    untold: Mutex<HashSet<Uuid>>,
    to_tell: Arc<Notify>,
    begun: Once,
    hears: Once,
    /// This process among others.
    own: Uuid,
}

impl Default for Telling {
    fn default() -> Self {
        Self {
            told: broadcast::Sender::new(BUFFERED),
            untold: Mutex::default(),
            to_tell: Arc::default(),
            begun: Once::new(),
            hears: Once::new(),
            own: Uuid::now_v7(),
        }
    }
}

impl Telling {
    fn untold(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Of those, and that there is something to look for.
    async fn tell(&self, store: &Store) {
        let runs: Vec<_> = self.untold().drain().collect();
        let mut rest = runs.as_slice();
        loop {
            let (next, more) = rest.split_at(rest.len().min(AT_ONCE));
            // Who is not told looks by itself after a while.
            if let Err(error) = store.tell_of_runs(self.own, next).await {
                tracing::debug!(error = %error, "others cannot be told of runs");
            }
            rest = more;
            if rest.is_empty() {
                return;
            }
        }
    }
}

impl Runs {
    /// Whoever holds one of these hears at once that it was cancelled or sent a signal, wherever it listens.
    pub(super) fn steer(self: &Arc<Self>, runs: &[Uuid]) {
        for run in runs {
            // Nobody may listen.
            let _ = self.telling.told.send(Told::Run(*run));
        }
        if !runs.is_empty() {
            self.telling.untold().extend(runs);
            self.tell_others();
        }
    }

    /// From now on others tell this process of runs.
    pub(super) fn hear(self: &Arc<Self>) {
        self.telling.hears.call_once(|| {
            let runs = Arc::downgrade(self);
            self.store.hear_runs(self.telling.own, move |news| {
                let Some(runs) = runs.upgrade() else {
                    return;
                };
                runs.news.notify_one();
                match news {
                    RunNews::Missed => drop(runs.telling.told.send(Told::Any)),
                    RunNews::Told(told) => {
                        for run in told {
                            let _ = runs.telling.told.send(Told::Run(run));
                        }
                    }
                }
            });
        });
    }

    /// One word at a time, whatever happens meanwhile.
    pub(super) fn tell_others(self: &Arc<Self>) {
        self.telling.to_tell.notify_one();
        self.telling.begun.call_once(|| {
            let to_tell = Arc::clone(&self.telling.to_tell);
            let (runs, ending) = (Arc::downgrade(self), self.ending.clone());
            self.tasks.spawn(async move {
                let told = || ending.run_until_cancelled(to_tell.notified());
                while told().await.is_some()
                    && let Some(runs) = runs.upgrade()
                {
                    runs.telling.tell(&runs.store).await;
                }
            });
        });
    }
}

/// First that anything may have been missed before.
pub(super) fn heed(runs: &Arc<Runs>) -> Answer {
    runs.hear();
    let told = runs.telling.told.subscribe();
    let first = stream::once(async { Told::Any.event() });
    let rest = stream::unfold(told, async |mut told| {
        let next = tokio::time::timeout(HEARTBEAT, told.recv()).await;
        let event = match next {
            Err(_) => ":\n\n".to_owned(),
            Ok(Ok(told)) => told.event(),
            Ok(Err(RecvError::Lagged(_))) => Told::Any.event(),
            Ok(Err(RecvError::Closed)) => return None,
        };
        Some((event, told))
    });
    let told = first.chain(rest).map(|event| Ok(Bytes::from(event)));
    let told = told.take_until(runs.ending.clone().cancelled_owned());
    Answer {
        meta: Meta::default(),
        body: Body {
            media: Media::EventStream,
            content: Content::Stream(told.boxed()),
        },
    }
}
