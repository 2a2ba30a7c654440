//! Single creates: in one transaction with others like them that come at the same moment, or while the way is not free.

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::join_all;
use model::{System, Value};
use tokio::sync::oneshot;

use super::{Change, Postgres, within};
use crate::given::Places;
use crate::sql;
use crate::sql::run::steps_done_or_fail;
use crate::{Engine, Error, Insert, NewStep, StepDone, Write, Written};

/// Rows of one statement.
const MOST_ROWS: usize = 256;

/// A new record whose answer is known, and the step that it is, where it is one.
struct New {
    insert: Insert,
    places: Places,
    step: Option<StepDone>,
}

/// Somebody who waits for a round.
pub(super) struct Creation {
    new: New,
    deadline: Option<Instant>,
    answer: oneshot::Sender<Result<Written, Error>>,
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
        let new = New {
            insert,
            places,
            step: None,
        };
        if new.insert.rows.len() != 1 {
            return self.create_alone(new, deadline).await;
        }
        self.create(new, deadline).await
    }

    /// The same of a step, together with that of its run. Of another write than that of one new record, nothing.
    pub(crate) async fn create_step(
        self: &Arc<Self>,
        write: &Write,
        step: &NewStep,
        deadline: Option<Instant>,
    ) -> Result<Option<Written>, Error> {
        let Write::Insert(insert) = write else {
            return Ok(None);
        };
        let Some(places) = Places::of(insert).filter(|_| insert.rows.len() == 1) else {
            return Ok(None);
        };
        if !sql::is_unnestable(&insert.model, &insert.fields) {
            return Ok(None);
        }
        let new = New {
            step: Some(step.done(&places.written(insert)?)?),
            insert: insert.clone(),
            places,
        };
        self.create(new, deadline).await.map(Some)
    }

    async fn create(
        self: &Arc<Self>,
        new: New,
        deadline: Option<Instant>,
    ) -> Result<Written, Error> {
        let (answer, answered) = oneshot::channel();
        let creation = Creation {
            new,
            deadline,
            answer,
        };
        if self.creates.begins(creation) {
            self.pool.spawn(Arc::clone(self).create_rounds());
        }
        within(deadline, async {
            answered.await.unwrap_or(Err(Error::Unconfirmed))
        })
        .await
    }

    async fn create_rounds(self: Arc<Self>) {
        loop {
            // Who was woken at the same moment comes along.
            tokio::task::yield_now().await;
            let mut jobs = self.creates.next(usize::MAX);
            if jobs.is_empty() {
                return;
            }
            // Who has gone, or was told that it took too long, must not find it done later.
            jobs.retain(|job| !job.answer.is_closed());
            let groups = alike(jobs).into_iter();
            join_all(groups.map(|group| self.create_group(group))).await;
        }
    }

    /// New records of one call.
    async fn create_alone(
        &self,
        mut new: New,
        deadline: Option<Instant>,
    ) -> Result<Written, Error> {
        let written = new.places.written(&new.insert)?;
        let rows = std::mem::take(&mut new.insert.rows);
        let (model, fields) = (&new.insert.model, &new.insert.fields);
        let statement = sql::insert_only(Engine::Postgres, model, fields, rows);
        let step = new.step.as_ref();
        let step = step.map(|step| steps_done_or_fail(&[step]));
        let change = match &step {
            None => Change::Rows(&statement, model),
            Some(step) => Change::Steps(step, &statement, model),
        };
        self.by_itself(&change, deadline).await?;
        Ok(written)
    }

    async fn create_group(&self, mut group: Vec<Creation>) {
        if group.len() == 1 {
            return self.create_each(group).await;
        }
        let deadline = rounds::latest(group.iter().map(|job| job.deadline));
        let written: Vec<_> = group
            .iter()
            .map(|job| job.new.places.written(&job.new.insert))
            .collect();
        let rows = group.iter_mut().filter_map(|job| job.new.insert.rows.pop());
        let rows = rows.collect();
        let (model, fields) = (&group[0].new.insert.model, &group[0].new.insert.fields);
        let statement = sql::insert_only(Engine::Postgres, model, fields, rows);
        let steps: Vec<_> = group
            .iter()
            .filter_map(|job| job.new.step.as_ref())
            .collect();
        let steps = (!steps.is_empty()).then(|| steps_done_or_fail(&steps));
        let change = match &steps {
            None => Change::Rows(&statement, model),
            Some(steps) => Change::Steps(steps, &statement, model),
        };
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
                    job.new.insert.rows.push(row);
                }
                self.create_each(group).await;
            }
        }
    }

    async fn create_each(&self, group: Vec<Creation>) {
        let each = group.into_iter().map(async |job| {
            let written = self.create_alone(job.new, job.deadline);
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
            let (one, other) = (&group[0].new.insert, &job.new.insert);
            group[0].new.step.is_some() == job.new.step.is_some()
                && Arc::ptr_eq(&one.model, &other.model)
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
