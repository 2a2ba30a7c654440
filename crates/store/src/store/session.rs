//! Sessions of faces: what must outlast the process that holds the connection.

use jiff::Timestamp;

use super::{Inner, Store, Tx};
use crate::run::{Columns, Texts};
use crate::{Error, sql};

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

    /// The owner's of the kind, whatever the name's id; newest first, each with its own id.
    pub async fn list_sessions(
        &self,
        name: &SessionName,
        now: Timestamp,
        most: u32,
    ) -> Result<Vec<(String, SessionRow)>, Error> {
        let rows = self.ask(sql::sessions(self.engine(), name, now, most));
        rows.await?.into_iter().map(row).collect()
    }
}

impl Tx {
    /// A new one. False where the owner has [`MOST_SESSIONS`].
    pub async fn open_session(
        &mut self,
        name: &SessionName,
        row: &SessionRow,
    ) -> Result<bool, Error> {
        let statement = sql::open_session(self.engine(), name, row);
        Ok(!self.texts(statement).await?.is_empty())
    }

    /// Nobody else changes it until the transaction ends, where it is to be locked.
    pub async fn find_session(
        &mut self,
        name: &SessionName,
        now: Timestamp,
        lock: bool,
    ) -> Result<Option<SessionRow>, Error> {
        let rows = self.texts(sql::session(self.engine(), name, now, lock));
        let found = rows.await?.into_iter().next().map(row).transpose()?;
        Ok(found.map(|(_, row)| row))
    }

    pub async fn keep_session(
        &mut self,
        name: &SessionName,
        state: &str,
        until: Timestamp,
    ) -> Result<(), Error> {
        let statement = sql::keep_session(self.engine(), name, state, until);
        self.texts(statement).await.map(drop)
    }

    pub async fn extend_session(
        &mut self,
        name: &SessionName,
        until: Timestamp,
    ) -> Result<(), Error> {
        let statement = sql::extend_session(self.engine(), name, until);
        self.texts(statement).await.map(drop)
    }

    /// False where there was none that had not expired by `now`.
    pub async fn close_session(
        &mut self,
        name: &SessionName,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let statement = sql::close_session(self.engine(), name, now);
        Ok(!self.texts(statement).await?.is_empty())
    }
}

/// Of the columns of [`sql::session`], the first of which is the id.
fn row(row: Texts) -> Result<(String, SessionRow), Error> {
    let mut columns = Columns::new(row);
    let id = columns.text()?;
    let row = SessionRow {
        state: columns.text()?,
        ttl: columns.read()?,
        created_at: columns.read()?,
        expires_at: columns.read()?,
    };
    Ok((id, row))
}
