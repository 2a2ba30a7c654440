//! `gantry health`: what the services say of themselves and of each other, and what the engine says of them.

use std::io::{self, IsTerminal as _, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use docker::{Container, State};
use serde_json::{Map, Value, json};
use wire::{ExitKind, Status};

use crate::args::{Health, Output};
use crate::failure::Failure;
use crate::stack::{self, Place};
use crate::verb::ps;

const GOOD: Style = AnsiColor::Green.on_default();
const SO_SO: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const PAUSE: Duration = Duration::from_secs(2);
/// They tell of all behind them.
const FACES: [&str; 2] = ["api", "mcp"];
/// Takes away what a terminal shows.
const CLEAR: &str = "\x1b[H\x1b[2J";

pub async fn run(args: Health, output: Output) -> Result<(), Failure> {
    let place = Place::of(&args.folder, &args.name, None)?;
    docker::check().await?;
    if !args.watch {
        return look(&place, output, "").await;
    }
    let clear = match output {
        Output::Text if io::stdout().is_terminal() => CLEAR,
        _ => "",
    };
    loop {
        match look(&place, output, clear).await {
            Ok(()) | Err(Failure::Verb(verbs::Failure::Told(_))) => {}
            // What is not there may come.
            Err(Failure::Verb(verbs::Failure::Refused { detail, .. })) => {
                writeln!(anstream::stderr(), "{detail}")?;
            }
            Err(other) => return Err(other),
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = tokio::signal::ctrl_c() => return Ok(()),
        }
    }
}

/// Told where something is down.
async fn look(place: &Place, output: Output, before: &str) -> Result<(), Failure> {
    let containers = place.containers().await?;
    if containers.is_empty() {
        let detail = format!("{} has no containers", place.name);
        return Err(Failure::refused(ExitKind::NotFound, detail)
            .hint("`gantry up --stack dev` starts them"));
    }
    let mut reports = Vec::new();
    for face in FACES {
        // A stack may do without one; what is there and does not answer is told.
        if face == "api" || containers.iter().any(|one| one.service == face) {
            reports.push((face, report(place, face).await?));
        }
    }
    let mut out = anstream::stdout().lock();
    match output {
        Output::Json => {
            let reports = reports
                .iter()
                .map(|(face, report)| ((*face).to_owned(), json!(report)));
            let reports: Map<String, Value> = reports.collect();
            let told = json!({"reports": reports, "containers": ps::to_json(&containers)});
            writeln!(out, "{told}")?;
        }
        Output::Text => {
            write!(out, "{before}")?;
            for (face, report) in &reports {
                match report {
                    Some(report) => write_report(&mut out, report, 0)?,
                    None => writeln!(out, "{face} {BAD}does not answer{BAD:#}")?,
                }
            }
            writeln!(out)?;
            drop(out);
            ps::table(&containers).print()?;
        }
    }
    let is_down = |report: &Option<wire::Health>| {
        let status = report.as_ref().map(|report| report.status);
        status.is_none_or(|status| status == Status::Down)
    };
    if reports.iter().any(|(_, report)| is_down(report)) || containers.iter().any(is_sick) {
        return Err(Failure::told(ExitKind::Unavailable));
    }
    Ok(())
}

/// As a face tells it, with dataflow's own below and the stores below that; nothing where it cannot be asked.
async fn report(place: &Place, face: &str) -> Result<Option<wire::Health>, Failure> {
    let program = format!("/{face}");
    let ask = place
        .running()
        .exec(face, &[&program, "healthcheck", "--report"]);
    let told = match stack::ask(&ask).await {
        Ok(captured) => captured.stdout,
        // A service that is down says so, and fails.
        Err(docker::Error::Failed { stdout, .. }) => stdout,
        Err(other) => return Err(other.into()),
    };
    Ok(serde_json::from_str(&told).ok())
}

fn is_sick(container: &Container) -> bool {
    let ended_well = container.state == State::Exited && container.exit_code == 0;
    let runs = container.state == State::Running;
    container.health == docker::Health::Unhealthy || !runs && !ended_well
}

fn write_report(out: &mut impl Write, report: &wire::Health, depth: usize) -> io::Result<()> {
    if depth == 0 {
        let (service, version) = (&report.service, &report.version);
        writeln!(out, "{service} {}  {version}", word(report.status))?;
    }
    let indent = "  ".repeat(depth + 1);
    for dependency in &report.dependencies {
        let (name, status) = (&dependency.name, word(dependency.status));
        let latency = Duration::from_micros(dependency.latency_us);
        write!(out, "{indent}{name} {status}  {latency:?}")?;
        if !dependency.required {
            write!(out, ", can be done without")?;
        }
        if let Some(reason) = &dependency.reason {
            write!(out, ": {}", verbs::printable(reason))?;
        }
        writeln!(out)?;
        if let Some(report) = &dependency.report {
            write_report(out, report, depth + 1)?;
        }
    }
    Ok(())
}

fn word(status: Status) -> String {
    let (style, word) = match status {
        Status::Ok => (GOOD, "ok"),
        Status::Degraded => (SO_SO, "degraded"),
        Status::Down => (BAD, "down"),
    };
    format!("{style}{word}{style:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_shows_who_depends_on_whom() {
        let text = r#"{"service": "api", "version": "0.1.0", "status": "degraded", "dependencies": [
            {"name": "dataflow", "status": "degraded", "required": true, "latency_us": 1200, "report":
                {"service": "dataflow", "version": "0.1.0", "status": "degraded", "dependencies": [
                    {"name": "postgres", "status": "ok", "required": true, "latency_us": 310},
                    {"name": "redis", "status": "down", "required": false, "latency_us": 5000000, "reason": "refused"}
                ]}}
        ]}"#;
        let report: wire::Health = serde_json::from_str(text).unwrap();
        let mut out = Vec::new();
        write_report(&mut out, &report, 0).unwrap();
        let text = anstream::adapter::strip_str(std::str::from_utf8(&out).unwrap()).to_string();
        insta::assert_snapshot!(text, @r#"
        api degraded  0.1.0
          dataflow degraded  1.2ms
            postgres ok  310µs
            redis down  5s, can be done without: refused
        "#);
    }
}
