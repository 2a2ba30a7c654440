//! `cargo deny` where it is installed: licences, bans and sources. Advisories are a step of their own.

use crate::program::{cargo, run, succeeds};
use crate::steps::Outcome;

pub(crate) fn outcome() -> Outcome {
    if !succeeds(&mut cargo(&["deny", "--version"])) {
        return Outcome::Skipped(
            "cargo-deny is not installed (`cargo install --locked cargo-deny`)".to_owned(),
        );
    }
    let arguments = ["deny", "--offline", "check", "licenses", "bans", "sources"];
    match run(&mut cargo(&arguments)) {
        Ok(()) => Outcome::Passed,
        Err(error) => Outcome::Failed(error),
    }
}
