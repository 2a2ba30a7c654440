//! Starting programs: a step that has to succeed, and becoming the server.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use crate::Error;

/// A program with nothing of this process's environment, so that no variable reaches a server by accident.
pub(crate) fn command(program: &str) -> Command {
    let mut command = inheriting(program);
    command.env_clear().env("PATH", "/usr/bin").env("TZ", "UTC");
    command
}

/// For a server whose configuration may name variables.
#[expect(
    clippy::disallowed_methods,
    reason = "an entrypoint's work is to start programs, all of them here"
)]
pub(crate) fn inheriting(program: &str) -> Command {
    Command::new(program)
}

/// Runs it to its end, with `input` as its standard input; what it says on standard error counts when it fails.
pub(crate) fn step(mut command: Command, input: &str) -> Result<(), Error> {
    let name = command.get_program().to_string_lossy().into_owned();
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(Error::io(format!("starting {name}")))?;
    let written = child
        .stdin
        .take()
        .map_or(Ok(()), |mut pipe| pipe.write_all(input.as_bytes()));
    let ended = child
        .wait_with_output()
        .map_err(Error::io(format!("waiting for {name}")))?;
    if !ended.status.success() {
        let said = String::from_utf8_lossy(&ended.stderr);
        let status = ended.status;
        return Err(Error::Unfit(format!(
            "{name} failed with {status}: {}",
            said.trim()
        )));
    }
    written.map_err(Error::io(format!("writing to {name}")))
}

/// The server takes this process's place and number, so it gets the signals itself.
pub(crate) fn become_server(mut command: Command) -> Error {
    let name = command.get_program().to_string_lossy().into_owned();
    let source = command.exec();
    Error::Io {
        doing: format!("starting {name}"),
        source,
    }
}
