//! Docker as a person calls it.

use std::ffi::OsStr;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Generous: the machine may be eight times slower than the one at hand.
pub const PATIENCE: Duration = Duration::from_mins(5);

/// What a command said, and whether it succeeded.
#[derive(Debug, Clone)]
pub struct Said {
    pub ok: bool,
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    /// What it said, where it succeeded.
    #[track_caller]
    pub fn unwrap(self) -> String {
        assert!(self.ok, "{}{}", self.out, self.err);
        self.out.trim_end().to_owned()
    }

    #[track_caller]
    pub fn json(self) -> Value {
        let text = self.unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

/// Runs `docker` with these arguments to its end.
pub fn docker(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Said {
    said("docker", arguments, [])
}

/// Any program, with variables added to our own.
#[expect(
    clippy::disallowed_methods,
    reason = "the tests are outside, where programs are called"
)]
pub fn said<'a>(
    program: impl AsRef<OsStr>,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    variables: impl IntoIterator<Item = (&'a str, String)>,
) -> Said {
    let output = Command::new(program.as_ref())
        .args(arguments)
        .envs(variables)
        .stdin(Stdio::null())
        .output();
    match output {
        Ok(output) => Said {
            ok: output.status.success(),
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        },
        Err(error) => Said {
            ok: false,
            code: None,
            out: String::new(),
            err: format!("{} cannot be started: {error}", program.as_ref().display()),
        },
    }
}

/// The one object that `docker inspect` tells of.
pub fn inspect(what: &str) -> Value {
    docker(["inspect", what]).json()[0].take()
}

/// Asks until it is so.
#[track_caller]
pub fn until<T>(what: &str, mut is_so: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = is_so() {
            return found;
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "after {PATIENCE:?} it is still not so: {what}"
        );
        thread::sleep(Duration::from_millis(100));
    }
}
