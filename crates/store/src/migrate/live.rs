//! The owner's own connection to the database: scripts, and rows as text, alike on both engines.

use std::fmt::Write as _;
use std::time::Duration;

use rusqlite::types::ValueRef;
use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_util::task::TaskTracker;

use crate::{Engine, Error, Location, Settings};

/// A row's columns as text; `None` is null.
pub(super) type Row = Vec<Option<String>>;

pub(super) enum Live {
    Postgres {
        client: tokio_postgres::Client,
        /// Owns the connection's task, which ends when the client is dropped.
        _tasks: TaskTracker,
    },
    /// Out while a statement runs on the blocking pool; a cancelled statement takes it along, which rolls back.
    Sqlite(Option<rusqlite::Connection>),
}

impl Live {
    pub(super) async fn open(settings: &Settings) -> Result<Self, Error> {
        match &settings.location {
            Location::Postgres(url) => {
                let mut config: tokio_postgres::Config = url
                    .parse()
                    .map_err(|error| Error::Setup(format!("the database's URL: {error}")))?;
                config
                    .connect_timeout(settings.acquire_timeout)
                    .application_name("gantry migrate");
                let (client, connection) = config
                    .connect(tokio_postgres::NoTls)
                    .await
                    .map_err(|error| postgres_error(&error))?;
                let tasks = TaskTracker::new();
                tasks.spawn(connection);
                let live = Self::Postgres {
                    client,
                    _tasks: tasks,
                };
                Ok(live)
            }
            Location::Sqlite(path) => {
                let path = path.clone();
                let connection = tokio::task::spawn_blocking(move || open_sqlite(&path))
                    .await
                    .map_err(|error| Error::Internal(error.to_string()))??;
                Ok(Self::Sqlite(Some(connection)))
            }
        }
    }

    pub(super) fn engine(&self) -> Engine {
        match self {
            Self::Postgres { .. } => Engine::Postgres,
            Self::Sqlite(_) => Engine::Sqlite,
        }
    }

    /// Runs a script of statements.
    pub(super) async fn run(&mut self, sql: &str) -> Result<(), Error> {
        match self {
            Self::Postgres { client, .. } => client
                .batch_execute(sql)
                .await
                .map_err(|error| postgres_error(&error)),
            Self::Sqlite(_) => {
                let sql = sql.to_owned();
                self.blocking(move |connection| connection.execute_batch(&sql))
                    .await
            }
        }
    }

    /// One statement's rows. Parameters are texts, `$1` and on.
    pub(super) async fn rows(&mut self, sql: &str, parameters: &[&str]) -> Result<Vec<Row>, Error> {
        match self {
            Self::Postgres { client, .. } if parameters.is_empty() => {
                let messages = client.simple_query(sql).await;
                let messages = messages.map_err(|error| postgres_error(&error))?;
                let rows = messages.iter().filter_map(|message| match message {
                    SimpleQueryMessage::Row(row) => Some(
                        (0..row.len())
                            .map(|at| row.get(at).map(str::to_owned))
                            .collect(),
                    ),
                    _ => None,
                });
                Ok(rows.collect())
            }
            Self::Postgres { client, .. } => {
                let parameters: Vec<&(dyn ToSql + Sync)> = parameters
                    .iter()
                    .map(|text| text as &(dyn ToSql + Sync))
                    .collect();
                let rows = client.query(sql, &parameters).await;
                let rows = rows.map_err(|error| postgres_error(&error))?;
                rows.iter()
                    .map(|row| (0..row.len()).map(|at| row.try_get(at)).collect())
                    .collect::<Result<_, _>>()
                    .map_err(|error| postgres_error(&error))
            }
            Self::Sqlite(_) => {
                let sql = sql.replace('$', "?");
                let parameters: Vec<String> =
                    parameters.iter().map(|text| (*text).to_owned()).collect();
                self.blocking(move |connection| sqlite_rows(connection, &sql, &parameters))
                    .await
            }
        }
    }

    /// The parameter of that number, where a text is to go.
    pub(super) fn text(&self, number: u32) -> String {
        match self {
            Self::Postgres { .. } => format!("${number}::text"),
            Self::Sqlite(_) => format!("${number}"),
        }
    }

    /// A single number, such as a count.
    pub(super) async fn number(&mut self, sql: &str) -> Result<u64, Error> {
        let rows = self.rows(sql, &[]).await?;
        let text = rows.first().and_then(|row| row.first().cloned().flatten());
        Ok(text.and_then(|text| text.parse().ok()).unwrap_or(0))
    }

    async fn blocking<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let Self::Sqlite(slot) = self else {
            return Err(Error::Internal("no connection to SQLite".to_owned()));
        };
        let mut connection = slot
            .take()
            .ok_or_else(|| Error::Internal("the connection to SQLite is gone".to_owned()))?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work(&mut connection);
            (connection, done)
        });
        let (connection, done) = done
            .await
            .map_err(|error| Error::Internal(error.to_string()))?;
        *slot = Some(connection);
        done.map_err(|error| sqlite_error(&error))
    }
}

fn sqlite_rows(
    connection: &mut rusqlite::Connection,
    sql: &str,
    parameters: &[String],
) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare(sql)?;
    let width = statement.column_count();
    let mut found = statement.query(rusqlite::params_from_iter(parameters))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let row = (0..width).map(|at| Ok(text(row.get_ref(at)?)));
        rows.push(row.collect::<rusqlite::Result<Row>>()?);
    }
    Ok(rows)
}

fn text(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        ValueRef::Blob(bytes) => Some(super::history::hex(bytes)),
    }
}

/// How long SQLite waits for another process that migrates.
pub(super) const PATIENCE: Duration = Duration::from_mins(2);

fn open_sqlite(path: &std::path::Path) -> Result<rusqlite::Connection, Error> {
    let connection = rusqlite::Connection::open(path).map_err(|error| sqlite_error(&error))?;
    let done = (|| {
        connection.busy_timeout(PATIENCE)?;
        // Each index that is made is looked up among all definitions, which are to stay in memory for it.
        connection.pragma_update(None, "cache_size", -64_000)?;
        crate::sqlite::register(&connection)
    })();
    done.map(|()| connection)
        .map_err(|error: rusqlite::Error| sqlite_error(&error))
}

fn sqlite_error(error: &rusqlite::Error) -> Error {
    use rusqlite::ErrorCode;
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Timeout,
        Some(ErrorCode::CannotOpen) => Error::Unavailable(error.to_string()),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Error::Denied(error.to_string()),
        _ => Error::Setup(error.to_string()),
    }
}

fn postgres_error(error: &tokio_postgres::Error) -> Error {
    let Some(said) = error.as_db_error() else {
        return Error::Unavailable(chain(error));
    };
    match said.code() {
        &SqlState::LOCK_NOT_AVAILABLE | &SqlState::QUERY_CANCELED => Error::Timeout,
        &SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED => Error::Conflict,
        &SqlState::INSUFFICIENT_PRIVILEGE
        | &SqlState::INVALID_PASSWORD
        | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            Error::Denied(said.message().to_owned())
        }
        code if code.code().starts_with("57P") || code.code().starts_with("08") => {
            Error::Unavailable(said.message().to_owned())
        }
        _ => {
            let mut text = said.message().to_owned();
            for more in [said.detail(), said.hint()].into_iter().flatten() {
                let _ = write!(text, " ({more})");
            }
            Error::Setup(text)
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}
