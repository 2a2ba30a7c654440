//! Who is compared.

use anyhow::bail;

use crate::work::Work;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The same SQL without HTTP.
    Pgbench,
    /// `COPY` of a thousand films and their outbox rows in one transaction.
    Copy,
    /// axum and deadpool-postgres, nothing else.
    Bare,
    /// `gantry up` over PostgreSQL.
    Gantry,
    /// The services api and dataflow, two processes.
    Split,
    /// axum and rusqlite, nothing else.
    SqliteBare,
    /// `gantry up` with nothing beside it.
    SqliteGantry,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Postgres,
    Sqlite,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Pgbench,
        Self::Copy,
        Self::Bare,
        Self::Gantry,
        Self::Split,
        Self::SqliteBare,
        Self::SqliteGantry,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pgbench => "pgbench",
            Self::Copy => "copy",
            Self::Bare => "bare",
            Self::Gantry => "gantry",
            Self::Split => "split",
            Self::SqliteBare => "sqlite-bare",
            Self::SqliteGantry => "sqlite-gantry",
        }
    }

    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Pgbench => "pgbench -M prepared",
            Self::Copy => "COPY into both tables",
            Self::Bare => "axum + deadpool-postgres",
            Self::Gantry => "gantry, one process",
            Self::Split => "gantry, api → dataflow",
            Self::SqliteBare => "axum + rusqlite",
            Self::SqliteGantry => "gantry, embedded",
        }
    }

    pub(crate) fn named(name: &str) -> anyhow::Result<Self> {
        let names = Self::ALL.map(Self::name).join(", ");
        match Self::ALL.into_iter().find(|kind| kind.name() == name) {
            Some(kind) => Ok(kind),
            None => bail!("there is no contender {name:?}: {names}"),
        }
    }

    pub(crate) fn engine(self) -> Engine {
        match self {
            Self::SqliteBare | Self::SqliteGantry => Engine::Sqlite,
            _ => Engine::Postgres,
        }
    }

    pub(crate) fn does(self, work: Work) -> bool {
        self != Self::Copy || work == Work::Bulk
    }
}

impl Engine {
    pub(crate) const ALL: [Self; 2] = [Self::Postgres, Self::Sqlite];

    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Sqlite => "SQLite",
        }
    }

    /// The handler that Gantry is compared with on this engine.
    pub(crate) fn bare(self) -> Kind {
        match self {
            Self::Postgres => Kind::Bare,
            Self::Sqlite => Kind::SqliteBare,
        }
    }

    /// Gantry in one process on this engine.
    pub(crate) fn gantry(self) -> Kind {
        match self {
            Self::Postgres => Kind::Gantry,
            Self::Sqlite => Kind::SqliteGantry,
        }
    }
}
