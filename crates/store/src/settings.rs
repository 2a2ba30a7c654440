//! Where a store is and how it is used.

use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Clone)]
pub enum Location {
    /// `postgres://user:password@host:port/database`; never printed with its password.
    Postgres(String),
    Sqlite(PathBuf),
}

#[derive(Debug, Clone)]
pub struct Settings {
    pub location: Location,
    /// Absent: sized from the server (`max_connections`) and the cores.
    pub pool: Option<usize>,
    /// Exports and imports at once. Absent: half of the pool, on SQLite eight.
    pub streams: Option<usize>,
    pub statement_timeout: Duration,
    pub lock_timeout: Duration,
    /// How long a call waits for a connection before it is `Unavailable`.
    pub acquire_timeout: Duration,
}

impl Settings {
    pub fn new(location: Location) -> Self {
        Self {
            location,
            pool: None,
            streams: None,
            statement_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(5),
            acquire_timeout: Duration::from_secs(5),
        }
    }
}
