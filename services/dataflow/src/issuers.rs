//! The keys of issuers, kept as new as they are where they come from.

mod source;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use access::jwt::Issuers;
use model::Auth;
use nodes::{KeyWish, Tokens};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use source::Source;

/// Wishes that wait for one issuer's keys; more go on with what is there.
const WISHES: usize = 256;

/// How often keys are looked for.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// At an address, unasked.
    address: Duration,
    /// In a file, which costs nothing.
    file: Duration,
    /// After a failure.
    again: Duration,
    /// Because a token names a key that is not there, at most: anybody can name one.
    wished: Duration,
    /// How long keys are good whose issuer does not answer.
    stale: Duration,
}

const PACE: Pace = Pace {
    address: Duration::from_mins(10),
    file: Duration::from_secs(2),
    again: Duration::from_secs(30),
    wished: Duration::from_secs(30),
    stale: Duration::from_hours(24),
};

/// One keeper for each issuer, from [`Keeping::begin`] to [`Keeping::end`].
#[derive(Default)]
pub(crate) struct Keeping {
    waiting: Mutex<Vec<Keeper>>,
    ended: CancellationToken,
}

struct Keeper {
    place: usize,
    name: String,
    source: Source,
    issuers: Arc<Issuers>,
    wishes: mpsc::Receiver<KeyWish>,
    pace: Pace,
    /// When keys were last looked for, and last there.
    looked: Instant,
    found: Option<Instant>,
    /// When a wish was last heeded.
    heeded: Option<Instant>,
    trouble: Option<String>,
}

impl Keeping {
    /// Files are relative to `root`. No key is there before this begins.
    pub(crate) fn new(auth: Auth, root: &Path) -> (Tokens, Self) {
        Self::with(auth, root, PACE)
    }

    fn with(auth: Auth, root: &Path, pace: Pace) -> (Tokens, Self) {
        let named = auth.issuers.iter();
        let sources: Vec<_> = named
            .map(|issuer| (issuer.name.clone(), Source::of(issuer, root)))
            .collect();
        let issuers = Arc::new(Issuers::new(auth));
        let (mut senders, mut keepers) = (Vec::new(), Vec::new());
        for (place, (name, source)) in sources.into_iter().enumerate() {
            let (sender, wishes) = mpsc::channel(WISHES);
            senders.push(sender);
            keepers.push(Keeper {
                place,
                name,
                source,
                issuers: Arc::clone(&issuers),
                wishes,
                pace,
                looked: Instant::now(),
                found: None,
                heeded: None,
                trouble: None,
            });
        }
        let tokens = Tokens {
            issuers,
            wishes: senders,
        };
        let keeping = Self {
            waiting: Mutex::new(keepers),
            ended: CancellationToken::new(),
        };
        (tokens, keeping)
    }

    pub(crate) fn begin(&self, tasks: &TaskTracker) {
        let keepers =
            std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        for keeper in keepers {
            let ended = self.ended.clone();
            tasks.spawn(ended.run_until_cancelled_owned(keeper.keep()));
        }
    }

    pub(crate) fn end(&self) {
        self.ended.cancel();
    }
}

impl Keeper {
    async fn keep(mut self) {
        self.look().await;
        loop {
            let pause = match (&self.source, &self.trouble) {
                (Source::File { .. }, _) => self.pace.file,
                (Source::Address { .. }, None) => self.pace.address,
                (Source::Address { .. }, Some(_)) => self.pace.again,
            };
            let next = self.looked + pause;
            tokio::select! {
                wish = self.wishes.recv() => {
                    let Some(wish) = wish else { return };
                    self.heed(wish).await;
                }
                () = tokio::time::sleep_until(next) => self.look().await,
            }
        }
    }

    async fn heed(&mut self, wish: KeyWish) {
        let is_new = self.looked > wish.made;
        let heeded = self.heeded;
        let is_soon = heeded.is_some_and(|heeded| heeded.elapsed() < self.pace.wished);
        if !is_new && !is_soon {
            self.heeded = Some(Instant::now());
            self.look().await;
        }
        // Who wished may have given up.
        let _ = wish.done.send(());
    }

    async fn look(&mut self) {
        self.looked = Instant::now();
        match self.source.read().await {
            Ok(keys) => {
                self.issuers.learn(self.place, keys);
                if self.found.is_none() || self.trouble.is_some() {
                    tracing::info!(issuer = self.name, "The keys of an issuer are there");
                }
                self.found = Some(self.looked);
                self.trouble = None;
            }
            Err(why) => {
                let found = self.found;
                let is_stale = found.is_none_or(|found| found.elapsed() > self.pace.stale);
                self.issuers.fail(self.place, why.clone(), is_stale);
                if self.trouble.as_ref() != Some(&why) {
                    tracing::warn!(
                        issuer = self.name,
                        "The keys of an issuer cannot be had: {why}"
                    );
                }
                self.trouble = Some(why);
            }
        }
    }
}
