//! The store: one handle, two engines.

mod changed;
mod run;
mod runs;
mod service;
mod session;
mod stream;
mod triggers;
mod tx;

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{Notify, Semaphore};
use uuid::Uuid;

pub use runs::Retried;
pub use session::{MOST_SESSIONS, SessionName, SessionPut, SessionRow};
pub use tx::Tx;

use crate::postgres::{self, Postgres};
use crate::sql;
use crate::sqlite::{self, Sqlite};
use crate::{
    Aggregate, Error, Format, Guard, Insert, Location, Page, PointRead, Record, Select, Settings,
    Write, Written, pages,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Postgres,
    Sqlite,
}

/// Records of a small page.
const SMALL: u64 = 100;

/// Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Inner,
    /// Raised whenever this process has written something: see [`Store::written`].
    pub(crate) news: Arc<Notify>,
    /// Leave for streams.
    streams: Arc<Semaphore>,
}

#[derive(Clone)]
pub(crate) enum Inner {
    Postgres(Arc<Postgres>),
    Sqlite(Arc<Sqlite>),
}

impl Store {
    /// Connects, checks the server's version, sizes the pool. Creates the SQLite file where it is absent; no tables:
    /// those are `migrate`'s.
    pub async fn open(settings: &Settings) -> Result<Self, Error> {
        let (inner, streams) = match &settings.location {
            Location::Postgres(url) => {
                let postgres = Postgres::open(url, settings).await?;
                let streams = postgres.usual_streams();
                (Inner::Postgres(Arc::new(postgres)), streams)
            }
            Location::Sqlite(path) => (
                Inner::Sqlite(Arc::new(Sqlite::open(path, settings)?)),
                sqlite::USUAL_STREAMS,
            ),
        };
        Ok(Self {
            inner,
            news: Arc::default(),
            streams: Arc::new(Semaphore::new(settings.streams.unwrap_or(streams).max(1))),
        })
    }

    pub fn engine(&self) -> Engine {
        match &self.inner {
            Inner::Postgres(_) => Engine::Postgres,
            Inner::Sqlite(_) => Engine::Sqlite,
        }
    }

    /// A real round trip.
    pub async fn ping(&self) -> Result<(), Error> {
        match &self.inner {
            Inner::Postgres(postgres) => postgres.ping().await,
            Inner::Sqlite(sqlite) => sqlite.ping().await,
        }
    }

    /// One record, the first that the filter finds.
    pub async fn read(
        &self,
        select: &Select,
        deadline: Option<Instant>,
    ) -> Result<Option<Record>, Error> {
        let statement = sql::select(self.engine(), select);
        match &self.inner {
            Inner::Postgres(postgres) => {
                let rows = postgres.read(&statement, deadline).await?;
                rows.first()
                    .map(|row| postgres::record(row, &select.model, &select.columns))
                    .transpose()
            }
            Inner::Sqlite(sqlite) => {
                let select = select.clone();
                sqlite
                    .read(statement, deadline, move |rows| pages::first(rows, &select))
                    .await
            }
        }
    }

    /// One record by its id. Reads at the same time through the same [`PointRead`] may share a statement.
    pub async fn point_read(
        &self,
        read: &Arc<PointRead>,
        id: Uuid,
        deadline: Option<Instant>,
    ) -> Result<Option<Record>, Error> {
        match &self.inner {
            Inner::Postgres(postgres) => postgres.point_read(read, id, deadline).await,
            Inner::Sqlite(sqlite) => sqlite.point_read(read, id),
        }
    }

    pub async fn list(
        &self,
        select: &Select,
        format: Format,
        deadline: Option<Instant>,
    ) -> Result<Page, Error> {
        let statement = sql::list(self.engine(), select);
        match &self.inner {
            Inner::Postgres(postgres) => {
                let rows = if is_small(select) {
                    postgres.page(statement, deadline).await?
                } else {
                    postgres.scan(&statement, deadline).await?
                };
                pages::postgres(&rows, select, format)
            }
            Inner::Sqlite(sqlite) => {
                let select = select.clone();
                sqlite
                    .read(statement, deadline, move |rows| {
                        pages::sqlite(rows, &select, format)
                    })
                    .await
            }
        }
    }

