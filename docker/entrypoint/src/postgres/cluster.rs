//! The folder of data: made whole or not at all, and refused where it is somebody else's.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use postgres_protocol::password::scram_sha_256;
use rustix::fs::{FlockOperation, flock};
use rustix::io::{FdFlags, fcntl_setfd};

use super::{Application, VOLUME};
use crate::{Error, entry, launch};

pub(super) const SERVER: &str = "/usr/lib/postgresql/17/bin/postgres";
pub(super) const DATA: &str = "/var/lib/postgresql/17/docker";
const MAJOR: &str = "17";
const INITDB: &str = "/usr/lib/postgresql/17/bin/initdb";
const HALF: &str = "/var/lib/postgresql/17/docker.initialising";
const LOCK: &str = "/var/lib/postgresql/17/.lock";
/// Beside PostgreSQL's own files: for whom the data was made, and the mark of the password that it knows.
const MARK: &str = "gantry.password";

/// Data that this image did not make: another version's, another layout's, or another user's.
pub(super) fn refuse_foreign(volume: &Path) -> Result<(), Error> {
    let version = |folder: &Path| fs::read_to_string(folder.join("PG_VERSION")).ok();
    let own = volume.join(MAJOR).join("docker");
    if let Some(version) = version(&own) {
        return if version.trim() != MAJOR {
            Err(foreign(
                &own,
                &format!("is of PostgreSQL {}", version.trim()),
            ))
        } else if own.join(MARK).exists() {
            Ok(())
        } else {
            Err(foreign(&own, "was not made by this image"))
        };
    }
    if own.exists() {
        return Err(foreign(&own, "is not a whole data folder"));
    }
    let entries =
        fs::read_dir(volume).map_err(Error::io(format!("reading {}", volume.display())))?;
    for entry in entries {
        let path = entry
            .map_err(Error::io(format!("reading {}", volume.display())))?
            .path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name == MAJOR || name == "lost+found" || name.starts_with('.') {
            continue;
        }
        let version = version(&path)
            .or_else(|| version(&path.join("docker")))
            .or_else(|| version(volume));
        let what = version.map_or("is not this image's".to_owned(), |version| {
            format!("belongs to data of PostgreSQL {}", version.trim())
        });
        return Err(foreign(&path, &what));
    }
    Ok(())
}

fn foreign(path: &Path, what: &str) -> Error {
    Error::Settings(format!(
        "{} {what}; this image keeps PostgreSQL {MAJOR}'s data in {DATA} and touches no other: mount an empty volume, \
         then dump the old data with the image that it belongs to (pg_dump -Fc) and load it with pg_restore",
        path.display()
    ))
}

/// Held until the last process of the server ends: two containers on one volume would destroy it, and PostgreSQL's own
/// lock, a process's number, says nothing across containers.
pub(super) fn lock() -> Result<(), Error> {
    let folder = Path::new(VOLUME).join(MAJOR);
    fs::create_dir_all(&folder).map_err(|error| {
        Error::Settings(format!(
            "{} cannot be made ({error}): the volume has to belong to user {}",
            folder.display(),
            rustix::process::getuid().as_raw()
        ))
    })?;
    let file = File::create(LOCK).map_err(Error::io(format!("opening {LOCK}")))?;
    flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
        Error::Unfit(format!(
            "another container runs on this volume ({LOCK} is locked)"
        ))
    })?;
    fcntl_setfd(&file, FdFlags::empty())
        .map_err(|errno| Error::io("keeping the lock")(io::Error::from(errno)))?;
    // The descriptor outlives this value: the server inherits it.
    std::mem::forget(file);
    Ok(())
}

pub(super) fn prepare(application: &Application) -> Result<(), Error> {
    match fs::remove_dir_all(HALF) {
        Ok(()) => entry::say("an interrupted first start was cleared away"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::io(format!("removing {HALF}"))(error)),
    }
    if Path::new(DATA).exists() {
        renew(application)
    } else {
        initialise(application)
    }
}

