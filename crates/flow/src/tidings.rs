//! Tells whoever listens in this process that something became of a run, so that they need not ask again and again.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;
use uuid::Uuid;

/// Of runs that are carried out here; of others nothing is heard. Cheap to clone.
#[derive(Clone, Default)]
pub struct Tidings(Arc<RwLock<HashMap<Uuid, Listeners>>>);

struct Listeners {
    news: Arc<News>,
    count: usize,
}

#[derive(Default)]
struct News {
    any: Arc<Notify>,
    ended: Arc<Notify>,
}

/// Hears of one run until it is dropped.
pub struct Listener {
    tidings: Tidings,
    run: Uuid,
    news: Arc<News>,
}

impl Tidings {
    pub fn listen(&self, run: Uuid) -> Listener {
        let mut runs = self.0.write().unwrap_or_else(PoisonError::into_inner);
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

    /// Whether it has ended, or only gone on.
    pub(crate) fn tell(&self, run: Uuid, ended: bool) {
        let runs = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(listeners) = runs.get(&run) {
            listeners.news.any.notify_waiters();
            if ended {
                listeners.news.ended.notify_waiters();
            }
        }
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
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut runs = self
            .tidings
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner);
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
        let (hears, other) = (first.heard(), second.heard_end());
        tidings.tell(Uuid::now_v7(), true);
        tidings.tell(run, true);
        hears.await;
        other.await;
        drop((first, second));
        assert!(tidings.0.read().unwrap().is_empty());
    }
}
