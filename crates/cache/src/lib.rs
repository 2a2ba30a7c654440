//! Answers that may be given again: in Redis for all replicas, or in this process. The only Redis.
//!
//! Each model has an *epoch*, a random token. An answer is kept with the epochs, as they were before the database was
//! asked, of the models that it was made of, and counts while they still are the same. A write gives its models new
//! ones after its commit and before its answer. They are no counters, so that one which was lost makes nothing valid.

mod error;
mod here;
mod there;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::{BufMut as _, Bytes, BytesMut};

pub use error::Error;
use here::Here;
pub use there::Server;
use there::There;

/// Larger answers are not kept: they cost the database less than they cost here.
const MOST_BYTES: usize = 1 << 20;
const EPOCH_LEN: usize = 16;
/// What begins so is no model's: there may be very many of them, and what is made of one is kept for seconds.
pub const SHORT: &str = "session:";

pub type Key = [u8; 32];
type Epoch = [u8; EPOCH_LEN];

/// Where answers are to be kept.
#[derive(Debug, Clone)]
pub enum Place {
    /// In this process: right where it alone serves the data.
    Here,
    There(Server),
}

pub struct Cache {
    kept: Kept,
    owed: Mutex<Owed>,
}

enum Kept {
    Here(Here),
    There(Box<There>),
}

/// Models that were written to without their epochs having been renewed. None of them is read from here until that is
/// made good.
#[derive(Default)]
struct Owed {
    /// When each was last written to.
    models: HashMap<String, u64>,
    writes: u64,
}

/// What is known of a question.
pub enum Looked {
    Found(Bytes),
    /// The database must be asked; its answer may be kept.
    Missed(Ticket),
    /// The database must be asked, and nothing be kept.
    Off,
}

/// What the models' epochs were before the database was asked.
pub struct Ticket {
    key: Key,
    epochs: Vec<Epoch>,
    since: Instant,
}

/// What stands under a key, and the models' epochs.
struct Found {
    value: Option<Bytes>,
    epochs: Vec<Epoch>,
}

impl Cache {
    /// Never connects. Whose data it is stands in `namespace`: others may use the same Redis.
    pub fn new(place: &Place, namespace: &str) -> Self {
        Self {
            kept: match place {
                Place::Here => Kept::Here(Here::default()),
                Place::There(server) => Kept::There(Box::new(There::new(server, namespace))),
            },
            owed: Mutex::default(),
        }
    }

    /// `models` are those that the answer is made of, always in the same order for the same key.
    pub async fn look(&self, key: Key, models: &[&str]) -> Looked {
        if self.owes(models) && (self.settle().await.is_err() || self.owes(models)) {
            return Looked::Off;
        }
        let since = Instant::now();
        let found = match &self.kept {
            Kept::Here(here) => here.find(&key, models),
            Kept::There(there) => there.find(&key, models).await,
        };
        let Ok(Found { value, epochs }) = found else {
            return Looked::Off;
        };
        match value.and_then(|value| valid(&value, &epochs)) {
            Some(answer) => Looked::Found(answer),
            None => Looked::Missed(Ticket { key, epochs, since }),
        }
    }

    /// Keeps what the database answered, until so long after [`Cache::look`].
    pub async fn keep(&self, ticket: Ticket, answer: &[u8], time: Duration) {
        let time = time.saturating_sub(ticket.since.elapsed());
        if answer.len() > MOST_BYTES || time < Duration::from_millis(1) {
            return;
        }
        let mut value = BytesMut::with_capacity(ticket.epochs.len() * EPOCH_LEN + answer.len());
        for epoch in &ticket.epochs {
            value.put_slice(epoch);
        }
        value.put_slice(answer);
        match &self.kept {
            Kept::Here(here) => here.keep(ticket.key, value.freeze(), time),
            Kept::There(there) => there.keep(&ticket.key, &value, time).await,
        }
    }

    /// Begun before anything is committed.
    pub fn change(&self) -> Change<'_> {
        Change {
            cache: self,
            models: BTreeSet::new(),
        }
    }

    /// Asks for something that only a server which takes our password and our writes can do.
    pub async fn ping(&self) -> Result<(), Error> {
        let Kept::There(there) = &self.kept else {
            return Ok(());
        };
        there.ping().await?;
        self.settle().await
    }

    /// Whether there is a server that could be away.
    pub fn is_remote(&self) -> bool {
        matches!(self.kept, Kept::There(_))
    }

    async fn renew(&self, models: &BTreeSet<String>) -> Result<(), Error> {
        match &self.kept {
            Kept::Here(here) => here.renew(models),
            Kept::There(there) => there.renew(models).await,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Owed> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn owes(&self, models: &[&str]) -> bool {
        let owed = self.lock();
        !owed.models.is_empty() && models.iter().any(|model| owed.models.contains_key(*model))
    }

    fn owe(&self, models: BTreeSet<String>) {
        let mut owed = self.lock();
        owed.writes += 1;
        let write = owed.writes;
        owed.models
            .extend(models.into_iter().map(|model| (model, write)));
    }

    /// Makes good what is owed.
    async fn settle(&self) -> Result<(), Error> {
        let owed = self.lock().models.clone();
        if owed.is_empty() {
            return Ok(());
        }
        self.renew(&owed.keys().cloned().collect()).await?;
        // What was written to meanwhile is owed still.
        let mut now = self.lock();
        now.models
            .retain(|model, write| owed.get(model) != Some(&*write));
        Ok(())
    }
}

/// A write on its way. However it ends, nobody is told its end before the models have new epochs, or before this process
/// knows that it owes them: so also where whoever waits for it goes away.
pub struct Change<'a> {
    cache: &'a Cache,
    models: BTreeSet<String>,
}

impl Change<'_> {
    pub fn concerns(&mut self, model: &str) {
        if !self.models.contains(model) {
            self.models.insert(model.to_owned());
        }
    }

    /// It is committed, or may be. Whether nobody is told any more what was kept before.
    pub async fn done(mut self) -> bool {
        let renewed = self.models.is_empty() || self.cache.renew(&self.models).await.is_ok();
        if renewed {
            self.models.clear();
        }
        renewed
    }

    /// It is certain that nothing was changed.
    pub fn undone(mut self) {
        self.models.clear();
    }
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        if !self.models.is_empty() {
            self.cache.owe(std::mem::take(&mut self.models));
        }
    }
}

/// The answer, where it was kept with these epochs.
fn valid(value: &Bytes, epochs: &[Epoch]) -> Option<Bytes> {
    let len = epochs.len() * EPOCH_LEN;
    let (kept_with, _) = value.split_at_checked(len)?;
    (kept_with == epochs.as_flattened()).then(|| value.slice(len..))
}

fn new_epoch() -> Result<Epoch, Error> {
    let mut epoch = Epoch::default();
    getrandom::fill(&mut epoch).map_err(|error| Error::Setup(error.to_string()))?;
    Ok(epoch)
}
