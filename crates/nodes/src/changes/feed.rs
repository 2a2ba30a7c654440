//! One reader of the outbox for the process, as long as anybody listens; batches go to every listener.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use access::{Grant, Signer};
use arc_swap::ArcSwap;
use bytes::Bytes;
use model::Limits;
use store::{Change, Error, Position, Store};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore, broadcast};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;
use wire::Problem;

use super::{event, full, place};
use crate::live::Live;

/// Changes that are read at once.
const BATCH: u64 = 500;
/// Batches that a listener may be behind before it reads for itself.
const BUFFERED: usize = 16;
/// How often others' writes are looked for. Own ones are told at once.
const POLL: Duration = Duration::from_millis(100);
/// Writes gather for so long between two looks, so that a flood of them costs few statements.
const GATHER: Duration = Duration::from_millis(10);
/// The pause after the store failed.
const PAUSE: Duration = Duration::from_secs(1);
/// Listeners that use the store at once; the rest of it is for calls.
const TURNS: usize = 4;

pub(crate) struct Feed {
    pub(super) store: Store,
    pub(super) live: Arc<ArcSwap<Live>>,
    pub(super) signer: Signer,
    pub(super) heartbeat: Duration,
    most: usize,
    seats: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    /// Of the reader, while there is one.
    told: Mutex<Option<broadcast::Sender<Arc<Batch>>>>,
    tasks: TaskTracker,
    pub(super) ending: CancellationToken,
}

/// Changes in their order, without a gap: all that came after `from` up to `to`.
pub(super) struct Batch {
    pub(super) from: Position,
    pub(super) to: Position,
    pub(super) told: Vec<Told>,
    /// There may be more.
    pub(super) is_full: bool,
    found: Mutex<HashMap<usize, Found>>,
}

/// Records of a batch that callers with the same grant may read. Held with the grant, whose address is the key.
type Found = (Arc<Grant>, Arc<OnceCell<HashSet<Uuid>>>);

pub(super) struct Told {
    pub(super) change: Change,
    /// The event, the same for everyone.
    pub(super) text: Bytes,
}

impl Batch {
    /// Asked once for all callers of one standing, who are many where anyone may listen.
    pub(super) async fn found(
        &self,
        grant: &Arc<Grant>,
        ask: impl Future<Output = Result<HashSet<Uuid>, Error>>,
    ) -> Result<Arc<OnceCell<HashSet<Uuid>>>, Error> {
        let cell = {
            let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
            let new = || (Arc::clone(grant), Arc::default());
            let (_, cell) = found.entry(Arc::as_ptr(grant).addr()).or_insert_with(new);
            Arc::clone(cell)
        };
        cell.get_or_try_init(|| ask).await?;
        Ok(cell)
    }
}

impl Feed {
    pub(crate) fn new(
        store: Store,
        live: Arc<ArcSwap<Live>>,
        signer: Signer,
        limits: &Limits,
    ) -> Arc<Self> {
        Arc::new(Self {
            store,
            live,
            signer,
            heartbeat: limits.heartbeat,
            most: limits.listeners,
            seats: Arc::new(Semaphore::new(limits.listeners.min(Semaphore::MAX_PERMITS))),
            turns: Arc::new(Semaphore::new(TURNS)),
            told: Mutex::default(),
            tasks: TaskTracker::new(),
            ending: CancellationToken::new(),
        })
    }

    /// Ends every stream and the reader.
    pub(crate) async fn end(&self) {
        self.ending.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    pub(super) fn seat(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let seat = Arc::clone(&self.seats).try_acquire_owned();
        seat.map_err(|_| full(self.most))
    }

    /// What the reader tells from now on. The first listener starts it.
    pub(super) fn join(self: &Arc<Self>) -> broadcast::Receiver<Arc<Batch>> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = &*told {
            return sender.subscribe();
        }
        let (sender, receiver) = broadcast::channel(BUFFERED);
        *told = Some(sender.clone());
        self.tasks.spawn(Arc::clone(self).read(sender));
        receiver
    }

    /// Under the lock of [`Feed::join`], so that nobody joins a reader that is about to leave.
    fn has_ended(&self, sender: &broadcast::Sender<Arc<Batch>>) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = sender.receiver_count() == 0 || self.ending.is_cancelled();
        if ended {
            *told = None;
        }
        ended
    }

    async fn read(self: Arc<Self>, sender: broadcast::Sender<Arc<Batch>>) {
        let mut from = None;
        while !self.has_ended(&sender) {
            let step = self.step(&mut from, &sender);
            tokio::select! {
                () = self.ending.cancelled() => {}
                stepped = step => if let Err(error) = stepped {
                    tracing::warn!(error = %error, "The changes cannot be read now");
                    tokio::time::sleep(PAUSE).await;
                },
            }
        }
    }

    async fn step(
        &self,
        from: &mut Option<Position>,
        sender: &broadcast::Sender<Arc<Batch>>,
    ) -> Result<(), Error> {
        let begin = match *from {
            Some(begin) => begin,
            None => *from.insert(self.store.changes_end().await?),
        };
        let batch = self.batch(begin).await?;
        *from = Some(batch.to);
        let is_full = batch.is_full;
        if !batch.told.is_empty() {
            // Nobody is left to tell: that is seen before the next step.
            let _ = sender.send(Arc::new(batch));
        }
        if !is_full {
            tokio::time::sleep(GATHER).await;
            // Whichever comes first: own writes, or time to look for others'.
            let _ = tokio::time::timeout(POLL, self.store.written()).await;
        }
        Ok(())
    }

    pub(super) async fn batch(&self, from: Position) -> Result<Batch, Error> {
        let changes = self.store.changes(from, BATCH).await?;
        let is_full = changes.len() as u64 == BATCH;
        let told = changes.into_iter().map(|change| {
            let id = place::seal(&self.signer, change.position);
            let text = event::change(&id, &change);
            Told { change, text }
        });
        let told: Vec<_> = told.collect();
        Ok(Batch {
            from,
            to: told.last().map_or(from, |last| last.change.position),
            told,
            is_full,
            found: Mutex::default(),
        })
    }

    /// On a task of its own: a listener that stops reading is not polled, and must not keep a connection or a turn.
    pub(super) async fn apart<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let turns = Arc::clone(&self.turns);
        let task = self.tasks.spawn(async move {
            // Never closed; without a turn it would be done all the same.
            let _turn = turns.acquire().await;
            work.await
        });
        let ended = |error| Error::Internal(format!("a listener's work ended: {error}"));
        task.await.unwrap_or_else(|error| Err(ended(error)))
    }
}
