//! The store: one handle, two engines.

use std::time::Instant;

use crate::{
    Aggregate, Claim, Error, Format, Kept, KeyRow, Page, Record, Select, Settings, Write, Written,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Postgres,
    Sqlite,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Store {}

/// A transaction. Dropped without `commit` it is rolled back.
pub struct Tx {}

impl Store {
    /// Connects, checks the server's version, sizes the pool. Creates the SQLite file where it is absent; no tables:
    /// those are `migrate`'s.
    pub async fn open(settings: &Settings) -> Result<Self, Error> {
        let _ = settings;
        todo!()
    }

    pub fn engine(&self) -> Engine {
        todo!()
    }

    /// A real round trip.
    pub async fn ping(&self) -> Result<(), Error> {
        todo!()
    }

    /// One record, the first that the filter finds.
    pub async fn read(
        &self,
        select: &Select,
        deadline: Option<Instant>,
    ) -> Result<Option<Record>, Error> {
        let _ = (select, deadline);
        todo!()
    }

    pub async fn list(
        &self,
        select: &Select,
        format: Format,
        deadline: Option<Instant>,
    ) -> Result<Page, Error> {
        let _ = (select, format, deadline);
        todo!()
    }

    /// How many records the select's filter and search find. Not `exact`: the planner's estimate (exact on SQLite).
    pub async fn count(
        &self,
        select: &Select,
        exact: bool,
        deadline: Option<Instant>,
    ) -> Result<u64, Error> {
        let _ = (select, exact, deadline);
        todo!()
    }

    pub async fn aggregate(
        &self,
        aggregate: &Aggregate,
        deadline: Option<Instant>,
    ) -> Result<Page, Error> {
        let _ = (aggregate, deadline);
        todo!()
    }

    /// A transaction of its own around one write, in one round trip where the engine allows it. Collisions are retried.
    pub async fn write(&self, write: &Write, deadline: Option<Instant>) -> Result<Written, Error> {
        let _ = (write, deadline);
        todo!()
    }

    pub async fn begin(&self, deadline: Option<Instant>) -> Result<Tx, Error> {
        let _ = deadline;
        todo!()
    }

    /// 32 random bytes made at the first migration and shared by all replicas: signs cursors and assertions.
    pub async fn secret(&self) -> Result<[u8; 32], Error> {
        todo!()
    }

    pub async fn add_key(&self, key: &KeyRow) -> Result<(), Error> {
        let _ = key;
        todo!()
    }

    pub async fn find_key(&self, id: &str) -> Result<Option<KeyRow>, Error> {
        let _ = id;
        todo!()
    }

    pub async fn list_keys(&self) -> Result<Vec<KeyRow>, Error> {
        todo!()
    }

    /// False where there is no such key or it was revoked before.
    pub async fn revoke_key(&self, id: &str, at: jiff::Timestamp) -> Result<bool, Error> {
        let _ = (id, at);
        todo!()
    }

    /// Deletes idempotency rows older than 24 h and outbox rows older than `outbox_before`; answers how many.
    pub async fn prune(&self, outbox_before: jiff::Timestamp) -> Result<u64, Error> {
        let _ = outbox_before;
        todo!()
    }

    /// Ends connections after what is running.
    pub async fn close(&self) {
        todo!()
    }
}

impl Tx {
    pub async fn read(&mut self, select: &Select) -> Result<Option<Record>, Error> {
        let _ = select;
        todo!()
    }

    pub async fn list(&mut self, select: &Select, format: Format) -> Result<Page, Error> {
        let _ = (select, format);
        todo!()
    }

    pub async fn count(&mut self, select: &Select) -> Result<u64, Error> {
        let _ = select;
        todo!()
    }

    pub async fn aggregate(&mut self, aggregate: &Aggregate) -> Result<Page, Error> {
        let _ = aggregate;
        todo!()
    }

    /// Ids of the records that the filter finds, locked until the transaction ends, at most `limit`.
    pub async fn lock(&mut self, select: &Select) -> Result<Vec<(uuid::Uuid, i64)>, Error> {
        let _ = select;
        todo!()
    }

    pub async fn write(&mut self, write: &Write) -> Result<Written, Error> {
        let _ = write;
        todo!()
    }

    /// What follows can be undone by itself. They nest.
    pub async fn savepoint(&mut self) -> Result<(), Error> {
        todo!()
    }

    /// Keeps what followed the last savepoint.
    pub async fn release(&mut self) -> Result<(), Error> {
        todo!()
    }

    /// Undoes what followed the last savepoint, and forgets it.
    pub async fn undo(&mut self) -> Result<(), Error> {
        todo!()
    }

    /// Takes the idempotency key for this transaction. Never waits for another holder.
    pub async fn claim(
        &mut self,
        caller: &str,
        node: &str,
        key: &str,
        hash: &[u8; 32],
    ) -> Result<Claim, Error> {
        let _ = (caller, node, key, hash);
        todo!()
    }

    /// Keeps the answer under the key claimed before.
    pub async fn keep(
        &mut self,
        caller: &str,
        node: &str,
        key: &str,
        kept: &Kept,
    ) -> Result<(), Error> {
        let _ = (caller, node, key, kept);
        todo!()
    }

    pub async fn commit(self) -> Result<(), Error> {
        todo!()
    }

    pub async fn rollback(self) -> Result<(), Error> {
        todo!()
    }
}
