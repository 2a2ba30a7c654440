//! Which processes serve which catalogue: a step that takes something away waits for those that still use it.

use std::time::{Duration, Instant};

use super::live::Live;
use crate::{Engine, Error};

/// A replica that was not heard of for so long is gone.
pub const FRESH: Duration = Duration::from_secs(15);
/// How often a replica should announce itself.
pub const HEARTBEAT: Duration = Duration::from_secs(5);
/// How long a migration waits for replicas of the older catalogue.
const PATIENCE: Duration = Duration::from_secs(30);

/// Ends when no fresh replica serves another version.
pub(super) async fn wait(live: &mut Live, version: &str) -> Result<(), Error> {
    let begun = Instant::now();
    loop {
        let sql = match live.engine() {
            Engine::Postgres => {
                "SELECT id::text FROM gantry_replicas WHERE version <> $1::text AND seen_at > now() - interval '15 s'"
            }
            Engine::Sqlite => {
                "SELECT id FROM gantry_replicas WHERE version <> $1 \
                 AND seen_at > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '-15 seconds')"
            }
        };
        let others = live.rows(sql, &[version]).await?;
        let Some(other) = others.into_iter().flatten().flatten().next() else {
            return Ok(());
        };
        if begun.elapsed() > PATIENCE {
            return Err(Error::Setup(format!(
                "replica {other} still serves the older models, which use what this migration takes away; \
                 stop it, or wait until it is {} s silent",
                FRESH.as_secs()
            )));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
