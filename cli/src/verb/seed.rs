//! `gantry seed`.

use std::io::{self, Write as _};

use dataflow::seeding::{self, Report, Target};
use model::Project;
use verbs::Platform;
use verbs::Table;
use verbs::words;
use wire::ExitKind;

use crate::args::{Output, Seed};
use crate::failure::Failure;
use crate::platform;
use crate::progress::OfSeeding;

/// More failed rows would push the counts off the screen; `--output json` has them all.
const SHOWN: usize = 20;

pub async fn run(args: Seed, output: Output) -> Result<(), Failure> {
    let project = platform::project(&args.place.database.project)?;
    if project.seeds.is_empty() {
        return Err(
            Failure::refused(ExitKind::NotFound, "the project has no seeds")
                .hint("describe the first in data/<name>.seed.yaml; `gantry schema seed` says how"),
        );
    }
    let platform = platform::compose(&args.place).await?;
    let report = load(&platform, &project, &args.names).await?;
    match output {
        Output::Json => writeln!(anstream::stdout(), "{}", report.to_json())?,
        Output::Text => print(&report)?,
    }
    if report.failed.is_empty() {
        Ok(())
    } else {
        Err(Failure::told(ExitKind::Input))
    }
}

/// Loads the named seeds, or all, and shows how far it is.
pub async fn load(
    platform: &Platform,
    project: &Project,
    names: &[String],
) -> Result<Report, Failure> {
    let target = Target {
        calls: &*platform.calls,
        caller: &platform.caller,
    };
    let mut progress = OfSeeding::default();
    let mut told = |name: &str, done, whole| progress.told(name, done, whole);
    seeding::load(target, project, names, &mut told)
        .await
        .map_err(failed)
}

fn failed(error: seeding::Error) -> Failure {
    let detail = error.to_string();
    match error {
        seeding::Error::NoSuchSeed { hint, .. } => {
            let hint = hint.unwrap_or_else(|| "seeds are the files data/*.seed.yaml".to_owned());
            Failure::refused(ExitKind::NotFound, detail).hint(hint)
        }
        seeding::Error::Unreadable { source, path } => anyhow::Error::new(source)
            .context(format!("cannot read {}", path.display()))
            .into(),
        seeding::Error::Mistakes(mistakes) => Failure::Mistakes(mistakes),
        seeding::Error::Problem(problem) => problem.into(),
    }
}

pub fn print(report: &Report) -> io::Result<()> {
    let titles = ["model", "created", "updated", "unchanged", "failed"];
    let mut table = Table::new(titles).right(1).right(2).right(3).right(4);
    for (model, counts) in &report.models {
        let numbers = [
            counts.created,
            counts.updated,
            counts.unchanged,
            counts.failed,
        ];
        let cells = numbers.map(words::thousands);
        table.push(&[std::slice::from_ref(model), &cells[..]].concat());
    }
    table.print()?;
    print_failed(report)
}

pub fn print_failed(report: &Report) -> io::Result<()> {
    let mut err = anstream::stderr();
    if !report.failed.is_empty() {
        writeln!(err)?;
    }
    for row in report.failed.iter().take(SHOWN) {
        writeln!(err, "{}:{}: {}", row.file.display(), row.line, row.detail)?;
    }
    let hidden = report.failed.len().saturating_sub(SHOWN);
    if hidden > 0 {
        writeln!(err, "… and {} more", words::count(hidden, "row"))?;
    }
    Ok(())
}
