//! PostgreSQL's image: its first start, every later one, its probe, and the loop that backs it up.

mod backup;
mod calendar;
mod cluster;
mod probe;
mod session;
mod tuning;

use std::io;
use std::path::Path;

use crate::names::Name;
use crate::secret::Secret;
use crate::settings::Settings;
use crate::{Error, disk, entry, launch, mounts, room};

/// Where the volume has to be: the data is below, in a folder named after its version.
const VOLUME: &str = "/var/lib/postgresql";
const PORT: u16 = 5432;
const KNOWN: &str = "nothing, -c NAME=VALUE…, probe, backup, backup-probe";

pub fn act(words: &[&str]) -> Result<(), Error> {
    match words {
        ["probe"] => {
            let application = Application::of_process()?;
            probe::run(&application)?;
            disk::check(VOLUME)
        }
        ["backup"] => backup::run(),
        ["backup-probe"] => backup::probe(),
        _ => serve(words),
    }
}

/// Who the database is for.
struct Application {
    role: Name,
    database: Name,
    password: Secret,
}

impl Application {
    fn of_process() -> Result<Self, Error> {
        let mut settings = Settings::of_process(&["GANTRY_POSTGRES_"]);
        let application = Self::take(&mut settings)?;
        settings.end()?;
        Ok(application)
    }

    fn take(settings: &mut Settings) -> Result<Self, Error> {
        let role = settings.take("GANTRY_POSTGRES_USER", "gantry").parse()?;
        let database = settings
            .take("GANTRY_POSTGRES_DATABASE", "gantry")
            .parse()?;
        let file = settings.take(
            "GANTRY_POSTGRES_PASSWORD_FILE",
            "/run/secrets/postgres_password",
        );
        Ok(Self {
            role,
            database,
            password: Secret::read(&file)?,
        })
    }
}

fn serve(words: &[&str]) -> Result<(), Error> {
    let own = own_settings(words)?;
    let application = Application::of_process()?;
    mounts::require(VOLUME)?;
    cluster::refuse_foreign(Path::new(VOLUME))?;
    cluster::lock()?;
    cluster::prepare(&application)?;
    let room = room::Room::of_process();
    let mut server = launch::command(cluster::SERVER);
    server.args(["-D", cluster::DATA]);
    for (name, value) in tuning::settings(room, shared_memory()?) {
        server.arg("-c").arg(format!("{name}={value}"));
    }
    // The last one counts.
    for setting in own {
        server.args(["-c", setting]);
    }
    Err(launch::become_server(server))
}

/// `-c NAME=VALUE` pairs, as PostgreSQL takes them itself.
fn own_settings<'a>(words: &[&'a str]) -> Result<Vec<&'a str>, Error> {
    let pairs = words.chunks(2).map(|pair| match pair {
        ["-c", setting] if is_setting(setting) => Ok(*setting),
        _ => Err(entry::unknown(pair, KNOWN)),
    });
    pairs.collect()
}

fn is_setting(text: &str) -> bool {
    let named = |name: &str| {
        let part =
            |byte: u8| byte.is_ascii_lowercase() || b"_.".contains(&byte) || byte.is_ascii_digit();
        !name.is_empty() && name.bytes().all(part)
    };
    text.split_once('=').is_some_and(|(name, _)| named(name))
}

/// MiB that parallel workers may share.
fn shared_memory() -> Result<u64, Error> {
    let room = rustix::fs::statvfs("/dev/shm")
        .map_err(|errno| Error::io("examining /dev/shm")(io::Error::from(errno)))?;
    Ok(room.f_blocks.saturating_mul(room.f_frsize) >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pairs_of_settings_are_passed_on() {
        let check = |words: &[&str], expected: Option<&[&str]>| {
            assert_eq!(own_settings(words).ok().as_deref(), expected);
        };
        check(&[], Some(&[]));
        check(
            &["-c", "jit=on", "-c", "a.b=x y"],
            Some(&["jit=on", "a.b=x y"]),
        );
        for wrong in [
            &["-c"][..],
            &["-c", "jit"],
            &["-D", "/x"],
            &["postgres"],
            &["-c", "=1"],
        ] {
            check(wrong, None);
        }
    }
}
