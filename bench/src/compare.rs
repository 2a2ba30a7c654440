//! Two runs side by side: how much more or less the one measured than the other, and how far its rounds lie apart.

use std::fmt::Write;

use crate::machine;
use crate::results::{Results, shorter, spread};

/// Those that tell most of each command.
const FIGURES: &[(&str, &[&str])] = &[
    ("rest", &["per_second", "server_cpu_us", "database_cpu_us"]),
    ("stream", &["rows_per_second", "peak_mb"]),
    ("pages", &["p50_ms"]),
    ("start", &["first_answer_ms", "rss_mb", "binary_mb"]),
];

/// Markdown. Where the machines differ it says so first, for then ratios say little.
pub(crate) fn table(now: &Results, then: &Results) -> String {
    let mut text = String::new();
    for command in now.commands() {
        let (Some(about_now), Some(about_then)) = (now.about(command), then.about(command)) else {
            writeln!(text, "the other file has no figures of `{command}`").expect(TEXT);
            continue;
        };
        writeln!(
            text,
            "**{command}**: now {}, then {}\n",
            about_now["commit"], about_then["commit"]
        )
        .expect(TEXT);
        let differences = machine::differences(&about_now["machine"], &about_then["machine"]);
        if !differences.is_empty() {
            text.push_str(
                "NOT THE SAME MACHINE, so what follows compares machines rather than code:\n\n",
            );
            for difference in differences {
                writeln!(text, "- {difference}").expect(TEXT);
            }
            text.push('\n');
        }
        text.push_str(
            "| work | contender | figure | then | now | now ÷ then | rounds then | rounds now |\n",
        );
        text.push_str("|---|---|---|---:|---:|---:|---:|---:|\n");
        let figures = FIGURES.iter().find(|(name, _)| *name == command);
        for figure in figures.map(|(_, figures)| *figures).unwrap_or_default() {
            for key in now.measured(command, figure) {
                let (Some(later), Some(earlier)) = (now.median(key), then.median(key)) else {
                    continue;
                };
                writeln!(
                    text,
                    "| {} c={} | {} | {figure} | {} | {} | {:.2} | {} | {} |",
                    key.work,
                    key.clients,
                    key.contender,
                    shorter(earlier),
                    shorter(later),
                    later / earlier,
                    spread(&then.rounds(key)),
                    spread(&now.rounds(key))
                )
                .expect(TEXT);
            }
        }
        text.push('\n');
    }
    text
}

const TEXT: &str = "text takes text";
