//! `cargo deny` where it is installed: licences, bans, sources, and advisories from a database on this disk.

use std::path::PathBuf;

use crate::program::{cargo, run, succeeds};
use crate::steps::Outcome;

pub(crate) fn outcome() -> Outcome {
    if !succeeds(&mut cargo(&["deny", "--version"])) {
        return Outcome::Skipped(
            "cargo-deny is not installed (`cargo install --locked cargo-deny`)".to_owned(),
        );
    }
    let mut offline = cargo(&["deny", "--offline", "check"]);
    let checked = match advisories() {
        Some(folder) => {
            println!("advisories: {}", folder.display());
            run(offline.args([
                "--disable-fetch",
                "licenses",
                "bans",
                "sources",
                "advisories",
            ]))
        }
        None => run(offline.args(["licenses", "bans", "sources"])).map(|()| {
            println!("advisories were NOT checked: set GANTRY_ADVISORIES to a clone of RustSec's");
        }),
    };
    match checked {
        Ok(()) => Outcome::Passed,
        Err(error) => Outcome::Failed(error),
    }
}

/// A clone of `https://github.com/rustsec/advisory-db`.
fn advisories() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("GANTRY_ADVISORIES")?);
    folder.join("crates").is_dir().then_some(folder)
}
