//! Neo4j's image: its configuration and its virtual machine's, from the container's limit, and its probe.

mod bolt;
mod packstream;

use std::fs;
use std::path::Path;

use crate::exchange::Exchange;
use crate::room::Room;
use crate::secret::Secret;
use crate::settings::Settings;
use crate::{Error, disk, entry, launch, mounts};

const DATA: &str = "/data";
const PORT: u16 = 7687;
const USER: &str = "neo4j";
const JAVA: &str = "/opt/java/bin/java";
/// Flags and the class path, the same as when the image's archive of classes was made: else it does not count.
const FLAGS: &str = "@/opt/neo4j/java.args";
const ARCHIVE: &str = "-XX:SharedArchiveFile=/opt/neo4j/classes.jsa";
const HOME: &str = "/tmp/neo4j";
const CONF: &str = "/tmp/neo4j/conf";
/// The mark of the password that the data knows, and the one that the launcher puts in its place.
const MARK: &str = "/data/gantry.password";
const NEW_MARK: &str = "/tmp/neo4j/password.mark";
/// Neo4j's own rule.
const SHORTEST: usize = 8;
/// A runtime and a kernel that loaded all its classes, before any data.
const LEAST_MIB: u64 = 512;

pub fn act(words: &[&str]) -> Result<(), Error> {
    let mut settings = Settings::of_process(&["GANTRY_NEO4J_"]);
    let file = settings.take("GANTRY_NEO4J_PASSWORD_FILE", "/run/secrets/neo4j_password");
    settings.end()?;
    match words {
        [] => serve(&file, &Secret::read(&file)?),
        ["probe"] => {
            bolt::ask(Exchange::open(PORT)?, USER, &Secret::read(&file)?)?;
            disk::check(DATA)
        }
        ["admin", rest @ ..] => admin(rest),
        _ => Err(entry::unknown(words, "nothing, probe, admin …")),
    }
}

/// Neo4j's own tool over the same data, while no server runs: the only way that this edition is backed up.
fn admin(words: &[&str]) -> Result<(), Error> {
    let room = configure()?;
    let mut tool = launch::command(JAVA);
    tool.env("LC_ALL", "C.UTF-8");
    tool.env("NEO4J_HOME", HOME).env("NEO4J_CONF", CONF);
    tool.arg(FLAGS).arg(format!("-Xmx{}m", heap(room)));
    tool.arg("org.neo4j.cli.AdminTool").args(words);
    Err(launch::become_server(tool))
}

fn serve(file: &str, password: &Secret) -> Result<(), Error> {
    if password.reveal().chars().count() < SHORTEST {
        return Err(Error::Settings(format!(
            "the password in {file} is shorter than {SHORTEST} characters, which Neo4j refuses"
        )));
    }
    let room = configure()?;
    if fs::read_to_string(MARK).is_ok_and(|mark| password.fits(mark.trim())) {
        // After a restart of the same container the tmpfs may still hold one.
        if Path::new(NEW_MARK).exists() {
            fs::remove_file(NEW_MARK).map_err(Error::io(format!("removing {NEW_MARK}")))?;
        }
    } else {
        write(NEW_MARK, &password.mark()?)?;
    }
    let heap = heap(room);
    let mut server = launch::command(JAVA);
    // Paths and queries are UTF-8, whatever the machine's default were without a locale.
    server.arg(ARCHIVE).arg(FLAGS).env("LC_ALL", "C.UTF-8");
    server.args([format!("-Xms{}m", heap / 2), format!("-Xmx{heap}m")]);
    server.args(["gantry.Launcher", DATA, file]);
    Err(launch::become_server(server))
}

/// Where there is data, and room for it, the configuration that fits.
fn configure() -> Result<Room, Error> {
    mounts::require(DATA)?;
    let room = Room::of_process();
    if room.mib < LEAST_MIB {
        return Err(Error::Settings(format!(
            "{} MiB of memory are too little for Neo4j: give the container {LEAST_MIB} or more",
            room.mib
        )));
    }
    fs::create_dir_all(CONF).map_err(Error::io(format!("making {CONF}")))?;
    write(&format!("{CONF}/neo4j.conf"), &conf(room))?;
    Ok(room)
}

fn write(path: &str, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(Error::io(format!("writing {path}")))
}

/// The machine itself needs some 250 MiB beside its heap: classes, threads, buffers.
fn heap(room: Room) -> u64 {
    (room.mib.saturating_sub(256) * 60 / 100).max(160)
}

fn conf(room: Room) -> String {
    let pages = (room.mib.saturating_sub(256) * 25 / 100).max(32);
    let transactions = heap(room) / 2;
    format!(
        "server.directories.data={DATA}\n\
         server.directories.logs=/tmp/neo4j/logs\n\
         server.logs.config=/opt/neo4j/logs.xml\n\
         server.logs.user.config=/opt/neo4j/logs.xml\n\
         server.bolt.enabled=true\n\
         server.bolt.listen_address=0.0.0.0:{PORT}\n\
         dbms.security.auth_enabled=true\n\
         dbms.security.allow_csv_import_from_file_urls=false\n\
         dbms.usage_report.enabled=false\n\
         server.memory.pagecache.size={pages}m\n\
         dbms.memory.transaction.total.max={transactions}m\n\
         db.tx_log.preallocate=false\n\
         db.tx_log.rotation.retention_policy=2 days 256M\n\
         db.tx_log.rotation.size=32M\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heap_and_pages_leave_room_for_the_machine() {
        let check = |mib: u64, expected_heap: u64, pages: &str| {
            let room = Room { mib, cpus: 1 };
            assert_eq!(heap(room), expected_heap);
            let conf = conf(room);
            assert!(
                conf.contains(&format!("\nserver.memory.pagecache.size={pages}\n")),
                "{conf}"
            );
        };
        check(512, 160, "64m");
        check(1024, 460, "192m");
        check(4096, 2304, "960m");
    }
}