/// In a folder beside the final one, without a server that anybody could reach; the last step is a rename.
fn initialise(application: &Application) -> Result<(), Error> {
    entry::say("first start: initialising");
    let mut initdb = launch::command(INITDB);
    initdb.args(["-D", HALF, "--username=postgres", "--encoding=UTF8"]);
    // PostgreSQL's own collation: one from the system's libraries changes with them, and indexes then lie.
    initdb.args(["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]);
    initdb.args(["--locale=C.UTF-8", "--lc-messages=C", "--data-checksums"]);
    initdb.args(["--auth-local=peer", "--auth-host=scram-sha-256"]);
    launch::step(initdb, "")?;
    let Application { role, database, .. } = application;
    let verifier = verifier(application);
    // It makes the role that writes, which is not the owner of what it writes to.
    alone(
        HALF,
        "postgres",
        &format!(
            "CREATE ROLE {role} LOGIN CREATEROLE PASSWORD '{verifier}'\n\
             CREATE DATABASE {database} OWNER {role}\n\
             REVOKE ALL ON DATABASE {database} FROM PUBLIC\n"
        ),
    )?;
    alone(HALF, database.as_str(), "CREATE EXTENSION vector\n")?;
    write_mark(Path::new(HALF), application)?;
    fs::rename(HALF, DATA).map_err(Error::io(format!("renaming {HALF}")))?;
    sync_folder(&Path::new(VOLUME).join(MAJOR))
}

/// What a later start has to put right: the password that the role has.
fn renew(application: &Application) -> Result<(), Error> {
    let path = Path::new(DATA).join(MARK);
    let text =
        fs::read_to_string(&path).map_err(Error::io(format!("reading {}", path.display())))?;
    let Application { role, database, .. } = application;
    let [was_role, was_database, mark] = text.split_whitespace().collect::<Vec<_>>()[..] else {
        return Err(Error::Unfit(format!("{} cannot be read", path.display())));
    };
    if (was_role, was_database) != (role.as_str(), database.as_str()) {
        return Err(Error::Settings(format!(
            "this data was made for role {was_role} and database {was_database}, not for {role} and {database}: set \
             GANTRY_POSTGRES_USER and GANTRY_POSTGRES_DATABASE back, or mount an empty volume"
        )));
    }
    if application.password.fits(mark) {
        return Ok(());
    }
    let verifier = verifier(application);
    alone(
        DATA,
        "postgres",
        &format!("ALTER ROLE {role} PASSWORD '{verifier}'\n"),
    )?;
    write_mark(Path::new(DATA), application)?;
    entry::say("the password was changed, as its file was");
    Ok(())
}

/// What the server keeps instead of the password; only letters, digits and `$:+/=-`, so it needs no escaping.
fn verifier(application: &Application) -> String {
    scram_sha_256(application.password.reveal().as_bytes())
}

/// A server for one standard input, which nobody else can reach. Each line is a statement; the first error ends it.
fn alone(data: &str, database: &str, statements: &str) -> Result<(), Error> {
    let mut server = launch::command(SERVER);
    server.args(["--single", "-D", data]);
    server.args(["-c", "exit_on_error=on", "-c", "log_checkpoints=off"]);
    // A statement that fails must not put the verifier into the log.
    server.args(["-c", "log_min_error_statement=panic"]);
    server.arg(database);
    launch::step(server, statements)
}

fn write_mark(data: &Path, application: &Application) -> Result<(), Error> {
    let Application {
        role,
        database,
        password,
    } = application;
    let text = format!("{role} {database} {}\n", password.mark()?);
    let half = data.join("gantry.password.new");
    let written = File::create(&half).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&half, data.join(MARK))
    });
    written.map_err(Error::io(format!("writing {}", half.display())))?;
    sync_folder(data)
}

fn sync_folder(folder: &Path) -> Result<(), Error> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(Error::io(format!("syncing {}", folder.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_empty_volume_or_our_own_data_is_taken() {
        let check = |files: &[(&str, &str)], expected: Option<&str>| {
            let volume = tempfile::tempdir().unwrap();
            for (path, text) in files {
                let path = volume.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            let told = refuse_foreign(volume.path())
                .err()
                .map(|error| error.to_string());
            let (Some(told), Some(expected)) = (&told, expected) else {
                return assert_eq!(told.is_some(), expected.is_some(), "{files:?} {told:?}");
            };
            assert!(told.contains(expected), "{told}");
        };
        check(&[], None);
        check(&[("lost+found/x", ""), ("17/.lock", "")], None);
        check(&[("17/docker.initialising/PG_VERSION", "17\n")], None);
        check(
            &[
                ("17/docker/PG_VERSION", "17\n"),
                ("17/docker/gantry.password", ""),
            ],
            None,
        );
        check(
            &[("17/docker/PG_VERSION", "17\n")],
            Some("was not made by this image"),
        );
        check(
            &[("17/docker/PG_VERSION", "18\n")],
            Some("is of PostgreSQL 18"),
        );
        check(&[("17/docker/x", "")], Some("is not a whole data folder"));
        check(
            &[("16/docker/PG_VERSION", "16\n")],
            Some("belongs to data of PostgreSQL 16"),
        );
        check(
            &[("PG_VERSION", "15\n")],
            Some("belongs to data of PostgreSQL 15"),
        );
        check(&[("photos/a.jpg", "")], Some("is not this image's"));
    }
}
