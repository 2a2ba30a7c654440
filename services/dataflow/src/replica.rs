//! This process among those that serve the same database: a migration must not take away what one of them still uses.

use std::sync::atomic::{AtomicBool, Ordering};

use model::Models;
use store::migrate::{self, replica};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::Error;

pub(crate) struct Replica {
    location: store::Settings,
    id: Uuid,
    /// Of the models' tables.
    version: String,
    joined: AtomicBool,
    gone: CancellationToken,
}

impl Replica {
    pub(crate) fn new(location: store::Settings, models: &Models) -> Self {
        Self {
            version: migrate::version(&location, models),
            location,
            id: Uuid::now_v7(),
            joined: AtomicBool::new(false),
            gone: CancellationToken::new(),
        }
    }

    pub(crate) async fn join(&self, tasks: &TaskTracker) -> Result<(), Error> {
        replica::announce(&self.location, self.id, &self.version).await?;
        self.joined.store(true, Ordering::Release);
        let (location, id, version) = (self.location.clone(), self.id, self.version.clone());
        let gone = self.gone.clone();
        tasks.spawn(async move {
            while tokio::time::timeout(replica::HEARTBEAT, gone.cancelled())
                .await
                .is_err()
            {
                if let Err(error) = replica::announce(&location, id, &version).await {
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
            && let Err(error) = replica::depart(&self.location, self.id).await
        {
            // It is forgotten by itself after some seconds.
            tracing::warn!(error = %error, "this replica cannot say goodbye");
        }
    }
}
