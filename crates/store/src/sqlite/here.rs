//! Point reads on the caller's own thread: handing one over to another would take longer than the read.

use std::sync::{MutexGuard, PoisonError};

use rusqlite::Connection;
use uuid::Uuid;

use super::{Sqlite, errors, record, worker};
use crate::point::PointRead;
use crate::{Engine, Error, Record};

impl Sqlite {
    /// It looks at a handful of pages, which the cache or the system's has, so nothing waits for it long.
    pub(crate) fn point_read(&self, read: &PointRead, id: Uuid) -> Result<Option<Record>, Error> {
        let statement = read.one(Engine::Sqlite);
        let failed = |error| errors::error(error, None);
        let mut free = self.free();
        let connection = match &mut *free {
            Some(connection) => connection,
            unopened => unopened.insert(self.open_here()?),
        };
        let mut prepared = connection.prepare_cached(&statement.text).map_err(failed)?;
        let mut buffer = [0; 36];
        let id: &str = id.hyphenated().encode_lower(&mut buffer);
        prepared.raw_bind_parameter(1, id).map_err(failed)?;
        for (at, arg) in statement.args.iter().enumerate().skip(1) {
            prepared.raw_bind_parameter(at + 1, arg).map_err(failed)?;
        }
        let mut rows = prepared.raw_query();
        let found = rows.next().map_err(failed)?;
        found
            .map(|row| record(row, &read.model, &read.columns))
            .transpose()
    }

    /// There is one for each thread that runs callers, and none is held longer than a read.
    fn free(&self) -> MutexGuard<'_, Option<Connection>> {
        let free = self.here.iter().find_map(|lock| lock.try_lock().ok());
        free.unwrap_or_else(|| self.here[0].lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn open_here(&self) -> Result<Connection, Error> {
        worker::open(&self.source.path, &self.source.settings, true)
    }
}
