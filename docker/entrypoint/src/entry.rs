//! From the words of the command line to the process's exit.

use std::io::Write as _;
use std::process::ExitCode;

use crate::Error;

/// What /usr/include/sysexits.h calls a mistake in using a program.
const USAGE: u8 = 64;

/// Says in one line what went wrong: Docker shows it as the container's log, or as the probe's output.
pub fn run(act: impl FnOnce(&[&str]) -> Result<(), Error>) -> ExitCode {
    let words: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let Err(error) = act(&words) else {
        return ExitCode::SUCCESS;
    };
    say(&error.to_string());
    match error {
        Error::Settings(_) => ExitCode::from(USAGE),
        Error::Unfit(_) | Error::Io { .. } => ExitCode::FAILURE,
    }
}

/// A line for people. Where nobody can read it, there is nobody to tell that.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "entrypoint: {line}");
}

/// Words that no image of ours knows.
pub(crate) fn unknown(words: &[&str], known: &str) -> Error {
    Error::Settings(format!(
        "`{}` is not understood; known are: {known}",
        words.join(" ")
    ))
}
