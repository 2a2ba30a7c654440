//! Connections: a few that point reads share, pipelined, and the rest lent out one caller at a time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config, NoTls};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::errors;
use super::patience::Patience;
use crate::{Error, Settings};

/// A connection and what it has prepared.
pub(super) struct Connection {
    pub(super) client: Client,
    statements: Mutex<HashMap<Box<str>, tokio_postgres::Statement>>,
}

/// Statements kept by a connection; beyond, all are forgotten and made anew, which costs less than keeping order.
const MOST_STATEMENTS: usize = 1_000;

impl Connection {
    pub(super) async fn prepare(
        &self,
        text: &str,
        types: &[Type],
    ) -> Result<tokio_postgres::Statement, tokio_postgres::Error> {
        // A model may have changed the type of a column, and the text stays the same.
        let is_same = |known: &&tokio_postgres::Statement| known.params() == types;
        let known = self.statements.lock().map_or(None, |statements| {
            statements.get(text).filter(is_same).cloned()
        });
        if let Some(statement) = known {
            return Ok(statement);
        }
        let statement = self.client.prepare_typed(text, types).await?;
        if let Ok(mut statements) = self.statements.lock() {
            if statements.len() >= MOST_STATEMENTS {
                statements.clear();
            }
            statements.insert(text.into(), statement.clone());
        }
        Ok(statement)
    }

    pub(super) fn forget(&self, text: &str) {
        if let Ok(mut statements) = self.statements.lock() {
            statements.remove(text);
        }
    }
}

pub(super) struct Pool {
    config: Config,
    settings: Settings,
    tasks: TaskTracker,
    shared: Vec<tokio::sync::Mutex<Option<Arc<Connection>>>>,
    next: AtomicUsize,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
    closed: CancellationToken,
}

/// A connection of one's own; goes back to the pool on [`Lent::give_back`], else it is closed.
pub(super) struct Lent {
    pub(super) connection: Connection,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    /// Connects once, so that a wrong address or password is told at start, and asks the server for its limits.
    pub(super) async fn open(url: &str, settings: &Settings) -> Result<Self, Error> {
        let mut config: Config = url
            .parse()
            .map_err(|error| Error::Setup(format!("the database's URL cannot be read: {error}")))?;
        config
            .connect_timeout(settings.acquire_timeout)
            .application_name("gantry");
        let tasks = TaskTracker::new();
        let first = connect(&config, settings, &tasks).await?;
        let limits = first
            .client
            .query_one("SELECT current_setting('server_version_num')::int, current_setting('max_connections')::int", &[])
            .await
            .map_err(|error| errors::error(&error, None))?;
        let (version, most): (i32, i32) = (limits.get(0), limits.get(1));
        if version < 150_000 {
            return Err(Error::Setup(format!(
                "PostgreSQL 15 or newer is needed; this is {}",
                version / 10_000
            )));
        }
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        // Half the server's connections leave room for other replicas; beyond a few a core they only wait for each other.
        let half = usize::try_from(most / 2).unwrap_or(2);
        let size = settings.pool.unwrap_or_else(|| half.min(cores * 8)).max(2);
        let shared = cores.min(size / 2).max(1);
        Ok(Self {
            config,
            settings: settings.clone(),
            tasks,
            shared: (0..shared).map(|_| tokio::sync::Mutex::new(None)).collect(),
            next: AtomicUsize::new(0),
            idle: Mutex::new(vec![first]),
            permits: Arc::new(Semaphore::new(size - shared)),
            closed: CancellationToken::new(),
        })
    }

    /// How many connections point reads share.
    pub(super) fn most_shared(&self) -> usize {
        self.shared.len()
    }

    /// Cancelled when the pool closes.
    pub(super) fn closed(&self) -> CancellationToken {
        self.closed.clone()
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// Work that goes on by itself; the pool closes after it.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(work);
    }

    pub(super) fn patience(&self, deadline: Option<Instant>) -> Patience {
        Patience::new(deadline, self.settings.acquire_timeout)
    }

