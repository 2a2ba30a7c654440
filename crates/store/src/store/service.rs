//! What services keep in the store beside records: keys, the shared secret, which of them serve.

use uuid::Uuid;

use super::{Inner, Store};
use crate::migrate::{self, Recorded};
use crate::{Error, KeyRow};

impl Store {
    /// 32 random bytes made at the first migration and shared by all replicas: signs cursors and assertions.
    pub async fn secret(&self) -> Result<[u8; 32], Error> {
        let hex = match &self.inner {
            Inner::Postgres(postgres) => postgres.secret().await?,
            Inner::Sqlite(sqlite) => sqlite.secret().await?,
        };
        let mut secret = [0; 32];
        let garbled = || Error::Setup("the secret in gantry_meta is not 64 hex digits".to_owned());
        for (at, byte) in secret.iter_mut().enumerate() {
            let digits = hex.get(2 * at..2 * at + 2).ok_or_else(garbled)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| garbled())?;
        }
        Ok(secret)
    }

    pub async fn add_key(&self, key: &KeyRow) -> Result<(), Error> {
        match &self.inner {
            Inner::Postgres(postgres) => postgres.add_key(key).await,
            Inner::Sqlite(sqlite) => sqlite.add_key(key).await,
        }
    }

    pub async fn find_key(&self, id: &str) -> Result<Option<KeyRow>, Error> {
        match &self.inner {
            Inner::Postgres(postgres) => postgres.find_key(id).await,
            Inner::Sqlite(sqlite) => sqlite.find_key(id).await,
        }
    }

    pub async fn list_keys(&self) -> Result<Vec<KeyRow>, Error> {
        match &self.inner {
            Inner::Postgres(postgres) => postgres.list_keys().await,
            Inner::Sqlite(sqlite) => sqlite.list_keys().await,
        }
    }

    /// False where there is no such key or it was revoked before.
    pub async fn revoke_key(&self, id: &str, at: jiff::Timestamp) -> Result<bool, Error> {
        match &self.inner {
            Inner::Postgres(postgres) => postgres.revoke_key(id, at).await,
            Inner::Sqlite(sqlite) => sqlite.revoke_key(id, at).await,
        }
    }

    /// Says that the process `id` serves `version`, [`crate::migrate::version`] of its models. To be repeated each
    /// [`crate::migrate::replica::HEARTBEAT`].
    pub async fn announce(&self, id: Uuid, version: &str) -> Result<(), Error> {
        match &self.inner {
            Inner::Postgres(postgres) => postgres.announce(id, version).await,
            Inner::Sqlite(sqlite) => sqlite.announce(id, version).await,
        }
    }

    /// Says that it serves no longer.
    pub async fn depart(&self, id: Uuid) -> Result<(), Error> {
        match &self.inner {
            Inner::Postgres(postgres) => postgres.depart(id).await,
            Inner::Sqlite(sqlite) => sqlite.depart(id).await,
        }
    }

    /// The latest migrations, undone ones included, newest first.
    pub async fn migrations(&self, limit: u64) -> Result<Vec<Recorded>, Error> {
        let sql = migrate::latest(self.engine(), limit);
        let rows = match &self.inner {
            Inner::Postgres(postgres) => postgres.texts(&sql).await?,
            Inner::Sqlite(sqlite) => sqlite.texts(sql).await?,
        };
        rows.into_iter().map(migrate::recorded).collect()
    }

    /// Deletes idempotency rows older than 24 h, sessions that have expired and outbox rows older than `outbox_before`;
    /// answers how many.
    pub async fn prune(&self, outbox_before: jiff::Timestamp) -> Result<u64, Error> {
        match &self.inner {
            Inner::Postgres(postgres) => postgres.prune(outbox_before).await,
            Inner::Sqlite(sqlite) => sqlite.prune(outbox_before).await,
        }
    }
}
