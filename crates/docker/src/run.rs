//! The one place that starts Docker commands.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use crate::{Command, Error};

/// Lines of standard error that a failure keeps.
const TAIL: usize = 20;

/// What a command that went well said.
#[derive(Debug, Clone, Default)]
pub struct Captured {
    pub stdout: String,
    pub stderr: String,
}

/// Runs it to its end and keeps what it says. A command dropped before its end is killed.
pub async fn run(command: &Command, limit: Duration) -> Result<Captured, Error> {
    let mut child = start(command);
    child.stdout(Stdio::piped()).stderr(Stdio::piped());
    let ended = tokio::time::timeout(limit, child.output()).await;
    let output = ended.map_err(|_| Error::Slow {
        command: command.verb(),
        seconds: limit.as_secs(),
    })?;
    let output = output.map_err(not_started)?;
    let captured = Captured {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    if output.status.success() {
        return Ok(captured);
    }
    Err(Error::Failed {
        command: command.verb(),
        tail: tail(&captured.stderr),
        stdout: captured.stdout,
    })
}

/// Runs it to its end while it speaks to the caller's own standard error: its standard output is talk, too.
pub async fn show(command: &Command) -> Result<(), Error> {
    let mut child = start(command);
    child.stdout(io::stderr()).stderr(Stdio::inherit());
    let status = child.status().await.map_err(not_started)?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Failed {
        command: command.verb(),
        tail: String::new(),
        stdout: String::new(),
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place where Docker commands are started"
)]
fn start(command: &Command) -> tokio::process::Command {
    let mut child = tokio::process::Command::new("docker");
    child
        .args(&command.args)
        .envs(command.variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .kill_on_drop(true);
    if let Some(folder) = &command.folder {
        child.current_dir(folder);
    }
    child
}

fn not_started(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound => Error::NoClient,
        _ => Error::Start(error),
    }
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n")
}
