//! The program as its users meet it: the binary is run, its output and exit code are looked at.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cinema;
mod help;
mod lint;
mod round_trip;
mod secrets;
mod stack;
mod up;
mod wrong_turns;

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a run of the program left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The program, ready to start: without the environment's own settings, colours and terminal.
pub(crate) fn command(args: &[&str]) -> Command {
    #[expect(clippy::disallowed_methods, reason = "the program under test")]
    let mut command = Command::new(env!("CARGO_BIN_EXE_gantry"));
    command
        .args(args)
        .env_remove("GANTRY_CA_FILE")
        .env_remove("GANTRY_KEY_FILE")
        .env_remove("GANTRY_SECRETS")
        .env_remove("GANTRY_SESSION")
        .env_remove("GANTRY_SOURCE")
        .env_remove("GANTRY_STACK_NAME")
        .env_remove("COLUMNS")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub(crate) fn gantry(args: &[&str]) -> Ran {
    let output = command(args).output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Ran {
    /// The standard output of a run that must have gone well.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self}");
        self.stdout
    }

    #[track_caller]
    pub(crate) fn json(self) -> serde_json::Value {
        let text = self.ok();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// With a folder's changing name replaced.
    pub(crate) fn without(mut self, folder: &Path) -> Self {
        let folder = folder.to_str().unwrap();
        self.stdout = self.stdout.replace(folder, "[folder]");
        self.stderr = self.stderr.replace(folder, "[folder]");
        self
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "exit code {}", self.code)?;
        if !self.stdout.is_empty() {
            writeln!(f, "--- out\n{}", self.stdout.trim_end())?;
        }
        if !self.stderr.is_empty() {
            writeln!(f, "--- err\n{}", self.stderr.trim_end())?;
        }
        Ok(())
    }
}
