//! Single creates: alone while the way is free, in one transaction with others like them while it is not.

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::join_all;
use model::{System, Value};
use tokio::sync::oneshot;

use super::{Change, Postgres, within};
use crate::given::Places;
use crate::sql;
use crate::{Engine, Error, Insert, Write, Written};

/// Rows of one statement.
const MOST_ROWS: usize = 256;

/// Somebody who waits for a round.
pub(super) struct Creation {
    insert: Insert,
    places: Places,
    deadline: Option<Instant>,
    answer: oneshot::Sender<Result<Written, Error>>,
}

/// See [`super::reading`]: who is alone lets those go who have come meanwhile.
struct Turn(Arc<Postgres>);

impl Drop for Turn {
    fn drop(&mut self) {
        let jobs = self.0.creates.next(usize::MAX);
        if !jobs.is_empty() {
            let postgres = Arc::clone(&self.0);
            self.0.pool.spawn(postgres.create_rounds(jobs));
        }
    }
}

impl Postgres {
    /// A write in a transaction of its own, or, where it makes one record and others do the same, of theirs: each fails
    /// alone.
    pub(crate) async fn write(
        self: &Arc<Self>,
        write: Write,
        deadline: Option<Instant>,
    ) -> Result<Written, Error> {
        let (insert, places) = match write {
            Write::Insert(insert) => match Places::of(&insert) {
                Some(places) if sql::is_unnestable(&insert.model, &insert.fields) => {
                    (insert, places)
                }
                _ => return self.write_alone(&Write::Insert(insert), deadline).await,
            },
            other => return self.write_alone(&other, deadline).await,
        };
        if insert.rows.len() != 1 {
            return self.create_alone(insert, &places, deadline).await;
        }
        let mut creation = Some((insert, places));
        let mut answered = None;
        let goes_now = self.creates.goes_now(|| {
            let (answer, receiver) = oneshot::channel();
            answered = Some(receiver);
            let (insert, places) = creation.take().expect("a job is made once");
            Creation {
                insert,
                places,
                deadline,
                answer,
            }
        });
        if let Some((insert, places)) = creation.filter(|_| goes_now) {
            let _turn = Turn(Arc::clone(self));
            return self.create_alone(insert, &places, deadline).await;
        }
        let answered = answered.ok_or(Error::Unconfirmed)?;
        within(deadline, async {
            answered.await.unwrap_or(Err(Error::Unconfirmed))
        })
        .await
    }

    async fn create_rounds(self: Arc<Self>, mut jobs: Vec<Creation>) {
        while !jobs.is_empty() {
            // Who has gone, or was told that it took too long, must not find it done later.
            jobs.retain(|job| !job.answer.is_closed());
            let groups = alike(jobs).into_iter();
            join_all(groups.map(|group| self.create_group(group))).await;
            jobs = self.creates.next(usize::MAX);
        }
    }

    /// New records of one call.
    async fn create_alone(
        &self,
        mut insert: Insert,
        places: &Places,
        deadline: Option<Instant>,
    ) -> Result<Written, Error> {
        let written = places.written(&insert)?;
        let rows = std::mem::take(&mut insert.rows);
        let (model, fields) = (&insert.model, &insert.fields);
        let statement = sql::insert_only(Engine::Postgres, model, fields, rows);
        self.by_itself(&Change::Rows(&statement, model), deadline)
            .await?;
        Ok(written)
    }

    async fn create_group(&self, mut group: Vec<Creation>) {
        if group.len() == 1 {
            return self.create_each(group).await;
        }
        let deadline = rounds::latest(group.iter().map(|job| job.deadline));
        let written: Vec<_> = group
            .iter()
            .map(|job| job.places.written(&job.insert))
            .collect();
        let rows = group.iter_mut().filter_map(|job| job.insert.rows.pop());
        let rows = rows.collect();
        let (model, fields) = (&group[0].insert.model, &group[0].insert.fields);
        let statement = sql::insert_only(Engine::Postgres, model, fields, rows);
        let change = Change::Rows(&statement, model);
        match self.by_itself(&change, deadline).await {
            Ok(_) => {
                for (job, written) in group.into_iter().zip(written) {
                    // Who has gone needs no answer.
                    let _ = job.answer.send(written);
                }
            }
            Err(
                error @ (Error::Timeout | Error::Busy | Error::Unavailable(_) | Error::Unconfirmed),
            ) => {
                for job in group {
                    let _ = job.answer.send(Err(error.clone()));
                }
            }
            // It was rolled back, and not all need be at fault.
            Err(_) => {
                let rows = sql::rows_of(statement, fields);
                for (job, row) in group.iter_mut().zip(rows) {
                    job.insert.rows.push(row);
                }
                self.create_each(group).await;
            }
        }
    }

    async fn create_each(&self, group: Vec<Creation>) {
        let each = group.into_iter().map(async |job| {
            let written = self.create_alone(job.insert, &job.places, job.deadline);
            let _ = job.answer.send(written.await);
        });
        join_all(each).await;
    }
}

/// In groups that may share a transaction: rows of one shape, of one tenant, so many at most. What policy asks of a row
/// was looked at before, by itself.
fn alike(jobs: Vec<Creation>) -> Vec<Vec<Creation>> {
    let mut groups: Vec<Vec<Creation>> = Vec::new();
    for job in jobs {
        let fits = |group: &&mut Vec<Creation>| {
            let (one, other) = (&group[0].insert, &job.insert);
            Arc::ptr_eq(&one.model, &other.model)
                && one.fields == other.fields
                && tenant(one) == tenant(other)
                && group.len() < MOST_ROWS
        };
        match groups.iter_mut().find(fits) {
            Some(group) => group.push(job),
            None => groups.push(vec![job]),
        }
    }
    groups
}

fn tenant(insert: &Insert) -> Option<&Value> {
    let field = insert.model.system(System::Tenant)?;
    let at = insert.fields.iter().position(|given| *given == field)?;
    insert.rows[0].get(at)
}
