//! A contender with its database: filled, measured, cleaned.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};

use crate::contender::Contender;
use crate::kind::{Engine, Kind};
use crate::work::{FILMS, Work};
use crate::{copy, pgbench, project, sqlite_file, tables};

pub(crate) struct Entrant {
    pub(crate) kind: Kind,
    pub(crate) database: Database,
    /// None are those that are their own load.
    contender: Option<Contender>,
    folder: PathBuf,
}

pub(crate) enum Database {
    /// The URL of a server's database of its own.
    Postgres(String),
    Sqlite(PathBuf),
}

impl Database {
    /// A new one. `server` is the URL of any database of the server.
    pub(crate) fn create(
        engine: Engine,
        name: &str,
        server: &str,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let name = format!("bench_{}", name.replace('-', "_"));
        if engine == Engine::Sqlite {
            let file = folder.join(format!("{name}.db"));
            sqlite_file::remove(&file)?;
            return Ok(Self::Sqlite(file));
        }
        tables::create_database(server, &name)?;
        let (address, _) = server
            .rsplit_once('/')
            .context("the server's URL names a database")?;
        Ok(Self::Postgres(format!("{address}/{name}")))
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::Postgres(url) => url.clone(),
            Self::Sqlite(file) => format!("sqlite:{}", file.display()),
        }
    }

    pub(crate) fn clean(&self) -> anyhow::Result<()> {
        match self {
            Self::Postgres(url) => tables::clean(url),
            Self::Sqlite(file) => sqlite_file::clean(file),
        }
    }

    pub(crate) fn checkpoint(&self) -> anyhow::Result<()> {
        match self {
            Self::Postgres(url) => tables::checkpoint(url),
            Self::Sqlite(file) => sqlite_file::checkpoint(file),
        }
    }

    /// Without films and without anything to tell.
    pub(crate) fn empty(&self) -> anyhow::Result<()> {
        match self {
            Self::Postgres(url) => tables::execute(url, "TRUNCATE film, gantry_outbox"),
            Self::Sqlite(file) => {
                sqlite_file::execute(file, "DELETE FROM film; DELETE FROM gantry_outbox")
            }
        }
    }

    /// After many changes: nothing to tell, statistics fresh, everything on the disk.
    pub(crate) fn settle(&self) -> anyhow::Result<()> {
        self.clean()?;
        self.checkpoint()
    }

    /// The processor time of a server of its own, if it has one.
    fn processor_time(&self) -> anyhow::Result<Duration> {
        match self {
            Self::Postgres(url) => tables::processor_time(url),
            Self::Sqlite(_) => Ok(Duration::ZERO),
        }
    }
}

impl Entrant {
    pub(crate) fn prepare(kind: Kind, server: &str, folder: &Path) -> anyhow::Result<Self> {
        let database = Database::create(kind.engine(), kind.name(), server, folder)?;
        let url = database.url();
        let project = project::films(folder)?;
        // All tables on PostgreSQL are made by Gantry, so that nobody has another index or outbox than it has.
        let gantry = || Contender::gantry(folder, kind.name(), &project, &url);
        let contender = match kind {
            Kind::Pgbench | Kind::Copy => {
                drop(gantry()?);
                None
            }
            Kind::Bare => {
                drop(gantry()?);
                Some(Contender::bare(folder, "bare", &url)?)
            }
            Kind::SqliteBare => {
                let file = url.trim_start_matches("sqlite:");
                Some(Contender::bare(folder, "bare-sqlite", file)?)
            }
            Kind::Gantry | Kind::SqliteGantry => Some(gantry()?),
            Kind::Split => Some(Contender::split(folder, &project, &url)?),
        };
        match &contender {
            None => tables::fill(&url)?,
            Some(contender) => {
                contender.fill(1..=FILMS)?;
                database.clean()?;
            }
        }
        Ok(Self {
            kind,
            database,
            contender,
            folder: folder.to_owned(),
        })
    }

    /// Figures of one measurement: those of its generator of load, and what a request cost in microseconds of processor
    /// time, in the process that answers (`server_cpu_us`) and in PostgreSQL's (`database_cpu_us`).
    pub(crate) fn measure(
        &self,
        work: Work,
        clients: usize,
        seconds: f64,
    ) -> anyhow::Result<Value> {
        self.database.checkpoint()?;
        let before = self.processor_times()?;
        let figures = match (&self.contender, self.kind) {
            (Some(contender), _) => contender.measure(work.name(), clients, seconds),
            (None, Kind::Copy) => copy::measure(&self.database.url(), clients, seconds),
            (None, _) => {
                pgbench::measure(&self.folder, &self.database.url(), work, clients, seconds)
            }
        };
        let mut figures = figures
            .with_context(|| format!("{} {} at c={clients}", self.kind.name(), work.name()))?;
        let after = self.processor_times()?;
        let answered = figures["answered"].as_f64().unwrap_or(1.0);
        let each = |before: Duration, after: Duration| {
            let micros = after.saturating_sub(before).as_secs_f64() * 1e6 / answered;
            if micros > 0.0 {
                json!(micros)
            } else {
                Value::Null
            }
        };
        figures["server_cpu_us"] = each(before.0, after.0);
        figures["database_cpu_us"] = each(before.1, after.1);
        if work.writes() {
            self.database.clean()?;
        }
        Ok(figures)
    }

    fn processor_times(&self) -> anyhow::Result<(Duration, Duration)> {
        let own = match &self.contender {
            Some(contender) => contender.processor_time()?,
            None => Duration::ZERO,
        };
        Ok((own, self.database.processor_time()?))
    }
}
