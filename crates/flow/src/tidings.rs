//! Tells whoever listens in this process that something became of a run, so that they need not ask again and again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;
use uuid::Uuid;
use wire::run::Run;

/// Of runs that are carried out here; of others nothing is heard. Cheap to clone.
#[derive(Clone, Default)]
pub struct Tidings(Arc<Told>);

#[derive(Default)]
struct Told {
    runs: RwLock<HashMap<Uuid, Listeners>>,
    /// Of whichever run.
    any: Arc<Notify>,
}

struct Listeners {
    news: Arc<News>,
    count: usize,
}

#[derive(Default)]
struct News {
    any: Arc<Notify>,
    ended: Arc<Notify>,
    /// The run as it last ended here.
    end: Mutex<Option<Run>>,
}

/// Hears of one run until it is dropped.
pub struct Listener {
    tidings: Tidings,
    run: Uuid,
    news: Arc<News>,
}

impl Tidings {
    pub fn listen(&self, run: Uuid) -> Listener {
        let runs = self.0.runs.write();
        let mut runs = runs.unwrap_or_else(PoisonError::into_inner);
        let listeners = runs.entry(run).or_insert_with(|| Listeners {
            news: Arc::default(),
            count: 0,
        });
        listeners.count += 1;
        Listener {
            tidings: self.clone(),
            run,
            news: Arc::clone(&listeners.news),
        }
    }

    /// Until something becomes of any run after this is called.
    pub fn heard(&self) -> OwnedNotified {
        Arc::clone(&self.0.any).notified_owned()
    }

    /// It has gone on.
    pub(crate) fn tell(&self, run: Uuid) {
        self.0.any.notify_waiters();
        if let Some(news) = self.heard_by(run) {
            news.any.notify_waiters();
        }
    }

    /// It has ended; how, as far as that is known, is asked only where somebody listens.
    pub(crate) fn tell_end(&self, run: Uuid, ended: impl FnOnce() -> Option<Run>) {
        self.0.any.notify_waiters();
        if let Some(news) = self.heard_by(run) {
            *news.end.lock().unwrap_or_else(PoisonError::into_inner) = ended();
            news.any.notify_waiters();
            news.ended.notify_waiters();
        }
    }

    fn heard_by(&self, run: Uuid) -> Option<Arc<News>> {
        let runs = self.0.runs.read();
        let runs = runs.unwrap_or_else(PoisonError::into_inner);
        let listeners = runs.get(&run)?;
        Some(Arc::clone(&listeners.news))
    }
}

impl Listener {
    /// Until something becomes of the run after this is called; looking at it first, and then waiting, misses nothing.
    pub fn heard(&self) -> OwnedNotified {
        Arc::clone(&self.news.any).notified_owned()
    }

    /// The same until it has ended.
    pub fn heard_end(&self) -> OwnedNotified {
        Arc::clone(&self.news.ended).notified_owned()
    }

    /// The run as it ended, where that was told since this began to listen.
    pub fn end(&self) -> Option<Run> {
        let end = self.news.end.lock();
        end.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let runs = self.tidings.0.runs.write();
        let mut runs = runs.unwrap_or_else(PoisonError::into_inner);
        if let Some(listeners) = runs.get_mut(&self.run) {
            listeners.count -= 1;
            if listeners.count == 0 {
                runs.remove(&self.run);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_listens_hears_and_nothing_is_left_behind() {
        let (tidings, run) = (Tidings::default(), Uuid::now_v7());
        let (first, second) = (tidings.listen(run), tidings.listen(run));
        let (hears, other, any) = (first.heard(), second.heard_end(), tidings.heard());
        tidings.tell_end(Uuid::now_v7(), || unreachable!("nobody listens"));
        any.await;
        tidings.tell(run);
        hears.await;
        tidings.tell_end(run, || None);
        other.await;
        assert!(first.end().is_none(), "nobody knew how it ended");
        drop((first, second));
        assert!(tidings.0.runs.read().unwrap().is_empty());
    }
}