    /// One of those that point reads share.
    pub(super) async fn shared(&self) -> Result<Arc<Connection>, Error> {
        let slot = &self.shared[self.next.fetch_add(1, Ordering::Relaxed) % self.shared.len()];
        let mut slot = slot.lock().await;
        if let Some(connection) = &*slot
            && !connection.client.is_closed()
        {
            return Ok(Arc::clone(connection));
        }
        if self.permits.is_closed() {
            return Err(Error::Unavailable("the store is closed".to_owned()));
        }
        let connection = Arc::new(connect(&self.config, &self.settings, &self.tasks).await?);
        *slot = Some(Arc::clone(&connection));
        Ok(connection)
    }

    pub(super) async fn lend(&self) -> Result<Lent, Error> {
        let waiting = Arc::clone(&self.permits).acquire_owned();
        let permit = tokio::time::timeout(self.settings.acquire_timeout, waiting)
            .await
            .map_err(|_| Error::Busy)?
            .map_err(|_| Error::Unavailable("the store is closed".to_owned()))?;
        loop {
            let idle = self.idle.lock().map_or(None, |mut idle| idle.pop());
            match idle {
                Some(connection) if connection.client.is_closed() => {}
                Some(connection) => {
                    return Ok(Lent {
                        connection,
                        _permit: permit,
                    });
                }
                None => break,
            }
        }
        let connection = connect(&self.config, &self.settings, &self.tasks).await?;
        Ok(Lent {
            connection,
            _permit: permit,
        })
    }

    /// How many may be lent at once, asked before any is.
    pub(super) fn lendable(&self) -> usize {
        self.permits.available_permits()
    }

    pub(super) fn give_back(&self, lent: Lent) {
        if !lent.connection.client.is_closed()
            && let Ok(mut idle) = self.idle.lock()
            // A closed pool has cleared what was idle, and would wait for this one for ever.
            && !self.permits.is_closed()
        {
            idle.push(lent.connection);
        }
    }

    /// Tells the server to stop what the connection is at; the connection is given up.
    pub(super) fn cancel(&self, lent: Lent) {
        let token = lent.connection.client.cancel_token();
        self.tasks.spawn(async move {
            // A cancel that fails changes nothing: the server's own statement timeout ends it.
            let _ = token.cancel_query(NoTls).await;
            drop(lent);
        });
    }

    pub(super) async fn close(&self) {
        self.permits.close();
        self.closed.cancel();
        for slot in &self.shared {
            slot.lock().await.take();
        }
        if let Ok(mut idle) = self.idle.lock() {
            idle.clear();
        }
        self.tasks.close();
        self.tasks.wait().await;
    }
}

async fn connect(
    config: &Config,
    settings: &Settings,
    tasks: &TaskTracker,
) -> Result<Connection, Error> {
    let (client, connection) = config
        .connect(NoTls)
        .await
        .map_err(|error| unavailable(&error))?;
    tasks.spawn(async move {
        if let Err(error) = connection.await {
            tracing::warn!(error = %error, "a database connection ended");
        }
    });
    let set = format!(
        "SET timezone = 'UTC'; SET jit = off; SET statement_timeout = {}; SET lock_timeout = {}; \
         SET idle_in_transaction_session_timeout = '60s'; SET standard_conforming_strings = on",
        settings.statement_timeout.as_millis(),
        settings.lock_timeout.as_millis(),
    );
    client
        .batch_execute(&set)
        .await
        .map_err(|error| unavailable(&error))?;
    // The role that may write rows and nothing else, where the migration could make it.
    let role = client
        .query_opt(
            "SELECT quote_ident(rolname) FROM pg_roles WHERE rolname = left('gantry_writer_' || current_database(), 63) \
             AND pg_has_role(current_user, oid, 'member')",
            &[],
        )
        .await
        .map_err(|error| unavailable(&error))?;
    if let Some(role) = role {
        let role: String = role.get(0);
        client
            .batch_execute(&format!("SET ROLE {role}"))
            .await
            .map_err(|error| unavailable(&error))?;
    }
    Ok(Connection {
        client,
        statements: Mutex::default(),
    })
}

/// What goes wrong while connecting is the address's, the server's or the login's.
fn unavailable(error: &tokio_postgres::Error) -> Error {
    match errors::error(error, None) {
        Error::Internal(why) => Error::Unavailable(why),
        error => error,
    }
}
