//! The folder of secrets: only its owner enters it, files inside can be read by whoever gets them mounted.
//!
//! Compose ignores owner and mode of file secrets and a user cannot give files away, so a service that runs under
//! another number could not read 0400. The folder guards them on the host; the mount decides who sees them inside.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use wire::ExitKind;

use super::Secret;
use crate::failure::Failure;

const FOLDER: u32 = 0o700;
const FILE: u32 = 0o444;
/// Of what was replaced: nobody mounts it.
const OLD: u32 = 0o400;

/// Makes the folder where it is missing.
pub(super) fn open(folder: &Path) -> Result<(), Failure> {
    match fs::symlink_metadata(folder) {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(found) => {
            let what = if found.is_symlink() {
                "a symbolic link"
            } else {
                "no folder"
            };
            let detail = format!("{} is {what}", folder.display());
            return Err(Failure::refused(ExitKind::Conflict, detail).hint(
                "secrets lie in a folder of their own; name another with GANTRY_SECRETS, or take this away",
            ));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(cannot(error, "look at", folder)),
    }
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent).map_err(|error| cannot(error, "make", parent))?;
    }
    let made = DirBuilder::new().mode(FOLDER).create(folder);
    made.map_err(|error| cannot(error, "make", folder))
}

pub(super) fn exists(folder: &Path, name: &str) -> bool {
    fs::symlink_metadata(folder.join(name)).is_ok()
}

pub(super) fn read(folder: &Path, name: &str) -> Result<Option<String>, Failure> {
    let path = folder.join(name);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot(error, "read", &path)),
    }
}

/// Never over a file that is there.
pub(super) fn write_new(folder: &Path, name: &str, value: &str) -> Result<(), Failure> {
    let path = folder.join(name);
    let write = || -> io::Result<()> {
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(FILE)
            .open(&path)?;
        file.write_all(value.as_bytes())?;
        // The umask took its part when the file was made.
        file.set_permissions(Permissions::from_mode(FILE))?;
        file.sync_all()
    };
    write().map_err(|error| cannot(error, "write", &path))
}

/// At every moment there is a whole file of this name.
pub(super) fn replace(folder: &Path, name: &str, value: &str) -> Result<(), Failure> {
    let (path, old) = (folder.join(name), folder.join(format!("{name}.old")));
    let new = format!("{name}.new");
    if exists(folder, &new) {
        // Left by somebody who was interrupted.
        let left = folder.join(&new);
        fs::remove_file(&left).map_err(|error| cannot(error, "remove", &left))?;
    }
    write_new(folder, &new, value)?;
    let swap = || -> io::Result<()> {
        if exists(folder, name) {
            if exists(folder, &format!("{name}.old")) {
                fs::remove_file(&old)?;
            }
            fs::hard_link(&path, &old)?;
        }
        fs::rename(folder.join(&new), &path)?;
        if old.exists() {
            fs::set_permissions(&old, Permissions::from_mode(OLD))?;
        }
        Ok(())
    };
    swap().map_err(|error| cannot(error, "replace", &path))
}

/// When a secret was last replaced, in seconds; nothing where it is the first of its name.
pub fn changed_at(folder: &Path, name: &str) -> Option<u64> {
    if !exists(folder, &format!("{name}.old")) {
        return None;
    }
    let changed: SystemTime = fs::metadata(folder.join(name)).ok()?.modified().ok()?;
    Some(changed.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

/// What is not as it was made.
pub(super) fn faults(folder: &Path) -> Vec<String> {
    let mut notes = Vec::new();
    let mode = |path: &Path| fs::metadata(path).map(|found| found.permissions().mode() & 0o777);
    let shown = folder.display();
    if let Ok(mode) = mode(folder)
        && mode & 0o077 != 0
    {
        notes.push(format!(
            "{shown} has mode {mode:04o}, which lets others in: `chmod 700 {shown}`"
        ));
    }
    for secret in Secret::ALL {
        let path = folder.join(secret.name());
        let Ok(found) = fs::symlink_metadata(&path) else {
            continue;
        };
        let shown = path.display();
        if found.is_symlink() {
            let note = "is a symbolic link: a container sees what it points to, and only if that can be mounted";
            notes.push(format!("{shown} {note}"));
        } else if !found.is_file() {
            notes.push(format!(
                "{shown} is no file: a container would see an empty folder"
            ));
        } else if found.len() == 0 {
            notes.push(format!("{shown} is empty"));
        }
        if let Ok(mode) = mode(&path)
            && mode & 0o444 != 0o444
        {
            notes.push(format!(
                "{shown} has mode {mode:04o}: its service cannot read it; `chmod 444 {shown}`"
            ));
        } else if let Ok(mode) = mode(&path)
            && mode & 0o333 != 0
        {
            notes.push(format!("{shown} has mode {mode:04o}: `chmod 444 {shown}`"));
        }
    }
    notes
}

fn cannot(error: io::Error, what: &str, path: &Path) -> Failure {
    let failed: anyhow::Result<()> =
        Err(error).with_context(|| format!("cannot {what} {}", path.display()));
    failed.expect_err("it is an error").into()
}
