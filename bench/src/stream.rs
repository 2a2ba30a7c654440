//! `bench stream`: a million films into an empty table and out of it again, and the most memory that the server had.

use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::contender::Contender;
use crate::entrant::Database;
use crate::kind::{Engine, Kind};
use crate::options::Options;
use crate::place::Place;
use crate::process::{of_postgres, program};
use crate::results::{Results, Run};
use crate::start::megabytes;
use crate::{copy, million, project};

const JSON_LINES: &str = "application/x-ndjson";
const CSV: &str = "text/csv";
const COPY: &str = "COPY (SELECT id, title, released, gross, rating, director, created_at, updated_at, created_by, \
     _version FROM film) TO STDOUT";

pub(crate) fn run(options: &Options, place: &Place) -> anyhow::Result<Results> {
    let entrants: Vec<Streamed> = Engine::ALL
        .into_iter()
        .map(Engine::gantry)
        .filter(|kind| options.against.contains(kind))
        .map(|kind| Streamed::prepare(kind, place))
        .collect::<anyhow::Result<_>>()?;
    let mut run = Run::begin("stream", options, &place.server)?;
    for round in 1..=options.rounds {
        for entrant in &entrants {
            entrant.round(round, options.rows, &mut run)?;
        }
    }
    Ok(run.end())
}

struct Streamed {
    kind: Kind,
    contender: Contender,
    database: Database,
}

/// What came or went, and how long it took.
pub(crate) struct Passed {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) took: Duration,
}

impl Streamed {
    fn prepare(kind: Kind, place: &Place) -> anyhow::Result<Self> {
        let name = format!("{}-stream", kind.name());
        let database = Database::create(kind.engine(), &name, &place.server, &place.folder)?;
        let project = project::films(&place.folder)?;
        let contender = Contender::gantry(&place.folder, &name, &project, &database.url())?;
        Ok(Self {
            kind,
            contender,
            database,
        })
    }

    fn round(&self, round: usize, rows: u64, run: &mut Run) -> anyhow::Result<()> {
        self.database.empty()?;
        self.database.settle()?;
        let port = self.contender.port;
        let name = self.kind.name();
        let came = self.watched(rows, || million::send(port, rows))?;
        run.take(round, "in as JSON Lines", 1, name, &came);
        self.database.settle()?;
        for (work, form, head) in [("out as JSON Lines", JSON_LINES, 0), ("out as CSV", CSV, 1)] {
            let went = self.watched(rows + head, || million::receive(port, form))?;
            run.take(round, work, 1, name, &went);
        }
        if let Database::Postgres(url) = &self.database {
            let went = copy_out(url)?.figures(rows, None)?;
            run.take(round, "out by COPY", 1, "psql", &went);
            self.database.empty()?;
            self.database.settle()?;
            let came = copy::copy_all(url, rows)?.figures(rows, None)?;
            run.take(round, "in by COPY", 1, "tokio-postgres", &came);
        }
        Ok(())
    }

    /// Runs it with an eye on the server's memory.
    fn watched(
        &self,
        rows: u64,
        pass: impl FnOnce() -> anyhow::Result<Passed>,
    ) -> anyhow::Result<Value> {
        self.contender.forget_peak()?;
        let passed = pass().with_context(|| format!("streaming, {}", self.kind.about()))?;
        let peak = self.contender.memory("VmHWM")?;
        passed.figures(rows, Some(peak))
    }
}

impl Passed {
    pub(crate) fn nothing() -> Self {
        Self {
            rows: 0,
            bytes: 0,
            took: Duration::ZERO,
        }
    }

    pub(crate) fn count(&mut self, part: &[u8]) {
        self.bytes += part.len() as u64;
        self.rows += part
            .iter()
            .map(|byte| u64::from(*byte == b'\n'))
            .sum::<u64>();
    }

    /// An answer that was cut short is no measurement.
    fn figures(&self, expected: u64, peak: Option<u64>) -> anyhow::Result<Value> {
        ensure!(
            self.rows == expected,
            "{} rows passed, not {expected}",
            self.rows
        );
        let seconds = self.took.as_secs_f64();
        Ok(json!({
            "rows_per_second": per(self.rows, seconds),
            "mb_per_second": megabytes(self.bytes) / seconds,
            "peak_mb": peak.map(megabytes),
        }))
    }
}

#[expect(clippy::cast_precision_loss, reason = "rows are far below 2^53")]
fn per(rows: u64, seconds: f64) -> f64 {
    rows as f64 / seconds
}

/// psql's, to a pipe.
fn copy_out(url: &str) -> anyhow::Result<Passed> {
    let begun = Instant::now();
    let mut psql = program(of_postgres("psql"))
        .args(["--no-psqlrc", "--quiet", "--command", COPY, url])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting psql")?;
    let mut out = psql.stdout.take().context("psql has no output")?;
    let mut passed = Passed::nothing();
    let mut part = vec![0; 64 << 10];
    loop {
        let read = out.read(&mut part)?;
        if read == 0 {
            break;
        }
        passed.count(&part[..read]);
    }
    let status = psql.wait()?;
    ensure!(status.success(), "psql ended with {status}");
    passed.took = begun.elapsed();
    Ok(passed)
}
