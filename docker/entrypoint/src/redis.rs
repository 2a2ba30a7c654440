//! Redis' image: its ACL and settings, from a password's file and the container's limit, and its probe.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::exchange::Exchange;
use crate::names::Name;
use crate::room::Room;
use crate::secret::Secret;
use crate::settings::Settings;
use crate::{Error, disk, entry, launch, mounts};

const DATA: &str = "/data";
const PORT: u16 = 6379;
const SERVER: &str = "/usr/bin/redis-server";
/// On a tmpfs, so that no layer and no volume ever holds them.
const CONF: &str = "/run/redis/redis.conf";
const USERS: &str = "/run/redis/users.acl";

pub fn act(words: &[&str]) -> Result<(), Error> {
    let mut settings = Settings::of_process(&["GANTRY_REDIS_"]);
    let user: Name = settings.take("GANTRY_REDIS_USER", "gantry").parse()?;
    let file = settings.take("GANTRY_REDIS_PASSWORD_FILE", "/run/secrets/redis_password");
    settings.end()?;
    let password = Secret::read(&file)?;
    match words {
        [] => serve(&user, &password),
        ["probe"] => {
            ask(Exchange::open(PORT)?, &user, &password)?;
            disk::check(DATA)
        }
        _ => Err(entry::unknown(words, "nothing, probe")),
    }
}

fn serve(user: &Name, password: &Secret) -> Result<(), Error> {
    mounts::require(DATA)?;
    write(USERS, &users(user, password))?;
    write(CONF, &conf(Room::of_process()))?;
    let mut server = launch::command(SERVER);
    server.arg(CONF);
    Err(launch::become_server(server))
}

fn write(path: &str, text: &str) -> Result<(), Error> {
    fs::write(path, text)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o600)))
        .map_err(Error::io(format!("writing {path}")))
}

/// One user. `-@dangerous` takes away what ends, empties or rewrites the server; given back are figures (`INFO` and the
/// like), and the replication that a streamed backup is. `default` may do all but cannot log in: reading the append-only
/// file back is done in its name, and what it may not do is left out of the data, with no more than a line in the log.
fn users(user: &Name, password: &Secret) -> String {
    let hash = password.sha256();
    format!(
        "user default reset off ~* &* +@all\n\
         user {user} reset on #{hash} ~* &* +@all -@dangerous +info +config|get +role +slowlog|get +latency|latest \
         +client|list +sync +psync +replconf\n"
    )
}

fn conf(room: Room) -> String {
    // Three quarters: the rest is for the copy that rewriting the append-only file makes, and for clients' buffers.
    let memory = room.percent(75).max(8);
    format!(
        "bind 0.0.0.0\n\
         port {PORT}\n\
         protected-mode yes\n\
         aclfile {USERS}\n\
         tcp-keepalive 60\n\
         daemonize no\n\
         supervised no\n\
         logfile \"\"\n\
         pidfile \"\"\n\
         dir {DATA}\n\
         maxmemory {memory}mb\n\
         maxmemory-policy allkeys-lfu\n\
         appendonly yes\n\
         appendfsync everysec\n\
         save \"\"\n\
         lazyfree-lazy-eviction yes\n\
         lazyfree-lazy-expire yes\n\
         lazyfree-lazy-user-del yes\n"
    )
}

fn ask(mut exchange: Exchange, user: &Name, password: &Secret) -> Result<(), Error> {
    let login = [
        b"AUTH",
        user.as_str().as_bytes(),
        password.reveal().as_bytes(),
    ];
    exchange.send(&request(&login))?;
    expect(&mut exchange, "AUTH", "+OK")?;
    exchange.send(&request(&[b"PING"]))?;
    expect(&mut exchange, "PING", "+PONG")?;
    exchange.send(&request(&[b"INFO", b"persistence"]))?;
    let info = bulk(&mut exchange)?;
    for wanted in ["loading:0", "aof_enabled:1", "aof_last_write_status:ok"] {
        if !info.lines().any(|line| line == wanted) {
            let (name, _) = wanted.split_once(':').unwrap_or((wanted, ""));
            let found = info.lines().find(|line| line.starts_with(name));
            return Err(Error::Unfit(format!(
                "Redis says {} instead of {wanted}",
                found.unwrap_or("nothing")
            )));
        }
    }
    Ok(())
}

fn request(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n", word.len()).bytes());
        bytes.extend(*word);
        bytes.extend(b"\r\n");
    }
    bytes
}

fn expect(exchange: &mut Exchange, asked: &str, wanted: &str) -> Result<(), Error> {
    let line = exchange.line()?;
    if line == wanted {
        return Ok(());
    }
    Err(Error::Unfit(format!("Redis answers {asked} with {line}")))
}

fn bulk(exchange: &mut Exchange) -> Result<String, Error> {
    let line = exchange.line()?;
    let length = line
        .strip_prefix('$')
        .and_then(|length| length.parse().ok());
    let Some(length @ 0..=0xffff) = length else {
        return Err(Error::Unfit(format!("Redis answers INFO with {line}")));
    };
    let mut text = vec![0; length];
    exchange.fill(&mut text)?;
    Ok(String::from_utf8_lossy(&text).replace('\r', ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::fake::answering;

    fn secret() -> Secret {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(&file, "one").unwrap();
        Secret::read(file.path().to_str().unwrap()).unwrap()
    }

    #[test]
    fn the_acl_holds_a_hash_and_nothing_dangerous() {
        let text = users(&"gantry".parse().unwrap(), &secret());
        assert_eq!(
            text,
            "user default reset off ~* &* +@all\n\
             user gantry reset on #7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed ~* &* +@all \
             -@dangerous +info +config|get +role +slowlog|get +latency|latest +client|list +sync +psync +replconf\n"
        );
        let text = conf(Room { mib: 256, cpus: 1 });
        assert!(
            text.contains("\nmaxmemory 192mb\n") && !text.contains("  "),
            "{text}"
        );
    }

    #[test]
    fn a_request_is_counted_not_quoted() {
        assert_eq!(
            request(&[b"AUTH", b"a b"]),
            b"*2\r\n$4\r\nAUTH\r\n$3\r\na b\r\n"
        );
    }

    #[test]
    fn only_pong_from_a_server_that_keeps_what_it_is_told_is_green() {
        let check = |answers: &'static [&'static [u8]], expected: Option<&str>| {
            let told = ask(answering(answers), &"gantry".parse().unwrap(), &secret());
            let told = told.err().map(|error| error.to_string());
            assert_eq!(told.as_deref(), expected);
        };
        check(
            &[
                b"+OK\r\n",
                b"+PONG\r\n",
                b"$50\r\nloading:0\r\naof_enabled:1\r\naof_last_write_status:ok\r\n",
            ],
            None,
        );
        check(
            &[b"-WRONGPASS invalid\r\n"],
            Some("Redis answers AUTH with -WRONGPASS invalid"),
        );
        check(
            &[b"+OK\r\n", b"-LOADING Redis is loading\r\n"],
            Some("Redis answers PING with -LOADING Redis is loading"),
        );
        check(
            &[
                b"+OK\r\n",
                b"+PONG\r\n",
                b"$50\r\nloading:0\r\naof_enabled:1\r\naof_last_write_status:er\r\n",
            ],
            Some("Redis says aof_last_write_status:er instead of aof_last_write_status:ok"),
        );
        check(
            &[b"+OK\r\n", b"+PONG\r\n", b"$99999999\r\n"],
            Some("Redis answers INFO with $99999999"),
        );
        check(&[b"+OK\r\n"], Some("port 1: the server hung up"));
    }
}
