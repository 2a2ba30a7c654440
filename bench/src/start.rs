//! `bench start`: from the start of the process to its first answer, what it then holds in memory, how large it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::contender::Contender;
use crate::entrant::Database;
use crate::kind::{Engine, Kind};
use crate::options::Options;
use crate::place::Place;
use crate::process::sibling;
use crate::results::{Results, Run};
use crate::{machine, project};

/// How long the process is left alone before its memory is read.
const REST: Duration = Duration::from_secs(1);
const PATH: &str = "/api/v1/film?limit=1";

pub(crate) fn run(options: &Options, place: &Place) -> anyhow::Result<Results> {
    let mut starts = Vec::new();
    for count in &options.models {
        for kind in Engine::ALL.map(Engine::gantry) {
            if options.against.contains(&kind) {
                starts.push(Start::prepare(kind, *count, place)?);
            }
        }
    }
    let mut run = Run::begin("start", options, &place.server)?;
    // Other profiles keep symbols.
    let binary = match machine::profile()?.as_str() {
        "release" => Some(fs::metadata(sibling("gantry")?)?.len()),
        _ => None,
    };
    for round in 0..options.rounds {
        for start in &starts {
            start.database.checkpoint()?;
            let begun = Instant::now();
            let contender = start.begin(&place.folder)?.answering(PATH)?;
            let answered = begun.elapsed();
            std::thread::sleep(REST);
            let figures = json!({
                "first_answer_ms": answered.as_secs_f64() * 1000.0,
                "rss_mb": megabytes(contender.memory("VmRSS")?),
                "binary_mb": binary.map(megabytes),
            });
            run.take(round + 1, &start.name, 1, start.kind.name(), &figures);
        }
    }
    Ok(run.end())
}

/// A project with a database that has its tables.
struct Start {
    name: String,
    kind: Kind,
    project: PathBuf,
    database: Database,
}

impl Start {
    fn prepare(kind: Kind, count: usize, place: &Place) -> anyhow::Result<Self> {
        let database_name = format!("{}-start-{count}", kind.name());
        let database =
            Database::create(kind.engine(), &database_name, &place.server, &place.folder)?;
        let start = Self {
            name: match count {
                1 => "1 model".to_owned(),
                _ => format!("{count} models"),
            },
            kind,
            project: project::many_models(&place.folder, count)?,
            database,
        };
        println!("making the tables of {}, {}", start.name, kind.about());
        drop(start.begin(&place.folder)?.answering(PATH)?);
        Ok(start)
    }

    fn begin(&self, folder: &Path) -> anyhow::Result<Contender> {
        let log = format!("{}-start", self.kind.name());
        Contender::starting_gantry(folder, &log, &self.project, &self.database.url())
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "sizes of memory are far below 2^53"
)]
pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
