//! `backup`: a dump at every interval, kept only when it can be read; `backup-probe`: red when they stopped coming.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, SystemTime};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::{Application, PORT, calendar};
use crate::settings::Settings;
use crate::{Error, durations, entry, launch, mounts};

const FOLDER: &str = "/backups";
const PG_DUMP: &str = "/usr/lib/postgresql/17/bin/pg_dump";
const PG_RESTORE: &str = "/usr/lib/postgresql/17/bin/pg_restore";
/// On a tmpfs: the password, when this loop began, and why its last dump failed.
const PASSFILE: &str = "/run/postgresql/pgpass";
const BEGAN: &str = "/run/postgresql/backup.began";
const FAILED: &str = "/run/postgresql/backup.failed";
/// How long a first dump may take before the lack of one is a fault.
const GRACE: Duration = Duration::from_mins(10);
const AGAIN: Duration = Duration::from_mins(1);

struct Plan {
    host: String,
    every: Duration,
    keep: usize,
    application: Application,
}

/// A signal to end with. Everything that waits, waits for this too.
struct Stopped;

impl Plan {
    fn of_process() -> Result<Self, Error> {
        let mut settings = Settings::of_process(&["GANTRY_POSTGRES_", "GANTRY_BACKUP_"]);
        let plan = Self {
            host: settings.take("GANTRY_POSTGRES_HOST", "postgres"),
            every: durations::parse(&settings.take("GANTRY_BACKUP_EVERY", "24h"))?,
            keep: kept(&settings.take("GANTRY_BACKUP_KEEP", "7"))?,
            application: Application::take(&mut settings)?,
        };
        settings.end()?;
        Ok(plan)
    }
}

fn kept(text: &str) -> Result<usize, Error> {
    let number = text
        .parse()
        .ok()
        .filter(|number| (1..=10_000).contains(number));
    number.ok_or_else(|| Error::Settings(format!("GANTRY_BACKUP_KEEP is 1 to 10000, not `{text}`")))
}

pub(super) fn run() -> Result<(), Error> {
    let plan = Plan::of_process()?;
    mounts::require(FOLDER)?;
    let stop = signals()?;
    write_passfile(&plan)?;
    fs::write(BEGAN, "").map_err(Error::io(format!("writing {BEGAN}")))?;
    clear_halves()?;
    loop {
        let wait = due(newest()?, plan.every, SystemTime::now());
        if pause(&stop, wait).is_err() {
            return Ok(());
        }
        if !wait.is_zero() {
            continue;
        }
        match dump(&plan, &stop) {
            Ok(Err(Stopped)) => return clear_halves(),
            Ok(Ok(name)) => {
                let _ = fs::remove_file(FAILED);
                entry::say(&format!("{name} is written and can be read"));
            }
            Err(error) => {
                entry::say(&format!("no backup: {error}"));
                // Only the probe reads it, and it is red without it too.
                let _ = fs::write(FAILED, error.to_string());
                clear_halves()?;
                if pause(&stop, AGAIN.min(plan.every)).is_err() {
                    return Ok(());
                }
            }
        }
    }
}

/// As process 1 a signal without a handler is ignored, so one thread waits for them.
fn signals() -> Result<Receiver<Stopped>, Error> {
    let (told, stop) = channel();
    let mut signals =
        Signals::new([SIGTERM, SIGINT]).map_err(Error::io("asking to be told of signals"))?;
    std::thread::spawn(move || {
        for _ in signals.forever() {
            // The loop has ended already, and the process with it.
            let _ = told.send(Stopped);
        }
    });
    Ok(stop)
}

fn pause(stop: &Receiver<Stopped>, wait: Duration) -> Result<(), Stopped> {
    match stop.recv_timeout(wait) {
        Err(RecvTimeoutError::Timeout) => Ok(()),
        Ok(Stopped) | Err(RecvTimeoutError::Disconnected) => Err(Stopped),
    }
}

/// How long until the next dump; a clock that was set back makes none late.
fn due(newest: Option<SystemTime>, every: Duration, now: SystemTime) -> Duration {
    let age = newest.map(|time| now.duration_since(time).unwrap_or_default());
    age.map_or(Duration::ZERO, |age| every.saturating_sub(age))
}

/// A dump counts under its own name, and gets it when the archive's list of contents can be read from it.
fn dump(plan: &Plan, stop: &Receiver<Stopped>) -> Result<Result<String, Stopped>, Error> {
    let name = format!("{}.dump", calendar::name_of(SystemTime::now()));
    let whole = Path::new(FOLDER).join(&name);
    let half = whole.with_extension("dump.partial");
    let Application { role, database, .. } = &plan.application;
    let mut pg_dump = launch::command(PG_DUMP);
    pg_dump
        .env("PGPASSFILE", PASSFILE)
        .env("PGCONNECT_TIMEOUT", "10");
    pg_dump.args([
        "--format=custom",
        "--no-password",
        "--lock-wait-timeout=60s",
    ]);
    pg_dump.args(["--host", &plan.host, "--port", &PORT.to_string()]);
    pg_dump.args(["--username", role.as_str(), "--dbname", database.as_str()]);
    pg_dump.arg("--file").arg(&half);
    let mut pg_restore = launch::command(PG_RESTORE);
    pg_restore.arg("--list").arg(&half);
    pg_restore.stdout(std::process::Stdio::null());
    for command in [pg_dump, pg_restore] {
        if let Err(stopped) = finish(command, stop)? {
            return Ok(Err(stopped));
        }
    }
    File::open(&half)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(&half, &whole))
        .and_then(|()| File::open(FOLDER)?.sync_all())
        .map_err(Error::io(format!("keeping {name}")))?;
    for old in dumps()?.into_iter().rev().skip(plan.keep) {
        fs::remove_file(&old).map_err(Error::io(format!("removing {}", old.display())))?;
    }
    Ok(Ok(name))
}

