//! The files of SQLite's contenders: made anew, and cleaned after a measurement.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use crate::work::FIRST_CREATED_ID;

/// No file of this name, nor what belongs to it.
pub(crate) fn remove(file: &Path) -> anyhow::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        match fs::remove_file(Path::new(&name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

/// Every contender begins every measurement with the same number of films, and nothing to tell.
pub(crate) fn clean(file: &Path) -> anyhow::Result<()> {
    execute(
        file,
        &format!(
            "DELETE FROM film WHERE id >= '{FIRST_CREATED_ID}'; DELETE FROM gantry_outbox; ANALYZE;"
        ),
    )
}

/// So that no measurement pays for another's log.
pub(crate) fn checkpoint(file: &Path) -> anyhow::Result<()> {
    execute(file, "PRAGMA wal_checkpoint(TRUNCATE)")
}

pub(crate) fn execute(file: &Path, sql: &str) -> anyhow::Result<()> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(Duration::from_secs(30))?;
    connection.execute_batch(sql)?;
    Ok(())
}
