//! Sessions of faces: what must outlast the process that holds the connection.

use jiff::Timestamp;

use super::{Inner, Store};
use crate::Error;

/// Sessions that one owner may have.
pub const MOST_SESSIONS: u64 = 10_000;

/// Which session, and whose: another owner's is as good as none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionName {
    pub kind: String,
    pub id: String,
    /// A principal's id; empty for a stranger.
    pub owner: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// JSON, as it came.
    pub state: String,
    /// Seconds without use after which it ends.
    pub ttl: u32,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// What became of a session that was to be put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionPut {
    Kept,
    /// The id is another owner's.
    Foreign,
    /// The owner has [`MOST_SESSIONS`].
    Full,
}

impl Store {
    /// Makes the session or replaces the owner's own; `row.created_at` is now.
    pub async fn put_session(
        &self,
        name: &SessionName,
        row: &SessionRow,
    ) -> Result<SessionPut, Error> {
        match &self.inner {
            Inner::Postgres(postgres) => postgres.put_session(name, row).await,
            Inner::Sqlite(sqlite) => sqlite.put_session(name, row).await,
        }
    }

    /// Unless it has expired by `now`.
    pub async fn find_session(
        &self,
        name: &SessionName,
        now: Timestamp,
    ) -> Result<Option<SessionRow>, Error> {
        match &self.inner {
            Inner::Postgres(postgres) => postgres.find_session(name, now).await,
            Inner::Sqlite(sqlite) => sqlite.find_session(name, now).await,
        }
    }

    /// Lets it live until then, if that is longer than it would.
    pub async fn extend_session(&self, name: &SessionName, until: Timestamp) -> Result<(), Error> {
        match &self.inner {
            Inner::Postgres(postgres) => postgres.extend_session(name, until).await,
            Inner::Sqlite(sqlite) => sqlite.extend_session(name, until).await,
        }
    }

    /// False where there was none that had not expired by `now`.
    pub async fn delete_session(&self, name: &SessionName, now: Timestamp) -> Result<bool, Error> {
        match &self.inner {
            Inner::Postgres(postgres) => postgres.delete_session(name, now).await,
            Inner::Sqlite(sqlite) => sqlite.delete_session(name, now).await,
        }
    }
}
