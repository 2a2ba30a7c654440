//! What the store keeps for a time only, cleared out now and then: answers under idempotency keys, sessions, changes,
//! and runs that have ended.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use nodes::Nodes;
use store::Store;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const EVERY: Duration = Duration::from_mins(10);

#[derive(Default)]
pub(crate) struct Pruning {
    ended: CancellationToken,
}

impl Pruning {
    /// Changes older than `kept` go.
    pub(crate) fn begin(
        &self,
        store: Store,
        nodes: Arc<Nodes>,
        kept: Duration,
        tasks: &TaskTracker,
    ) {
        let ended = self.ended.clone();
        tasks.spawn(async move {
            while tokio::time::timeout(EVERY, ended.cancelled())
                .await
                .is_err()
            {
                let before = Timestamp::now().checked_sub(kept);
                let pruned = store.prune(before.unwrap_or(Timestamp::MIN)).await;
                let runs = nodes.forget_runs().await;
                match pruned.and_then(|rows| Ok(rows + runs?)) {
                    Ok(0) => {}
                    Ok(rows) => tracing::debug!(rows, "Rows that have served their time are gone"),
                    // The next time may do better, and until then there are only more rows.
                    Err(error) => tracing::warn!(error = %error, "Old rows cannot be cleared out"),
                }
            }
        });
    }

    pub(crate) fn end(&self) {
        self.ended.cancel();
    }
}
