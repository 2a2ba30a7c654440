//! The run: every contender up at once, measured in turn, so that the machine's moods meet all of them.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::{Value, json};

use crate::contender::{Contender, Kind};
use crate::options::Options;
use crate::work::Work;
use crate::{pgbench, report, tables};

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("bench lies in the checkout")?;
    let folder = top.join("target/bench");
    let server = testkit::postgres::durable_server_url(&folder)?;
    let entrants: Vec<Entrant> = options
        .against
        .iter()
        .map(|kind| Entrant::prepare(*kind, &server, &folder))
        .collect::<anyhow::Result<_>>()?;
    let mut measured = Vec::new();
    for round in 0..options.rounds {
        for work in &options.works {
            for clients in &options.concurrency {
                // Another one is first each time.
                for turn in 0..entrants.len() {
                    let entrant = &entrants[(turn + round) % entrants.len()];
                    tables::checkpoint(&server)?;
                    let figures = entrant.measure(*work, *clients, options)?;
                    println!(
                        "round {} {:<6} c={clients:<3} {:<8} {:>9.1}/s",
                        round + 1,
                        work.name(),
                        entrant.kind.name(),
                        figures["per_second"].as_f64().unwrap_or_default()
                    );
                    measured.push(json!({
                        "round": round + 1,
                        "work": work.name(),
                        "clients": clients,
                        "contender": entrant.kind.name(),
                        "figures": figures,
                    }));
                }
            }
        }
    }
    let run = json!({
        "postgresql": tables::version(&server)?,
        "rounds": options.rounds,
        "seconds": options.seconds,
        "cores": std::thread::available_parallelism()?.get(),
        "note": options.note,
        "measured": measured,
    });
    report::write(top, options, &run)
}

struct Entrant {
    kind: Kind,
    database: String,
    /// None is pgbench, which is its own load.
    contender: Option<Contender>,
    scripts: PathBuf,
}

impl Entrant {
    fn prepare(kind: Kind, server: &str, folder: &Path) -> anyhow::Result<Self> {
        let name = format!("bench_{}", kind.name());
        tables::create_database(server, &name)?;
        let (address, _) = server
            .rsplit_once('/')
            .context("the server's URL names a database")?;
        let database = format!("{address}/{name}");
        let contender = match kind {
            Kind::Pgbench => {
                tables::fill_bare(&database)?;
                None
            }
            Kind::Bare => {
                tables::fill_bare(&database)?;
                Some(Contender::bare(folder, &database)?)
            }
            Kind::Gantry => Some(Contender::gantry(folder, &database)?),
            Kind::Split => Some(Contender::split(folder, &database)?),
        };
        if let (Kind::Gantry | Kind::Split, Some(contender)) = (kind, &contender) {
            contender.fill()?;
            tables::clean(&database)?;
        }
        Ok(Self {
            kind,
            database,
            contender,
            scripts: folder.to_owned(),
        })
    }

    fn measure(&self, work: Work, clients: usize, options: &Options) -> anyhow::Result<Value> {
        let seconds = options.duration().as_secs_f64();
        let figures = match &self.contender {
            None => pgbench::measure(&self.scripts, &self.database, work, clients, seconds),
            Some(contender) => contender.measure(work, clients, seconds),
        };
        let figures = figures
            .with_context(|| format!("{} {} at c={clients}", self.kind.name(), work.name()))?;
        if work.writes() {
            tables::clean(&self.database)?;
        }
        Ok(figures)
    }
}
