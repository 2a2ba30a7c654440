//! What `gantry up --watch` tells of files that changed.

use std::io::{self, Write};
use std::path::Path;

use anstyle::{AnsiColor, Style};
use dataflow::{ModelChange, News, Reloaded};
use serde_json::{Value, json};
use wire::Code;

use crate::args::Output;
use crate::failure::Failure;
use crate::platform;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const SERVED_ON: &str = "what was served is served on";

/// One line of JSON on standard output for programs; for people good news there, and bad on standard error.
pub fn tell(news: News, folder: &Path, output: Output) {
    // Nobody may be left to tell, and the platform serves all the same.
    let _ = write(news, folder, output);
}

fn write(news: News, folder: &Path, output: Output) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    match (news, output) {
        (News::Reloaded(reloaded), Output::Json) => writeln!(out, "{}", to_json(&reloaded)),
        (News::Reloaded(reloaded), Output::Text) => {
            let took = reloaded.took.as_millis();
            writeln!(out, "{GOOD}reloaded{GOOD:#} in {took} ms: {reloaded}")?;
            match &reloaded.later[..] {
                [] => Ok(()),
                later => writeln!(out, "  from the next start on: {}", later.join(", ")),
            }
        }
        (News::Refused(error), Output::Json) => {
            let problem = refusal(error, folder).to_json();
            writeln!(out, "{}", json!({"event": "refused", "problem": problem}))
        }
        (News::Refused(error), Output::Text) => {
            drop(out);
            refusal(error, folder).tell(output);
            writeln!(anstream::stderr(), "  {SERVED_ON}")
        }
        (News::Mended, Output::Json) => writeln!(out, "{}", json!({"event": "mended"})),
        (News::Mended, Output::Text) => {
            writeln!(out, "{GOOD}mended{GOOD:#}: the files say what is served")
        }
    }
}

fn to_json(reloaded: &Reloaded) -> Value {
    let change = |change: &ModelChange| match change {
        ModelChange::New(model) => json!({"model": model, "change": "new"}),
        ModelChange::Gone(model) => json!({"model": model, "change": "gone"}),
        ModelChange::Changed {
            model,
            added,
            removed,
            changed,
        } => json!({
            "model": model, "change": "changed",
            "added": added, "removed": removed, "changed": changed,
        }),
    };
    json!({
        "event": "reloaded",
        "duration_ms": reloaded.took.as_secs_f64() * 1000.0,
        "changes": reloaded.changes.iter().map(change).collect::<Vec<_>>(),
        "limits": reloaded.limits,
        "offer": reloaded.offer,
        "later": reloaded.later,
        "migration": reloaded.migration,
    })
}

/// With the next step of somebody whose platform runs.
fn refusal(error: dataflow::Error, folder: &Path) -> Failure {
    match platform::refusal(error) {
        Failure::Verb(verbs::Failure::Problem(problem))
            if problem.code == Code::DestructiveChange =>
        {
            let hint = format!(
                "look at `gantry migrate plan -C {folder}`; to allow it, end this process, run \
                 `gantry migrate apply --allow-destructive -C {folder}`, and start again",
                folder = folder.display()
            );
            problem.hint(hint).into()
        }
        other => other,
    }
}
