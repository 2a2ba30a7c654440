//! Writes that meet share a transaction and its one wait for the disk; each keeps or loses its own changes alone.

use std::sync::Arc;
use std::time::Instant;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{Sqlite, begin, errors, finish, write_once};
use crate::{Error, Write, Written};

/// Writes of one transaction: others, and long transactions, must come to their turn.
const MOST_WRITES: usize = 512;

/// Somebody who waits for the writer.
pub(super) struct Job {
    write: Write,
    deadline: Option<Instant>,
    answer: oneshot::Sender<Result<Written, Error>>,
}

impl Sqlite {
    pub(crate) async fn write(
        self: &Arc<Self>,
        write: Write,
        deadline: Option<Instant>,
    ) -> Result<Written, Error> {
        let (answer, answered) = oneshot::channel();
        let mut job = Some(Job {
            write,
            deadline,
            answer,
        });
        let goes_now = self
            .writes
            .goes_now(|| job.take().expect("a job is handed over once"));
        if goes_now {
            let rounds = Arc::clone(self).write_rounds(job.into_iter().collect());
            self.tasks.spawn(rounds);
        }
        let closed = |_| Err(Error::Unavailable("the store is closed".to_owned()));
        let answered = async { answered.await.unwrap_or_else(closed) };
        match deadline {
            None => answered.await,
            Some(deadline) => tokio::time::timeout_at(deadline.into(), answered)
                .await
                .unwrap_or(Err(Error::Timeout)),
        }
    }

    async fn write_rounds(self: Arc<Self>, mut jobs: Vec<Job>) {
        while !jobs.is_empty() {
            self.write_round(jobs).await;
            jobs = self.writes.next(MOST_WRITES);
        }
    }

    async fn write_round(&self, jobs: Vec<Job>) {
        let Ok(turn) = Arc::clone(&self.turn).acquire_owned().await else {
            // Dropped, the jobs tell who waits that the store is closed.
            return;
        };
        let deadline = rounds::latest(jobs.iter().map(|job| job.deadline));
        let work = move |connection: &mut Connection| {
            let (jobs, results) = carry_out(connection, jobs);
            drop(turn);
            for (job, written) in jobs.into_iter().zip(results) {
                // Who has gone needs no answer.
                let _ = job.answer.send(written);
            }
            Ok(())
        };
        // A closed store has dropped the jobs, which tells who waits.
        let _ = self.writer.run_anyway(deadline, work).await;
    }
}

/// One transaction around all that still wait.
fn carry_out(
    connection: &Connection,
    mut jobs: Vec<Job>,
) -> (Vec<Job>, Vec<Result<Written, Error>>) {
    // Who has gone, or was told that it took too long, must not find it done later.
    jobs.retain(|job| !job.answer.is_closed());
    if jobs.is_empty() {
        return (jobs, Vec::new());
    }
    let all = |error: &Error| jobs.iter().map(|_| Err(error.clone())).collect();
    if let Err(error) = begin(connection) {
        let results = all(&error);
        return (jobs, results);
    }
    let mut results: Vec<Result<Written, Error>> = Vec::with_capacity(jobs.len());
    let alone = jobs.len() == 1;
    for job in &jobs {
        let written = if alone {
            write_once(connection, &job.write)
        } else {
            by_itself(connection, job)
        };
        if let Err(error) = &written
            && connection.is_autocommit()
        {
            // So grave that SQLite has rolled back the whole.
            let results = all(error);
            return (jobs, results);
        }
        results.push(written);
    }
    let keep = results.iter().any(Result::is_ok);
    if let Err(error) = finish(connection, keep) {
        for written in &mut results {
            if written.is_ok() {
                *written = Err(error.clone());
            }
        }
    }
    (jobs, results)
}

fn by_itself(connection: &Connection, job: &Job) -> Result<Written, Error> {
    if job
        .deadline
        .is_some_and(|deadline| Instant::now() >= deadline)
    {
        return Err(Error::Timeout);
    }
    savepoint(connection, |connection| write_once(connection, &job.write))
}

/// What fails in it is undone whole, as PostgreSQL's single statement is.
pub(super) fn savepoint<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, Error>,
) -> Result<T, Error> {
    let execute = |sql: &str| {
        let mut statement = connection.prepare_cached(sql)?;
        statement.execute([]).map(|_| ())
    };
    let failed = |error| errors::error(error, None);
    execute("SAVEPOINT w").map_err(failed)?;
    let done = work(connection);
    if connection.is_autocommit() {
        return done;
    }
    if done.is_err() {
        execute("ROLLBACK TO w").map_err(failed)?;
    }
    execute("RELEASE w").map_err(failed)?;
    done
}
