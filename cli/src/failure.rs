//! How a verb of this program fails, beside what [`verbs::Failure`] has.

use std::io::{self, Write};
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use model::Mistake;
use serde_json::{Value, json};
use verbs::{Output, write_error};
use wire::{ExitKind, Problem};

#[derive(Debug)]
pub enum Failure {
    Verb(verbs::Failure),
    /// The project's files have mistakes.
    Mistakes(Vec<Mistake>),
    /// Settings are wrong, all of them told: 64.
    Settings(Vec<String>),
}

const ERROR: Style = AnsiColor::Red.on_default().bold();
const PLACE: Style = Style::new().bold();
const QUIET: Style = Style::new().dimmed();

impl Failure {
    pub fn refused(exit: ExitKind, detail: impl Into<String>) -> Self {
        Self::Verb(verbs::Failure::refused(exit, detail))
    }

    pub fn usage(detail: impl Into<String>) -> Self {
        Self::Verb(verbs::Failure::usage(detail))
    }

    /// All was said already; only the exit code is left.
    pub fn told(exit: ExitKind) -> Self {
        Self::Verb(verbs::Failure::Told(exit))
    }

    #[must_use]
    pub fn hint(self, text: impl Into<String>) -> Self {
        match self {
            Self::Verb(failure) => Self::Verb(failure.hint(text)),
            other => other,
        }
    }

    /// Tells it on standard error and gives the exit code.
    pub fn tell(&self, output: Output) -> ExitCode {
        let mut err = anstream::stderr().lock();
        // A closed standard error leaves nobody to tell.
        let _ = match (output, self) {
            (_, Self::Verb(failure)) => {
                drop(err);
                return failure.tell(output);
            }
            (Output::Json, _) => writeln!(err, "{}", self.to_json()),
            (Output::Text, _) => self.write_text(&mut err),
        };
        ExitCode::from(match self {
            Self::Verb(failure) => failure.code(),
            Self::Mistakes(_) => ExitKind::Input as u8,
            Self::Settings(_) => 64,
        })
    }

    pub fn to_json(&self) -> Value {
        match self {
            Self::Verb(failure) => failure.to_json(),
            Self::Mistakes(mistakes) => json!({
                "code": "invalid_project",
                "detail": summary(mistakes),
                "mistakes": mistakes_json(mistakes),
            }),
            Self::Settings(faults) => json!({"code": "settings", "detail": faults.join("; ")}),
        }
    }

    fn write_text(&self, err: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Verb(failure) => failure.write_text(err),
            Self::Mistakes(mistakes) => {
                write_mistakes(err, mistakes)?;
                write_error(err, &summary(mistakes))
            }
            Self::Settings(faults) => faults.iter().try_for_each(|fault| write_error(err, fault)),
        }
    }
}

/// Each mistake with its line and a caret under what is wrong.
pub fn write_mistakes(err: &mut impl Write, mistakes: &[Mistake]) -> io::Result<()> {
    for mistake in mistakes {
        let text = mistake.to_string();
        let (head, excerpt) = text.split_once('\n').unwrap_or((&text, ""));
        let place_len = head.len() - mistake.message.len();
        let (place, message) = head.split_at(place_len.min(head.len()));
        writeln!(err, "{PLACE}{}{PLACE:#} {message}", place.trim_end())?;
        for line in excerpt.lines() {
            match line.split_once(" | ") {
                Some((gutter, rest)) if rest.trim_start().starts_with('^') => {
                    writeln!(err, "{QUIET}{gutter} |{QUIET:#} {ERROR}{rest}{ERROR:#}")?;
                }
                Some((gutter, rest)) => writeln!(err, "{QUIET}{gutter} |{QUIET:#} {rest}")?,
                None => writeln!(err, "{QUIET}{line}{QUIET:#}")?,
            }
        }
        writeln!(err)?;
    }
    Ok(())
}

pub fn mistakes_json(mistakes: &[Mistake]) -> Vec<Value> {
    mistakes
        .iter()
        .map(|mistake| {
            json!({
                "file": mistake.file.to_string_lossy(),
                "line": mistake.line,
                "column": mistake.column,
                "message": mistake.message,
                "hint": mistake.hint,
            })
        })
        .collect()
}

fn summary(mistakes: &[Mistake]) -> String {
    let mut files: Vec<_> = mistakes.iter().map(|mistake| &mistake.file).collect();
    files.sort_unstable();
    files.dedup();
    format!(
        "{} in {}",
        verbs::words::count(mistakes.len(), "mistake"),
        verbs::words::count(files.len(), "file")
    )
}

impl From<verbs::Failure> for Failure {
    fn from(failure: verbs::Failure) -> Self {
        Self::Verb(failure)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Verb(problem.into())
    }
}

impl From<Vec<Mistake>> for Failure {
    fn from(mistakes: Vec<Mistake>) -> Self {
        Self::Mistakes(mistakes)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Verb(error.into())
    }
}

impl From<docker::Error> for Failure {
    fn from(error: docker::Error) -> Self {
        let hint = error.hint();
        let detail = match &error {
            docker::Error::Failed { tail, .. } if !tail.is_empty() => format!("{error}:\n{tail}"),
            docker::Error::Start(cause) => format!("{error}: {cause}"),
            _ => error.to_string(),
        };
        Self::Verb(verbs::Failure::Refused {
            exit: ExitKind::Unavailable,
            detail,
            hint,
        })
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Verb(error.into())
    }
}
