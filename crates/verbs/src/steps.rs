//! A run on the screen: a line for each step, as it ends.

use std::collections::HashMap;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use wire::run::{Of, StepRow, StepState};

use crate::printable;
use crate::workflows::members;

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const WAITS: Style = AnsiColor::Yellow.on_default();
const QUIET: Style = Style::new().dimmed();

/// What was shown of a run's steps, so that each is told once.
#[derive(Default)]
pub(crate) struct Shown(HashMap<String, (StepState, u32)>);

impl Shown {
    /// Writes what is new.
    pub(crate) fn write(&mut self, out: &mut impl Write, steps: &[StepRow]) -> io::Result<()> {
        for step in steps {
            let now = (step.state, step.attempts);
            if self.0.insert(step.path.clone(), now) != Some(now) {
                write_step(out, step)?;
            }
        }
        Ok(())
    }
}

fn write_step(out: &mut impl Write, step: &StepRow) -> io::Result<()> {
    let (mark, style) = match step.state {
        StepState::Done => ("✓", GOOD),
        StepState::Failed => ("✗", BAD),
        StepState::Skipped => ("–", QUIET),
        StepState::Waiting => ("…", WAITS),
    };
    // Steps within others stand further in.
    let depth = step.path.matches('.').count();
    let name = format!("{:1$}{2}", "", depth * 2, printable(&step.path));
    let what = printable(&step.what);
    write!(
        out,
        "{style}{mark}{style:#} {name:24} {QUIET}{what:20}{QUIET:#}"
    )?;
    match step.state {
        StepState::Skipped => write!(out, " skipped")?,
        StepState::Waiting => write!(out, " {}", waits_for(step))?,
        StepState::Done | StepState::Failed => write!(out, " {:>8}", took(step))?,
    }
    if step.attempts > 1 {
        write!(out, "  {} tries", step.attempts)?;
    }
    if let Some(problem) = &step.problem {
        write!(out, "  {BAD}{}{BAD:#}", printable(&problem.detail))?;
    }
    writeln!(out)
}

fn waits_for(step: &StepRow) -> String {
    let Some(note) = &step.note else {
        return "waits".to_owned();
    };
    let text = match (&note.message, &note.signal, note.run) {
        (Some(message), ..) => match note.of {
            None => format!("asks: {message}"),
            Some(Of::Model) => format!("asks a client's model: {message}"),
            Some(Of::Roots) => format!("asks a client for its roots: {message}"),
        },
        (None, Some(signal), _) => format!("waits for the signal `{signal}`"),
        (None, None, Some(run)) => format!("waits for the run {run}"),
        (None, None, None) => "waits".to_owned(),
    };
    let role = note.role.as_ref();
    let role = role.map_or_else(String::new, |role| format!(" (someone of the role {role})"));
    let until = note.until.as_ref();
    let until = until.map_or_else(String::new, |until| format!(" until {until}"));
    let form = note.form.as_ref();
    let form = form.map_or_else(String::new, |form| format!(" [{}]", members(form)));
    printable(&format!("{text}{form}{role}{until}"))
}

/// `12 ms`, `3.4 s`; nothing where it is not known.
fn took(step: &StepRow) -> String {
    let at = |text: &str| text.parse::<Timestamp>().ok();
    let ended = step.ended_at.as_deref().and_then(at);
    let (Some(from), Some(to)) = (at(&step.started_at), ended) else {
        return String::new();
    };
    let ms = to.as_millisecond().saturating_sub(from.as_millisecond());
    match ms.max(0) {
        ms if ms < 1000 => format!("{ms} ms"),
        ms if ms < 60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        ms => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1000),
    }
}
