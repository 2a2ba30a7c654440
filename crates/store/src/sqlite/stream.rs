//! A list of any length: a thread and a connection of its own, so that readers stay free for short questions.

use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{Sqlite, errors, worker};
use crate::sql::Statement;
use crate::stream::Outlet;
use crate::{Error, Settings};

/// Threads for streams at once, unless said.
pub(crate) const USUAL_STREAMS: usize = 8;

/// What a stream's connection is made from.
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) settings: Settings,
}

impl Sqlite {
    /// Returns once the query has begun; its rows go on in a thread that ends with the outlet.
    pub(crate) async fn stream(&self, statement: Statement, outlet: Outlet) -> Result<(), Error> {
        let (path, settings) = (self.source.path.clone(), self.source.settings.clone());
        let (begun, beginning) = oneshot::channel();
        let work = move || match open(&path, &settings, &outlet) {
            Ok(connection) => run(&connection, &statement, outlet, begun),
            // Who asked may have gone.
            Err(error) => drop(begun.send(Err(error))),
        };
        thread::Builder::new()
            .name("gantry-stream".to_owned())
            .spawn(work)
            .map_err(|error| Error::Unavailable(format!("a thread cannot be started: {error}")))?;
        let lost = |_| Error::Internal("a stream's thread ended before it began".to_owned());
        beginning.await.map_err(lost)?
    }
}

fn open(path: &std::path::Path, settings: &Settings, outlet: &Outlet) -> Result<Connection, Error> {
    let mut connection = worker::open(path, settings, true)?;
    let failed = |error| errors::error(error, None);
    // What is read once need not be kept, and an order without an index is sorted in files.
    connection
        .execute_batch("PRAGMA cache_size = -2000; PRAGMA temp_store = FILE")
        .map_err(failed)?;
    connection
        .progress_handler(1_000, Some(outlet.watch()))
        .map_err(failed)?;
    Ok(connection)
}

fn run(
    connection: &Connection,
    statement: &Statement,
    mut outlet: Outlet,
    begun: oneshot::Sender<Result<(), Error>>,
) {
    let failed = |error| errors::error(error, None);
    let mut prepared = match connection.prepare(&statement.text).map_err(failed) {
        Ok(prepared) => prepared,
        Err(error) => return drop(begun.send(Err(error))),
    };
    let args = rusqlite::params_from_iter(statement.args.iter());
    let rows = match prepared.query(args).map_err(failed) {
        Ok(rows) => rows,
        Err(error) => return drop(begun.send(Err(error))),
    };
    if begun.send(Ok(())).is_err() {
        return;
    }
    let done = pass_on(rows, &mut outlet);
    let stall = outlet.pace.stall;
    // Who does not take the end does not get it.
    let _ = wait(stall, outlet.finish(done));
}

fn pass_on(mut rows: rusqlite::Rows<'_>, outlet: &mut Outlet) -> Result<(), Error> {
    loop {
        let row = rows.next().map_err(|error| errors::error(error, None))?;
        let Some(row) = row else { return Ok(()) };
        if !outlet.row(row)? {
            return Ok(());
        }
        if outlet.is_full() {
            wait(outlet.patience(), outlet.send()).unwrap_or(Err(Error::Stalled))?;
        }
    }
}

/// Waits on this thread. Without a runtime, which may be gone before the thread.
fn wait<T>(most: Duration, work: impl Future<Output = T>) -> Option<T> {
    let until = Instant::now().checked_add(most)?;
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut work = pin!(work);
    loop {
        if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(done);
        }
        let left = until.checked_duration_since(Instant::now())?;
        thread::park_timeout(left);
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
