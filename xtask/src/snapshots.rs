//! Snapshot files that no test compares any more. insta tells, while tests run, which ones it read.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::ensure;

use crate::program::root;
use crate::tidy::files;

/// Where the tests are to write the names of the snapshots they read; empty at first.
pub(crate) fn references() -> anyhow::Result<PathBuf> {
    let file = root().join("target/testkit/snapshots.txt");
    fs::create_dir_all(file.parent().unwrap_or(Path::new(".")))?;
    fs::write(&file, "")?;
    Ok(file)
}

pub(crate) fn check(references: &Path) -> anyhow::Result<()> {
    let read: HashSet<PathBuf> = fs::read_to_string(references)?
        .lines()
        .filter_map(|line| fs::canonicalize(line).ok())
        .collect();
    let unread: Vec<String> = files(&root())?
        .into_iter()
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "snap")
        })
        .filter(|path| fs::canonicalize(path).is_ok_and(|path| !read.contains(&path)))
        .map(|path| path.display().to_string())
        .collect();
    ensure!(
        unread.is_empty(),
        "snapshots that no test reads: {}",
        unread.join(", ")
    );
    Ok(())
}
