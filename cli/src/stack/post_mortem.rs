//! What a container that failed left behind: its last probe and its last words.

use std::io::Write as _;

use anstyle::Style;

use super::standing::{Phase, Standing};
use super::{Place, ask};

const LOUD: Style = Style::new().bold();
const QUIET: Style = Style::new().dimmed();
const LINES: u16 = 20;

/// On standard error, for every service that failed; where none did, for those that were not ready yet.
pub async fn tell(place: &Place, standings: &[Standing]) {
    let any_failed = standings.iter().any(|standing| standing.phase.is_failed());
    for standing in standings {
        let is_cause = if any_failed {
            standing.phase.is_failed()
        } else {
            standing.phase == Phase::Starting
        };
        if !is_cause {
            continue;
        }
        let Some(container) = &standing.container else {
            continue;
        };
        write(&format!(
            "\n{LOUD}{}{LOUD:#} ({container}): {}",
            standing.service, standing.phase
        ));
        if let Ok(answer) = ask(&docker::inspect_health(container)).await
            && let Some(probe) = docker::probes(&answer.stdout).pop()
        {
            let output = if probe.output.is_empty() {
                "it said nothing"
            } else {
                &probe.output
            };
            write(&format!(
                "{QUIET}the last probe ended with {}:{QUIET:#}",
                probe.exit_code
            ));
            write(&indented(output));
        }
        let logs = ask(&place.running().logs(&standing.service, LINES)).await;
        let logs = logs.map(|captured| captured.stdout).unwrap_or_default();
        if !logs.trim().is_empty() {
            write(&format!("{QUIET}its last lines:{QUIET:#}"));
            write(&indented(&logs));
        }
    }
}

fn indented(text: &str) -> String {
    let lines = text.trim_end().lines();
    let lines = lines.map(|line| format!("  {}", verbs::printable(line)));
    lines.collect::<Vec<_>>().join("\n")
}

fn write(text: &str) {
    // A closed standard error leaves nobody to tell.
    let _ = writeln!(anstream::stderr(), "{text}");
}
