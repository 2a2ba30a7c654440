//! Threads that own a connection each, and run what they are sent: one writes, the others read.

use std::path::Path;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use tokio::sync::oneshot;

use super::{errors, functions};
use crate::{Error, Settings};

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Hands jobs to one or more threads. They end when the last handle is dropped.
#[derive(Clone)]
pub(super) struct Workers {
    jobs: mpsc::Sender<(Option<Instant>, Job)>,
}

impl Workers {
    /// One thread that may write.
    pub(super) fn writer(path: &Path, settings: &Settings) -> Result<Self, Error> {
        Self::start("gantry-writer", 1, path, settings, false)
    }

    pub(super) fn readers(path: &Path, settings: &Settings, count: usize) -> Result<Self, Error> {
        Self::start("gantry-reader", count, path, settings, true)
    }

    /// Each opens its own connection, which reads all definitions and takes a while where there are many; jobs are taken
    /// as soon as one has. Returns then, or when none could.
    fn start(
        name: &str,
        count: usize,
        path: &Path,
        settings: &Settings,
        read_only: bool,
    ) -> Result<Self, Error> {
        let (jobs, queue) = mpsc::channel::<(Option<Instant>, Job)>();
        let queue = Arc::new(Mutex::new(queue));
        let (opened, opening) = mpsc::channel();
        for _ in 0..count {
            let (queue, opened) = (Arc::clone(&queue), opened.clone());
            let (path, settings) = (path.to_owned(), settings.clone());
            let work = move || {
                let mut connection = match open(&path, &settings, read_only) {
                    Ok(connection) => connection,
                    Err(error) => return drop(opened.send(Err(error))),
                };
                // Nobody listens any more where another was faster.
                let _ = opened.send(Ok(()));
                drop(opened);
                loop {
                    // Holding the lock while waiting is the point: one thread waits, the others queue behind it.
                    let job = queue.lock().map(|queue| queue.recv());
                    let Ok(Ok((deadline, job))) = job else { return };
                    deadline_for(&mut connection, deadline);
                    job(&mut connection);
                }
            };
            let spawned = std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(work);
            spawned
                .map_err(|error| Error::Setup(format!("a thread cannot be started: {error}")))?;
        }
        drop(opened);
        let mut failed = Error::Setup("no connection to the file could be opened".to_owned());
        for told in opening {
            match told {
                Ok(()) => return Ok(Self { jobs }),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// Runs the job on a worker's thread. Cut off at the deadline, and not begun after it.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        deadline: Option<Instant>,
        job: impl FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let in_time = move |connection: &mut Connection| {
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Err(Error::Timeout);
            }
            job(connection)
        };
        self.run_anyway(deadline, in_time).await
    }

    /// The same, begun however late it is.
    pub(super) async fn run_anyway<T: Send + 'static>(
        &self,
        deadline: Option<Instant>,
        job: impl FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // Who asked may have gone; the job is done all the same.
            let _ = answer.send(job(connection));
        });
        let closed = || Error::Unavailable("the store is closed".to_owned());
        self.jobs.send((deadline, job)).map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }

    /// Sends a job whose end nobody waits for.
    pub(super) fn send(&self, job: impl FnOnce(&mut Connection) + Send + 'static) {
        // A closed store has nothing left to do.
        let _ = self.jobs.send((None, Box::new(job)));
    }
}

/// Asked every thousand steps of SQLite's machine, so that a long statement ends in time.
fn deadline_for(connection: &mut Connection, deadline: Option<Instant>) {
    let _ = match deadline {
        Some(deadline) => {
            connection.progress_handler(1_000, Some(move || Instant::now() >= deadline))
        }
        None => connection.progress_handler(0, None::<fn() -> bool>),
    };
}

pub(super) fn open(path: &Path, settings: &Settings, read_only: bool) -> Result<Connection, Error> {
    let failed = |error| errors::error(error, None);
    let connection = Connection::open(path)
        .map_err(|error| Error::Setup(format!("{} cannot be opened: {error}", path.display())))?;
    connection
        .busy_timeout(settings.lock_timeout.max(Duration::from_millis(1)))
        .map_err(failed)?;
    functions::register(&connection).map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(256);
    // Else a statement is planned anew each time that a value is bound which statistics could tell something about.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(failed)?;
    // FULL: an acknowledged write is on the disk, whatever happens to the machine.
    let pragmas = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
                   PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000;";
    connection.execute_batch(pragmas).map_err(failed)?;
    // A writer fills its cache with what it writes, which the log holds anyway.
    let role = if read_only {
        "PRAGMA query_only = ON;"
    } else {
        "PRAGMA cache_size = -8000;"
    };
    connection.execute_batch(role).map_err(failed)?;
    Ok(connection)
}
