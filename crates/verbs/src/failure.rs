//! How a verb fails: what is printed, and the number the program ends with.

use std::io::{self, Write};
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use wire::{ExitKind, Fault, Problem};

use crate::Output;

#[derive(Debug)]
pub enum Failure {
    /// A node or a service said no.
    Problem(Problem),
    /// What the verb itself refuses.
    Refused {
        exit: ExitKind,
        detail: String,
        hint: Option<String>,
    },
    /// The command line asks for what cannot be: 2.
    Usage {
        detail: String,
        hint: Option<String>,
    },
    /// All was said already; only the exit code is left.
    Told(ExitKind),
    /// The machine did not play along: 1.
    Unexpected(anyhow::Error),
}

const ERROR: Style = AnsiColor::Red.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();
const PLACE: Style = Style::new().bold();
const QUIET: Style = Style::new().dimmed();

impl Failure {
    pub fn refused(exit: ExitKind, detail: impl Into<String>) -> Self {
        Self::Refused {
            exit,
            detail: detail.into(),
            hint: None,
        }
    }

    pub fn usage(detail: impl Into<String>) -> Self {
        Self::Usage {
            detail: detail.into(),
            hint: None,
        }
    }

    #[must_use]
    pub fn hint(self, text: impl Into<String>) -> Self {
        match self {
            Self::Refused { exit, detail, .. } => Self::Refused {
                exit,
                detail,
                hint: Some(text.into()),
            },
            Self::Usage { detail, .. } => Self::Usage {
                detail,
                hint: Some(text.into()),
            },
            other => other,
        }
    }

    /// Who closed the pipe that we write to has seen enough.
    pub fn is_closed_pipe(&self) -> bool {
        let Self::Unexpected(error) = self else {
            return false;
        };
        error
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// What the program ends with.
    pub fn code(&self) -> u8 {
        match self {
            Self::Problem(problem) => problem.code.exit() as u8,
            Self::Refused { exit, .. } | Self::Told(exit) => *exit as u8,
            Self::Usage { .. } => 2,
            Self::Unexpected(_) => 1,
        }
    }

    /// Tells it on standard error and gives the exit code.
    pub fn tell(&self, output: Output) -> ExitCode {
        if self.is_closed_pipe() {
            return ExitCode::SUCCESS;
        }
        let mut err = anstream::stderr().lock();
        // A closed standard error leaves nobody to tell.
        let _ = match (output, self) {
            (_, Self::Told(_)) => Ok(()),
            (Output::Json, _) => writeln!(err, "{}", self.to_json()),
            (Output::Text, _) => self.write_text(&mut err),
        };
        ExitCode::from(self.code())
    }

    pub fn to_json(&self) -> Value {
        match self {
            Self::Problem(problem) => serde_json::from_slice(&problem.to_json(None))
                .expect("a problem's document is JSON"),
            Self::Refused { exit, detail, hint } => {
                let code = match exit {
                    ExitKind::Input => "bad_request",
                    ExitKind::NotFound => "not_found",
                    ExitKind::Denied => "forbidden",
                    ExitKind::Conflict => "conflict",
                    ExitKind::Unavailable => "unavailable",
                    ExitKind::Unsafe => "destructive_change",
                    ExitKind::Internal => "internal",
                };
                json!({"code": code, "detail": detail, "hint": hint})
            }
            Self::Usage { detail, hint } => {
                json!({"code": "usage", "detail": detail, "hint": hint})
            }
            Self::Told(_) => Value::Null,
            Self::Unexpected(error) => {
                json!({"code": "unexpected", "detail": format!("{error:#}")})
            }
        }
    }

    pub fn write_text(&self, err: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Problem(problem) => write_problem(err, problem),
            Self::Refused { detail, hint, .. } | Self::Usage { detail, hint } => {
                write_error(err, detail)?;
                write_hint(err, hint.as_deref())
            }
            Self::Told(_) => Ok(()),
            Self::Unexpected(error) => {
                write_error(err, &error.to_string())?;
                for cause in error.chain().skip(1) {
                    writeln!(err, "  {QUIET}caused by:{QUIET:#} {cause}")?;
                }
                Ok(())
            }
        }
    }
}

pub fn write_error(err: &mut impl Write, detail: &str) -> io::Result<()> {
    writeln!(err, "{ERROR}error:{ERROR:#} {detail}")
}

pub fn write_hint(err: &mut impl Write, hint: Option<&str>) -> io::Result<()> {
    match hint {
        Some(hint) => writeln!(err, "\n{HINT}hint:{HINT:#} {hint}"),
        None => Ok(()),
    }
}

pub fn write_problem(err: &mut impl Write, problem: &Problem) -> io::Result<()> {
    write_error(err, &problem.detail)?;
    let told = |fault: &&Fault| fault.detail != problem.detail;
    for fault in problem.errors.iter().filter(told) {
        writeln!(err, "  {PLACE}{}{PLACE:#} {}", fault.pointer, fault.detail)?;
    }
    write_hint(err, problem.hint.as_deref())
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Unexpected(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Unexpected(error.into())
    }
}
