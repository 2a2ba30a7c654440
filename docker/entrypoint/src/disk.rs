//! Whether a data folder can still be written to.

use std::fs;
use std::path::Path;

use crate::Error;

/// What the write-ahead logs of the servers need to end in order.
const LEAST: u64 = 64 << 20;

/// Unfit where less than 64 MiB or 1 % is free, or a small file cannot be written.
pub(crate) fn check(folder: &str) -> Result<(), Error> {
    let room = rustix::fs::statvfs(folder)
        .map_err(|error| Error::Unfit(format!("{folder} cannot be examined: {error}")))?;
    let free = room.f_bavail.saturating_mul(room.f_frsize);
    let whole = room.f_blocks.saturating_mul(room.f_frsize);
    if is_full(free, whole) {
        let mib = free >> 20;
        return Err(Error::Unfit(format!(
            "the disk of {folder} is full: {mib} MiB free of {}",
            whole >> 20
        )));
    }
    // A quota or a read-only mount does not show in the figures.
    let trial = Path::new(folder).join(".probe");
    let written = fs::write(&trial, [0; 4096]);
    // Another probe may have removed it; what matters is whether it could be written.
    let _ = fs::remove_file(&trial);
    written.map_err(|error| Error::Unfit(format!("{folder} cannot be written to: {error}")))
}

fn is_full(free: u64, whole: u64) -> bool {
    // A file system that does not count its blocks says 0.
    whole > 0 && (free < LEAST || free < whole / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_is_little_or_a_hundredth() {
        assert!(!is_full(0, 0) && !is_full(64 << 20, 1 << 30) && is_full(63 << 20, 1 << 30));
        assert!(is_full(1 << 30, 200 << 30) && !is_full(2 << 30, 200 << 30));
    }

    #[test]
    fn a_folder_that_is_not_there_is_unfit() {
        let folder = tempfile::tempdir().unwrap();
        check(folder.path().to_str().unwrap()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        check("/no/such/folder").unwrap_err();
    }
}