    /// How many records the select's filter and search find. Not `exact`: the planner's estimate (exact on SQLite).
    pub async fn count(
        &self,
        select: &Select,
        exact: bool,
        deadline: Option<Instant>,
    ) -> Result<u64, Error> {
        match &self.inner {
            Inner::Postgres(postgres) if exact => postgres::number(
                &postgres
                    .scan(&sql::count(Engine::Postgres, select), deadline)
                    .await?,
            ),
            Inner::Postgres(postgres) => {
                postgres::estimate(&postgres.scan(&sql::estimate(select), deadline).await?)
            }
            Inner::Sqlite(sqlite) => {
                sqlite
                    .read(sql::count(Engine::Sqlite, select), deadline, sqlite::number)
                    .await
            }
        }
    }

    pub async fn aggregate(
        &self,
        aggregate: &Aggregate,
        deadline: Option<Instant>,
    ) -> Result<Page, Error> {
        let statement = sql::aggregate(self.engine(), aggregate);
        match &self.inner {
            Inner::Postgres(postgres) => {
                pages::postgres_aggregate(&postgres.scan(&statement, deadline).await?, aggregate)
            }
            Inner::Sqlite(sqlite) => {
                let aggregate = aggregate.clone();
                sqlite
                    .read(statement, deadline, move |rows| {
                        pages::sqlite_aggregate(rows, &aggregate)
                    })
                    .await
            }
        }
    }

    /// A transaction of its own around one write, in one round trip where the engine allows it; creates at the same time
    /// may share one, in which each fails alone. Collisions are retried.
    pub async fn write(&self, write: Write, deadline: Option<Instant>) -> Result<Written, Error> {
        if needs_transaction(&write) {
            let mut tx = self.begin(deadline).await?;
            let written = tx.write(&write).await;
            return match written {
                Ok(written) => tx.commit().await.map(|()| written),
                Err(error) => {
                    // The error that matters is the write's.
                    let _ = tx.rollback().await;
                    Err(error)
                }
            };
        }
        let written = match &self.inner {
            Inner::Postgres(postgres) => postgres.write(write, deadline).await,
            Inner::Sqlite(sqlite) => sqlite.write(write, deadline).await,
        };
        self.news.notify_one();
        written
    }

    pub async fn begin(&self, deadline: Option<Instant>) -> Result<Tx, Error> {
        let news = Arc::clone(&self.news);
        match &self.inner {
            Inner::Postgres(postgres) => Tx::postgres(Arc::clone(postgres), news, deadline).await,
            Inner::Sqlite(sqlite) => Tx::sqlite(Arc::clone(sqlite), news, deadline).await,
        }
    }

    /// Ends connections after what is running.
    pub async fn close(&self) {
        match &self.inner {
            Inner::Postgres(postgres) => postgres.close().await,
            Inner::Sqlite(sqlite) => sqlite.close().await,
        }
    }
}

/// A page that an index is likely to lead to, and that is soon sent.
fn is_small(select: &Select) -> bool {
    select.limit <= SMALL && select.offset == 0 && select.search.is_none()
}

/// Guards are looked at first, and several upserts are several statements.
fn needs_transaction(write: &Write) -> bool {
    match write {
        Write::Insert(insert) => {
            has_targets(insert)
                || (insert.rows.len() > 1
                    && (insert.conflict.is_some()
                        || !sql::is_unnestable(&insert.model, &insert.fields)))
        }
        Write::Update(update) => update.guards.iter().any(|guard| {
            update
                .set
                .iter()
                .any(|(field, value)| *field == guard.field && !value.is_null())
        }),
        Write::Delete(_) => false,
    }
}

fn has_targets(insert: &Insert) -> bool {
    insert
        .guards
        .iter()
        .any(|guard| targets(insert, guard).next().is_some())
}

/// The ids that an insert's guarded field points to.
fn targets<'a>(insert: &'a Insert, guard: &Guard) -> impl Iterator<Item = Uuid> + 'a {
    let at = insert.fields.iter().position(|field| *field == guard.field);
    insert
        .rows
        .iter()
        .filter_map(move |row| match row.get(at?) {
            Some(model::Value::Uuid(id)) => Some(*id),
            _ => None,
        })
}
