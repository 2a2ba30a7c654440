//! Redis's twin in this process.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::{Epoch, Error, Found, Key, new_epoch};

/// Where there is more, what is out of date goes, and if that does not help, all of it.
const MOST_BYTES: usize = 64 << 20;
/// What an entry costs beside its value.
const ENTRY_BYTES: usize = 128;

#[derive(Default)]
pub(crate) struct Here(Mutex<Held>);

#[derive(Default)]
struct Held {
    epochs: HashMap<String, Epoch>,
    values: HashMap<Key, Value>,
    bytes: usize,
}

struct Value {
    bytes: Bytes,
    until: Instant,
}

impl Here {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn find(&self, key: &Key, models: &[&str]) -> Result<Found, Error> {
        let mut held = self.lock();
        let mut epochs = Vec::with_capacity(models.len());
        for model in models {
            epochs.push(if let Some(epoch) = held.epochs.get(*model) {
                *epoch
            } else {
                let epoch = new_epoch()?;
                held.epochs.insert((*model).to_owned(), epoch);
                epoch
            });
        }
        let value = held.values.get(key);
        let value = value.filter(|value| value.until > Instant::now());
        Ok(Found {
            value: value.map(|value| value.bytes.clone()),
            epochs,
        })
    }

    pub(crate) fn keep(&self, key: Key, bytes: Bytes, time: Duration) {
        let now = Instant::now();
        let Some(until) = now.checked_add(time) else {
            return;
        };
        let mut held = self.lock();
        held.bytes += size(&bytes);
        if let Some(before) = held.values.insert(key, Value { bytes, until }) {
            held.bytes -= size(&before.bytes);
        }
        if held.bytes > MOST_BYTES {
            held.values.retain(|_, value| value.until > now);
            held.bytes = held.values.values().map(|value| size(&value.bytes)).sum();
        }
        if held.bytes > MOST_BYTES {
            held.values.clear();
            held.bytes = 0;
        }
    }

    pub(crate) fn renew(&self, models: &BTreeSet<String>) -> Result<(), Error> {
        let mut held = self.lock();
        for model in models {
            held.epochs.insert(model.clone(), new_epoch()?);
        }
        Ok(())
    }
}

fn size(bytes: &Bytes) -> usize {
    bytes.len() + ENTRY_BYTES
}
