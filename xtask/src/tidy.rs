//! The rules of docs/STYLE.md that a program can keep. Each check returns what it found wrong, all of it.

mod arrows;
mod census;
mod limits;
mod problems;
mod sources;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::program::root;

/// A Rust file of ours.
struct Source {
    /// From the top of the checkout.
    path: PathBuf,
    text: String,
}

pub(crate) fn run(write: bool) -> anyhow::Result<()> {
    if write {
        problems::write()?;
    }
    let sources = sources::read()?;
    print!("{}", census::of(&sources));
    let mut wrong = arrows::check()?;
    wrong.extend(sources::check(&sources));
    wrong.extend(problems::check()?);
    wrong.extend(limits::check()?);
    for mistake in &wrong {
        eprintln!("tidy: {mistake}");
    }
    anyhow::ensure!(wrong.is_empty(), "{} rules are broken", wrong.len());
    Ok(())
}

/// Every file below `folder`, generated and hidden folders aside, in the order of their names.
pub(crate) fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let entries = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name == "target" || name.starts_with('.') {
                continue;
            }
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

fn below_root(path: &Path) -> PathBuf {
    path.strip_prefix(root()).unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_repository_is_tidy() {
        super::run(false).unwrap();
    }
}
