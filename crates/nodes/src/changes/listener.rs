//! One listener: reads for itself until it has caught up, then hears what all hear. It misses nothing and keeps little.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use access::Principal;
use bytes::{Bytes, BytesMut};
use store::{Error, Position};
use tokio::sync::{OwnedSemaphorePermit, broadcast};
use tokio::time::Instant;
use wire::Problem;

use super::feed::{Batch, Feed};
use super::sight::Sight;
use super::{event, place};
use crate::{keys, problem};

/// How long a listener is believed to be who it was, at most.
const BELIEVED: Duration = Duration::from_mins(1);
/// The pause after the store failed. The stream stays: a browser whose next request is refused would give up.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Listener {
    feed: Arc<Feed>,
    principal: Principal,
    models: Option<BTreeSet<String>>,
    sight: Arc<Sight>,
    news: broadcast::Receiver<Arc<Batch>>,
    /// All up to there was told, or is not for this listener.
    at: Position,
    /// Not yet as far as the news.
    is_behind: bool,
    greeting: Option<Bytes>,
    beat: Instant,
    believed: Instant,
    /// When the credential runs out.
    until: Option<Instant>,
    _seat: OwnedSemaphorePermit,
}

impl Listener {
    pub(super) async fn new(
        feed: &Arc<Feed>,
        principal: Principal,
        models: Option<BTreeSet<String>>,
        since: Option<Position>,
    ) -> Result<Self, Problem> {
        let seat = feed.seat()?;
        let news = feed.join();
        let end = feed.store.changes_end().await.map_err(problem::of_store)?;
        // A place that is still to come is another database's, such as this one before it was restored.
        let known = since.filter(|since| *since <= end);
        let at = known.unwrap_or(end);
        let id = place::seal(&feed.signer, at);
        let mut greeting = event::greeting(&id).to_vec();
        if since.is_some() && known.is_none() {
            greeting.extend(event::resync(&id));
        }
        let now = Instant::now();
        let until = principal.until.map(|until| now + time_left(until));
        let live = feed.live.load_full();
        Ok(Self {
            sight: Arc::new(Sight::new(&live, &principal, models.as_ref())),
            principal,
            models,
            news,
            at,
            is_behind: true,
            greeting: Some(greeting.into()),
            beat: now + feed.heartbeat,
            believed: now + feed.heartbeat.min(BELIEVED),
            until,
            feed: Arc::clone(feed),
            _seat: seat,
        })
    }

    /// The next words; nothing where there will be none any more.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        if let Some(greeting) = self.greeting.take() {
            return Some(greeting);
        }
        let ending = self.feed.ending.clone();
        let until = self.until;
        let lapse = async {
            match until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = ending.cancelled() => None,
            () = lapse => None,
            next = self.listen() => next,
        }
    }

    async fn listen(&mut self) -> Option<Bytes> {
        loop {
            let now = Instant::now();
            if now >= self.believed {
                self.believed = now + self.feed.heartbeat.min(BELIEVED);
                match self.is_welcome().await {
                    Ok(true) => {}
                    Ok(false) => return None,
                    Err(error) => self.pause(&error).await,
                }
            }
            if now >= self.beat {
                self.beat = now + self.feed.heartbeat;
                return Some(event::heartbeat(&place::seal(&self.feed.signer, self.at)));
            }
            match self.step().await {
                Ok(None) => {}
                Ok(Some(text)) => {
                    self.beat = Instant::now() + self.feed.heartbeat;
                    return Some(text);
                }
                Err(error) => {
                    self.is_behind = true;
                    self.pause(&error).await;
                }
            }
        }
    }

    /// Nothing where there was nothing to tell.
    async fn step(&mut self) -> Result<Option<Bytes>, Error> {
        if self.is_behind {
            return self.catch_up().await;
        }
        let wake = self.beat.min(self.believed);
        let heard = tokio::select! {
            heard = self.news.recv() => heard,
            () = tokio::time::sleep_until(wake) => return Ok(None),
        };
        match heard {
            Ok(batch) if batch.from <= self.at => self.tell(batch).await,
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {
                self.is_behind = true;
                Ok(None)
            }
            Err(broadcast::error::RecvError::Closed) => {
                self.news = self.feed.join();
                self.is_behind = true;
                Ok(None)
            }
        }
    }

    async fn catch_up(&mut self) -> Result<Option<Bytes>, Error> {
        let (feed, at) = (Arc::clone(&self.feed), self.at);
        let read = async move {
            let batch = feed.batch(at).await?;
            // Asked after reading: what was pruned before that is seen as pruned.
            let forgotten = feed.store.changes_forgotten().await?;
            if at >= forgotten {
                return Ok(Ok(batch));
            }
            feed.store.changes_end().await.map(Err)
        };
        match self.feed.apart(read).await? {
            Ok(batch) => {
                let is_full = batch.is_full;
                let told = self.tell(Arc::new(batch)).await?;
                self.is_behind = is_full;
                Ok(told)
            }
            Err(end) => {
                self.at = end;
                Ok(Some(event::resync(&place::seal(&self.feed.signer, end))))
            }
        }
    }

    /// What of the batch is new and may be seen. The place moves only once that is known.
    async fn tell(&mut self, batch: Arc<Batch>) -> Result<Option<Bytes>, Error> {
        if batch.to <= self.at {
            return Ok(None);
        }
        let live = self.feed.live.load_full();
        if !self.sight.is_of(&live) {
            self.sight = Arc::new(Sight::new(&live, &self.principal, self.models.as_ref()));
        }
        let seen = if self.sight.needs_store(&batch) {
            let (sight, store) = (Arc::clone(&self.sight), self.feed.store.clone());
            let asked = Arc::clone(&batch);
            let look = async move { sight.in_store(&store, &asked).await };
            self.feed.apart(look).await?
        } else {
            self.sight.at_once(&batch)
        };
        let mut text = BytesMut::new();
        for (told, seen) in batch.told.iter().zip(seen) {
            if seen && told.change.position > self.at {
                text.extend_from_slice(&told.text);
            }
        }
        self.at = batch.to;
        Ok((!text.is_empty()).then(|| text.freeze()))
    }

    async fn is_welcome(&self) -> Result<bool, Error> {
        let (store, id) = (self.feed.store.clone(), self.principal.id.clone());
        let ask = async move { keys::is_good(&store, &id).await };
        self.feed.apart(ask).await
    }

    async fn pause(&self, error: &Error) {
        tracing::debug!(error = %error, "A listener waits for the store");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Until a second since 1970; ten years at most, which a clock can add.
fn time_left(until: u64) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let left = until.saturating_sub(now.unwrap_or_default().as_secs());
    Duration::from_secs(left).min(Duration::from_hours(24 * 3650))
}
