//! `gantry lint`: where a stack falls short of hardened.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style};
use anyhow::Context as _;
use docker::Compose;
use docker::lint::{Column, Finding, Report, lint};
use serde_json::{Value, json};
use verbs::words;
use wire::ExitKind;

use crate::args::{Lint, Output, Stage};
use crate::failure::Failure;
use crate::stack::{self, Place};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const LOUD: Style = Style::new().bold();

pub async fn run(args: Lint, output: Output) -> Result<(), Failure> {
    let mut reports = Vec::new();
    for (title, stage, config) in configs(&args).await? {
        let report = lint(&config, stage_of(stage));
        if report.services.is_empty() {
            let detail = format!("{title}: there are no services in it");
            return Err(Failure::refused(ExitKind::Input, detail));
        }
        reports.push((title, stage, report));
    }
    let mut out = anstream::stdout().lock();
    match output {
        Output::Json => {
            let stacks = reports.iter().map(|(title, stage, report)| {
                json!({
                    "stack": title,
                    "stage": stage.word(),
                    "services": report.services,
                    "findings": report.findings.iter().map(to_json).collect::<Vec<_>>(),
                })
            });
            writeln!(out, "{}", json!({"stacks": stacks.collect::<Vec<_>>()}))?;
        }
        Output::Text => {
            for (title, stage, report) in &reports {
                writeln!(out, "{LOUD}{title}{LOUD:#}, for {}\n", stage.word())?;
                write_matrix(&mut out, report)?;
                report
                    .findings
                    .iter()
                    .try_for_each(|finding| write_finding(&mut out, finding))?;
                let services = words::count(report.services.len(), "service");
                match report.findings.len() {
                    0 => writeln!(out, "\n{services}, no holes\n")?,
                    holes => writeln!(out, "\n{services}, {}\n", words::count(holes, "hole"))?,
                }
            }
        }
    }
    if reports
        .iter()
        .any(|(_, _, report)| !report.findings.is_empty())
    {
        return Err(Failure::told(ExitKind::Input));
    }
    Ok(())
}

/// What is looked at: its title, what it is for, and its resolved configuration.
async fn configs(args: &Lint) -> Result<Vec<(String, Stage, Value)>, Failure> {
    let is_dev = |file: &PathBuf| file.to_string_lossy().contains(".dev.");
    let told = if args.files.iter().any(is_dev) {
        Stage::Dev
    } else {
        Stage::Prod
    };
    let stage = args.stack.unwrap_or(told);
    if let [file] = &args.files[..]
        && file
            .extension()
            .is_some_and(|extension| extension == "json")
    {
        return Ok(vec![(file.display().to_string(), stage, resolved(file)?)]);
    }
    docker::check_compose().await?;
    if !args.files.is_empty() {
        // Ours ask for the folder, which need not be there to be looked at.
        let secrets = args.secrets.secrets.clone();
        let secrets = secrets.filter(|folder| !folder.as_os_str().is_empty());
        let secrets = secrets.unwrap_or_else(|| args.project.join(".gantry/secrets"));
        let compose = Compose {
            files: args.files.clone(),
            variables: vec![("GANTRY_SECRETS".to_owned(), secrets.into())],
            ..Compose::default()
        };
        let title: Vec<String> = args.files.iter().map(|f| f.display().to_string()).collect();
        return Ok(vec![(title.join(", "), stage, config(&compose).await?)]);
    }
    let place = Place::of(&args.project, &args.name, Some(&args.secrets))?;
    let stages = args
        .stack
        .map_or(vec![Stage::Dev, Stage::Prod], |stage| vec![stage]);
    let mut configs = Vec::new();
    for stage in stages {
        let config = config(&place.compose(stage)?).await?;
        configs.push((place.name.clone(), stage, config));
    }
    Ok(configs)
}

async fn config(compose: &Compose) -> Result<Value, Failure> {
    match stack::ask(&compose.config()).await {
        Ok(captured) => Ok(serde_json::from_str(&captured.stdout)
            .context("the answer of docker compose config")?),
        Err(docker::Error::Failed { tail, .. }) => {
            let detail = format!("docker compose cannot read the files: {tail}");
            Err(Failure::refused(ExitKind::Input, detail))
        }
        Err(other) => Err(other.into()),
    }
}

fn resolved(file: &Path) -> Result<Value, Failure> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_str(&text).map_err(|error| {
        let detail = format!("{}: {error}", file.display());
        Failure::refused(ExitKind::Input, detail)
            .hint("it is what `docker compose config --format json` prints")
    })
}

fn stage_of(stage: Stage) -> docker::lint::Stage {
    match stage {
        Stage::Dev => docker::lint::Stage::Development,
        Stage::Prod => docker::lint::Stage::Production,
    }
}

/// A line for each rule, a column for each service.
fn write_matrix(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let width = Column::ALL.iter().map(|column| column.name().len()).max();
    let width = width.unwrap_or_default();
    writeln!(out, "{:width$}  {}", "", report.services.join("  "))?;
    for column in Column::ALL {
        write!(out, "{:width$}", column.name())?;
        // Each mark fills up what the name before it is wide.
        let mut fill = 0;
        for service in &report.services {
            let (style, mark) = if report.passes(service, column) {
                (GOOD, "✓")
            } else {
                (BAD, "✗")
            };
            write!(out, "{:fill$}  {style}{mark}{style:#}", "")?;
            fill = service.len() - 1;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn write_finding(out: &mut impl Write, finding: &Finding) -> io::Result<()> {
    let Finding {
        service,
        column,
        pointer,
        what,
        fix,
    } = finding;
    writeln!(out, "\n{LOUD}{service} {column}{LOUD:#}: {what}")?;
    writeln!(out, "  at  {pointer}")?;
    writeln!(out, "  fix {fix}")
}

fn to_json(finding: &Finding) -> Value {
    json!({
        "service": finding.service,
        "column": finding.column.name(),
        "pointer": finding.pointer,
        "what": finding.what,
        "fix": finding.fix,
    })
}
