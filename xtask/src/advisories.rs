//! Cargo.lock against a clone of advisories on this disk, since a check must not need the network.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use semver::{Version, VersionReq};
use toml::{Table, Value};

use crate::program::root;
use crate::steps::Outcome;

/// Names a clone of `https://github.com/rustsec/advisory-db`.
const VARIABLE: &str = "GANTRY_ADVISORIES";

pub(crate) fn run() -> anyhow::Result<()> {
    let folder = std::env::var_os(VARIABLE);
    check(&PathBuf::from(
        folder.with_context(|| format!("{VARIABLE} is not set"))?,
    ))
}

pub(crate) fn outcome() -> Outcome {
    if std::env::var_os(VARIABLE).is_none() {
        return Outcome::Skipped(format!(
            "{VARIABLE} names no clone of RustSec's advisory-db"
        ));
    }
    match run() {
        Ok(()) => Outcome::Passed,
        Err(error) => Outcome::Failed(error),
    }
}

fn check(database: &Path) -> anyhow::Result<()> {
    let crates = database.join("crates");
    ensure!(
        crates.is_dir(),
        "{} holds no advisories",
        database.display()
    );
    let lock: Table = fs::read_to_string(root().join("Cargo.lock"))?.parse()?;
    let packages = lock
        .get("package")
        .and_then(Value::as_array)
        .context("packages")?;
    let mut vulnerable = Vec::new();
    let mut read = 0;
    for package in packages
        .iter()
        .filter(|package| package.get("source").is_some())
    {
        let text = |key| {
            package
                .get(key)
                .and_then(Value::as_str)
                .context("a name and a version")
        };
        let (name, version) = (text("name")?, text("version")?.parse()?);
        for file in fs::read_dir(crates.join(name))
            .into_iter()
            .flatten()
            .flatten()
        {
            read += 1;
            let found = fs::read_to_string(file.path())?;
            let advisory =
                Advisory::read(&found).with_context(|| file.path().display().to_string())?;
            if advisory.affects(&version) {
                let line = format!("{name} {version}: {}", advisory.id);
                match advisory.informational {
                    Some(kind) => println!("{line} ({kind})"),
                    None => vulnerable.push(line),
                }
            }
        }
    }
    println!(
        "{} packages against {read} advisories of them",
        packages.len()
    );
    ensure!(vulnerable.is_empty(), "{}", vulnerable.join(", "));
    Ok(())
}

struct Advisory {
    id: String,
    /// `unmaintained`, `notice`: told, not refused.
    informational: Option<String>,
    withdrawn: bool,
    patched: Vec<VersionReq>,
    unaffected: Vec<VersionReq>,
}

impl Advisory {
    /// From the TOML at the head of an advisory's Markdown.
    fn read(text: &str) -> anyhow::Result<Self> {
        let (_, rest) = text.split_once("```toml").context("a TOML head")?;
        let (head, _) = rest.split_once("```").context("the end of the head")?;
        let table: Table = head.parse()?;
        let advisory = table.get("advisory").context("[advisory]")?;
        let word = |key| advisory.get(key).and_then(Value::as_str).map(str::to_owned);
        let requirements = |key| -> anyhow::Result<Vec<VersionReq>> {
            let listed = table.get("versions").and_then(|versions| versions.get(key));
            let listed = listed.and_then(Value::as_array).into_iter().flatten();
            listed
                .filter_map(Value::as_str)
                .map(|requirement| Ok(requirement.parse()?))
                .collect()
        };
        Ok(Self {
            id: word("id").context("an id")?,
            informational: word("informational").filter(|kind| kind != "unsound"),
            withdrawn: advisory.get("withdrawn").is_some(),
            patched: requirements("patched")?,
            unaffected: requirements("unaffected")?,
        })
    }

    fn affects(&self, version: &Version) -> bool {
        let mut fine = self.patched.iter().chain(&self.unaffected);
        !self.withdrawn && !fine.any(|requirement| requirement.matches(version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_advisory_affects_what_is_neither_patched_nor_spared() {
        let advisory = Advisory::read(
            "```toml\n[advisory]\nid = 'R'\n[versions]\npatched = ['>= 1.2.3, < 2.0.0', '>= 2.1.0']\n\
             unaffected = ['< 1.0.0']\n```\n# Title\n",
        )
        .unwrap();
        let check = |version: &str, expected| {
            assert_eq!(
                advisory.affects(&version.parse().unwrap()),
                expected,
                "{version}"
            );
        };
        check("0.9.0", false);
        check("1.2.2", true);
        check("1.2.3", false);
        check("2.0.9", true);
        check("2.1.0", false);
    }
}
