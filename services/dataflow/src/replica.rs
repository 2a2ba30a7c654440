//! This process among those that serve the same database: a migration must not take away what one of them still uses.

use std::sync::atomic::{AtomicBool, Ordering};

use model::Models;
use store::Store;
use store::migrate::{self, replica};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::Error;

pub(crate) struct Replica {
    store: Store,
    id: Uuid,
    /// Of the models' tables.
    version: watch::Sender<String>,
    joined: AtomicBool,
    gone: CancellationToken,
}

impl Replica {
    pub(crate) fn new(store: Store, location: &store::Settings, models: &Models) -> Self {
        Self {
            version: watch::Sender::new(migrate::version(location, models)),
            store,
            id: Uuid::now_v7(),
            joined: AtomicBool::new(false),
            gone: CancellationToken::new(),
        }
    }

    /// Other models' tables are used from now on.
    pub(crate) fn serves(&self, version: String) {
        self.version.send_replace(version);
    }

    pub(crate) fn is_at(&self, version: &str) -> bool {
        *self.version.borrow() == version
    }

    pub(crate) async fn join(&self, tasks: &TaskTracker) -> Result<(), Error> {
        let mut versions = self.version.subscribe();
        let version = versions.borrow_and_update().clone();
        self.store.announce(self.id, &version).await?;
        self.joined.store(true, Ordering::Release);
        let (store, id) = (self.store.clone(), self.id);
        let gone = self.gone.clone();
        tasks.spawn(async move {
            loop {
                tokio::select! {
                    () = gone.cancelled() => return,
                    () = tokio::time::sleep(replica::HEARTBEAT) => {}
                    changed = versions.changed() => if changed.is_err() { return },
                }
                let version = versions.borrow_and_update().clone();
                if let Err(error) = store.announce(id, &version).await {
                    // Calls fail as well then, and tell it; the next beat may come through.
                    tracing::warn!(error = %error, "this replica cannot announce itself");
                }
            }
        });
        Ok(())
    }

    pub(crate) async fn leave(&self) {
        self.gone.cancel();
        if self.joined.swap(false, Ordering::AcqRel)
            && let Err(error) = self.store.depart(self.id).await
        {
            // It is forgotten by itself after some seconds.
            tracing::warn!(error = %error, "this replica cannot say goodbye");
        }
    }
}
