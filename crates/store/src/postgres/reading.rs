//! Point reads: alone while the way is free, in one statement with others like them while it is not.

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::join_all;
use model::Value;
use tokio::sync::oneshot;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use super::{Postgres, errors, pool, query, record, within};
use crate::point::PointRead;
use crate::sql::{Arg, Scalar, Statement};
use crate::{Engine, Error, Record};

/// Ids of one statement.
const MOST_IDS: usize = 256;

/// Somebody who waits for a round.
pub(super) struct Asked {
    read: Arc<PointRead>,
    id: Uuid,
    deadline: Option<Instant>,
    answer: oneshot::Sender<Result<Option<Record>, Error>>,
}

/// Whoever reads alone holds it; those who have come meanwhile go when it is given up, however that comes about.
struct Turn(Arc<Postgres>);

impl Drop for Turn {
    fn drop(&mut self) {
        let jobs = self.0.reads.next(usize::MAX);
        if !jobs.is_empty() {
            let postgres = Arc::clone(&self.0);
            self.0.pool.spawn(postgres.read_rounds(jobs));
        }
    }
}

impl Postgres {
    /// One record by its id; waits for a database that is away.
    pub(crate) async fn point_read(
        self: &Arc<Self>,
        read: &Arc<PointRead>,
        id: Uuid,
        deadline: Option<Instant>,
    ) -> Result<Option<Record>, Error> {
        let once = async || self.point_read_once(read, id, deadline).await;
        self.patiently(deadline, once).await
    }

    /// Nobody waits for company; who comes while others read goes with the next round.
    async fn point_read_once(
        self: &Arc<Self>,
        read: &Arc<PointRead>,
        id: Uuid,
        deadline: Option<Instant>,
    ) -> Result<Option<Record>, Error> {
        let mut answered = None;
        let goes_now = self.reads.goes_now(|| {
            let (answer, receiver) = oneshot::channel();
            answered = Some(receiver);
            Asked {
                read: Arc::clone(read),
                id,
                deadline,
                answer,
            }
        });
        if goes_now {
            let _turn = Turn(Arc::clone(self));
            return within(deadline, self.read_alone(read, id)).await;
        }
        let closed = || Error::Unavailable("the store is closed".to_owned());
        let answered = answered.ok_or_else(closed)?;
        within(deadline, async {
            answered.await.unwrap_or_else(|_| Err(closed()))
        })
        .await
    }

    async fn read_alone(&self, read: &PointRead, id: Uuid) -> Result<Option<Record>, Error> {
        let rows = self
            .read_with(read.one(Engine::Postgres), Value::Uuid(id))
            .await?;
        let found = rows.first();
        found
            .map(|row| record(row, &read.model, &read.columns))
            .transpose()
    }

    async fn read_rounds(self: Arc<Self>, mut jobs: Vec<Asked>) {
        while !jobs.is_empty() {
            // Whoever asked may have gone.
            jobs.retain(|job| !job.answer.is_closed());
            join_all(alike(jobs).into_iter().map(|group| self.read_group(group))).await;
            jobs = self.reads.next(usize::MAX);
        }
    }

    /// Those who ask the same of different ids. Each has its own deadline; the statement has the latest.
    async fn read_group(&self, group: Vec<Asked>) {
        let deadline = rounds::latest(group.iter().map(|job| job.deadline));
        let found = within(deadline, self.read_several(&group)).await;
        match found {
            Ok(found) => {
                for (job, record) in group.into_iter().zip(found) {
                    // Who has gone needs no answer.
                    let _ = job.answer.send(Ok(record));
                }
            }
            Err(error @ (Error::Timeout | Error::Unavailable(_))) => {
                for job in group {
                    let _ = job.answer.send(Err(error.clone()));
                }
            }
            // What fails for one must not fail for others.
            Err(_) => {
                let alone = group.into_iter().map(async |job| {
                    let found = within(job.deadline, self.read_alone(&job.read, job.id)).await;
                    let _ = job.answer.send(found);
                });
                join_all(alone).await;
            }
        }
    }

    /// In the order of the group.
    async fn read_several(&self, group: &[Asked]) -> Result<Vec<Option<Record>>, Error> {
        let read = &group[0].read;
        if group.len() == 1 {
            return Ok(vec![self.read_alone(read, group[0].id).await?]);
        }
        let ids = group.iter().map(|job| Value::Uuid(job.id)).collect();
        let rows = self.read_with(read.several(), Value::Array(ids)).await?;
        let mut found = vec![None; group.len()];
        for row in &rows {
            let record = record(row, &read.model, &read.columns)?;
            let is_it = |(job, _): &(&Asked, &mut Option<Record>)| job.id == record.id;
            for (_, place) in group.iter().zip(&mut found).filter(is_it) {
                *place = Some(record.clone());
            }
        }
        Ok(found)
    }

    async fn read_with(&self, statement: &Statement, id: Value) -> Result<Vec<Row>, Error> {
        let failed = |error| errors::error(&error, None);
        let id = Arg {
            array: matches!(id, Value::Array(_)),
            value: id,
            scalar: Scalar::Uuid,
        };
        let connection = self.pool.shared().await?;
        read_on(&connection, statement, &id).await.map_err(failed)
    }
}

async fn read_on(
    connection: &pool::Connection,
    statement: &Statement,
    id: &Arg,
) -> Result<Vec<Row>, tokio_postgres::Error> {
    let rest = statement.args.iter().skip(1);
    let types: Vec<Type> = std::iter::once(id)
        .chain(rest.clone())
        .map(Arg::postgres_type)
        .collect();
    let args: Vec<&(dyn ToSql + Sync)> = std::iter::once(id)
        .chain(rest)
        .map(|arg| arg as &(dyn ToSql + Sync))
        .collect();
    query(connection, &statement.text, &types, &args).await
}

/// In groups that may share a statement: the same read, so many ids at most.
fn alike(jobs: Vec<Asked>) -> Vec<Vec<Asked>> {
    let mut groups: Vec<Vec<Asked>> = Vec::new();
    for job in jobs {
        let fits = |group: &&mut Vec<Asked>| {
            Arc::ptr_eq(&group[0].read, &job.read) && group.len() < MOST_IDS
        };
        match groups.iter_mut().find(fits) {
            Some(group) => group.push(job),
            None => groups.push(vec![job]),
        }
    }
    groups
}
