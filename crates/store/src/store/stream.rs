//! Lists of any length.

use std::sync::Arc;
use std::time::Instant;

use super::{Inner, Store};
use crate::stream::{self, Admission, Chunks, Pace};
use crate::{Error, Format, Select, sql};

impl Store {
    /// Leave for what holds a connection for long, since those must not take them all.
    pub fn admit(&self) -> Result<Admission, Error> {
        let permit = Arc::clone(&self.streams).try_acquire_owned();
        permit
            .map(Admission::from)
            .map_err(|_| Error::TooManyStreams)
    }

    /// Every record that the select finds, as one snapshot, in memory that does not grow with their number. Whoever
    /// drops the chunks ends the query. The deadline is for the beginning.
    pub async fn stream(
        &self,
        select: &Select,
        format: Format,
        pace: Pace,
        deadline: Option<Instant>,
    ) -> Result<Chunks, Error> {
        let statement = sql::list(self.engine(), select);
        let (outlet, chunks) = stream::channel(select, format, pace, self.admit()?);
        match &self.inner {
            Inner::Postgres(postgres) => postgres.stream(&statement, outlet, deadline).await?,
            Inner::Sqlite(sqlite) => sqlite.stream(statement, outlet).await?,
        }
        Ok(chunks)
    }
}
