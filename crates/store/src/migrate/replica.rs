//! Which processes serve which catalogue: a step that takes something away waits for those that still use it.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::history;
use super::live::Live;
use crate::{Engine, Error, Settings};

/// A replica that was not heard of for so long is gone.
pub const FRESH: Duration = Duration::from_secs(15);
/// How often a replica should announce itself.
pub const HEARTBEAT: Duration = Duration::from_secs(5);
/// How long a migration waits for replicas of the older catalogue.
const PATIENCE: Duration = Duration::from_secs(30);

/// Says that this process serves `version`, [`super::version`] of its models. To be repeated each [`HEARTBEAT`].
pub async fn announce(settings: &Settings, id: Uuid, version: &str) -> Result<(), Error> {
    let mut live = Live::open(settings).await?;
    let (id_cast, now) = spelling(&live);
    let sql = format!(
        "INSERT INTO gantry_replicas (id, version, seen_at) VALUES ({id_cast}, $2, {now}) \
         ON CONFLICT (id) DO UPDATE SET version = excluded.version, seen_at = excluded.seen_at"
    );
    live.rows(&sql, &[&id.to_string(), version]).await.map(drop)
}

/// Says that this process serves no longer.
pub async fn depart(settings: &Settings, id: Uuid) -> Result<(), Error> {
    let mut live = Live::open(settings).await?;
    let (id_cast, _) = spelling(&live);
    let sql = format!("DELETE FROM gantry_replicas WHERE id = {id_cast}");
    live.rows(&sql, &[&id.to_string()]).await.map(drop)
}

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

fn spelling(live: &Live) -> (&'static str, &'static str) {
    match live.engine() {
        Engine::Postgres => ("$1::text::uuid", history::NOW_POSTGRES),
        Engine::Sqlite => ("$1", history::NOW_SQLITE),
    }
}