fn finish(mut command: Command, stop: &Receiver<Stopped>) -> Result<Result<(), Stopped>, Error> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .spawn()
        .map_err(Error::io(format!("starting {program}")))?;
    loop {
        let ended = child
            .try_wait()
            .map_err(Error::io(format!("waiting for {program}")))?;
        match ended {
            Some(status) if status.success() => return Ok(Ok(())),
            Some(status) => {
                return Err(Error::Unfit(format!("{program} failed with {status}")));
            }
            None if pause(stop, Duration::from_millis(50)).is_err() => {
                end(&mut child);
                return Ok(Err(Stopped));
            }
            None => {}
        }
    }
}

fn end(child: &mut Child) {
    // It may have ended by itself just now, which is as good.
    let _ = child.kill();
    let _ = child.wait();
}

/// Whole dumps, the oldest first.
fn dumps() -> Result<Vec<PathBuf>, Error> {
    let mut found = files()?;
    found.retain(|path| written(path).is_some());
    found.sort();
    Ok(found)
}

fn written(path: &Path) -> Option<SystemTime> {
    calendar::time_of(path.file_name()?.to_str()?.strip_suffix(".dump")?)
}

fn newest() -> Result<Option<SystemTime>, Error> {
    Ok(dumps()?.last().and_then(|path| written(path)))
}

fn clear_halves() -> Result<(), Error> {
    for path in files()? {
        if path
            .extension()
            .is_some_and(|extension| extension == "partial")
        {
            fs::remove_file(&path).map_err(Error::io(format!("removing {}", path.display())))?;
        }
    }
    Ok(())
}

fn files() -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(FOLDER).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.map_err(Error::io(format!("reading {FOLDER}")))?;
    Ok(entries.into_iter().map(|entry| entry.path()).collect())
}

/// The only way to give the password that neither a command line nor an environment shows.
fn write_passfile(plan: &Plan) -> Result<(), Error> {
    let escape = |text: &str| text.replace('\\', "\\\\").replace(':', "\\:");
    let line = format!("*:*:*:*:{}\n", escape(plan.application.password.reveal()));
    match fs::remove_file(PASSFILE) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(PASSFILE)
            .and_then(|mut file| file.write_all(line.as_bytes())),
    }
    .map_err(Error::io(format!("writing {PASSFILE}")))
}

pub(super) fn probe() -> Result<(), Error> {
    let plan = Plan::of_process()?;
    let began = fs::metadata(BEGAN).and_then(|file| file.modified());
    let began = began.map_err(|_| Error::Unfit("the loop of backups does not run".to_owned()))?;
    let verdict = judge(newest()?, began, plan.every, SystemTime::now());
    verdict.map_err(|why| {
        let last = fs::read_to_string(FAILED).unwrap_or_default();
        let because = if last.is_empty() {
            ""
        } else {
            "; the last attempt: "
        };
        Error::Unfit(format!("{why}{because}{last}"))
    })
}

fn judge(
    newest: Option<SystemTime>,
    began: SystemTime,
    every: Duration,
    now: SystemTime,
) -> Result<(), String> {
    let since = |time: SystemTime| now.duration_since(time).unwrap_or_default();
    if newest.is_some_and(|newest| since(newest) <= every * 2) {
        return Ok(());
    }
    // After a long rest the newest is old too, until the dump that is made at once is there.
    if since(began) <= GRACE.min(every * 2) {
        return Ok(());
    }
    Err(newest.map_or("there is no backup".to_owned(), |newest| {
        let minutes = since(newest).as_secs() / 60;
        format!("the newest backup is {minutes} minutes old")
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backups_that_stopped_coming_are_red() {
        let now = SystemTime::now();
        let ago = |minutes: u64| now - Duration::from_mins(minutes);
        let check = |newest: Option<u64>, began: u64, expected: Result<(), &str>| {
            let hour = Duration::from_hours(1);
            let found = judge(newest.map(ago), ago(began), hour, now);
            assert_eq!(found, expected.map_err(str::to_owned));
        };
        check(None, 9, Ok(()));
        check(None, 11, Err("there is no backup"));
        check(Some(119), 500, Ok(()));
        check(Some(121), 500, Err("the newest backup is 121 minutes old"));
        check(Some(121), 1, Ok(()));
    }

    #[test]
    fn one_is_due_at_once_or_an_interval_after_the_newest() {
        let now = SystemTime::now();
        let hour = Duration::from_hours(1);
        assert_eq!(due(None, hour, now), Duration::ZERO);
        assert_eq!(due(Some(now - hour), hour, now), Duration::ZERO);
        assert_eq!(due(Some(now - hour / 4), hour, now), hour * 3 / 4);
        assert_eq!(due(Some(now + hour), hour, now), hour);
        kept("0").unwrap_err();
        assert_eq!(kept("7").unwrap(), 7);
    }
}
