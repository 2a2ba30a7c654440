//! One private PostgreSQL server for all tests of a checkout, started by the first that asks, ended after the last.
//!
//! Every process that uses the server holds a shared lock on `users.lock` for as long as it lives. A small shell, the
//! *keeper*, started with the server, tries to lock that file exclusively each second; after `GRACE_SECONDS` of
//! success in a row nobody is left, so it stops the server and ends. Processes killed by force release their lock too.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

mod own;
mod session;

pub use own::{OwnPostgres, Stop};
pub use session::Session;

/// Spans the pause between two test binaries of one `cargo test`.
const GRACE_SECONDS: u32 = 10;
const QUICK_SETTINGS: &[&str] = &["shared_buffers=64MB", "fsync=off", "full_page_writes=off"];
const DURABLE_SETTINGS: &[&str] = &["shared_buffers=512MB", "max_wal_size=4GB"];
const START_LIMIT: Duration = Duration::from_mins(1);
/// Whom the server runs as when the tests run as root, which PostgreSQL refuses to be.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// A superuser's URL, `postgres://gantry@127.0.0.1:<port>/postgres`. Blocks for a second or two when it is the first
/// to ask. It forgets everything when the machine fails (`fsync=off`). `GANTRY_TEST_POSTGRES` names another server.
///
/// # Panics
///
/// Where no server can be started: a test cannot go on, and the message says why.
pub fn server_url() -> String {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| match variable("GANTRY_TEST_POSTGRES") {
        Some(url) => url,
        None => match Server::of_this_checkout().and_then(|server| server.join()) {
            Ok(url) => url,
            Err(error) => panic!("no PostgreSQL server for the tests: {error}"),
        },
    })
    .clone()
}

/// A server as one would run it, with `fsync`, that ends soon after this process.
pub struct Durable {
    /// A superuser's, on loopback.
    pub url: String,
    /// Where its Unix socket is, which any user may enter.
    pub socket: PathBuf,
}

/// Its locks and data are in `folder`.
pub fn durable_server(folder: &Path) -> io::Result<Durable> {
    let server = Server {
        has_socket: true,
        ..Server::in_folder(folder, DURABLE_SETTINGS)?
    };
    Ok(Durable {
        url: server.join()?,
        socket: server.socket(),
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests read their own variable; no service does"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Where things lie. Locks stay in `target/`; the data moves to `/tmp` where the server's user may not enter the
/// checkout.
struct Server {
    binaries: PathBuf,
    /// Locks, the keeper's number.
    state: PathBuf,
    /// The cluster and the server's log.
    data: PathBuf,
    run_as: Option<(u32, u32)>,
    settings: &'static [&'static str],
    /// A checkout may lie too deep for one: a socket's path has a hundred letters.
    has_socket: bool,
}

impl Server {
    fn of_this_checkout() -> io::Result<Self> {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(2)
            .expect("this crate lies two folders below the checkout");
        Self::in_folder(&checkout.join("target/testkit"), QUICK_SETTINGS)
    }

    fn in_folder(state: &Path, settings: &'static [&'static str]) -> io::Result<Self> {
        fs::create_dir_all(state)?;
        let state = state.to_owned();
        let run_as = other_user()?;
        let data = if run_as.is_none() || open_to_all(&state)? {
            state.join("pg")
        } else {
            let mark = fs::metadata(&state)?.ino();
            std::env::temp_dir().join(format!("gantry-testkit-{mark}"))
        };
        Ok(Self {
            binaries: find_binaries()?,
            state,
            data,
            run_as,
            settings,
            has_socket: false,
        })
    }

    /// Registers this process as a user and starts the server unless it runs.
    fn join(&self) -> io::Result<String> {
        let users = lock_file(&self.state.join("users.lock"))?;
        users.lock_shared()?;
        // Held until the process ends, however it ends.
        std::mem::forget(users);
        let starting = lock_file(&self.state.join("start.lock"))?;
        starting.lock()?;
        if let Some(url) = self.running() {
            return Ok(url);
        }
        self.sweep()?;
        self.create()?;
        self.start()
    }

    /// The URL of the server, if it and its keeper are both well.
    fn running(&self) -> Option<String> {
        let keeper = fs::read_to_string(self.state.join("keeper.pid")).ok()?;
        let port = self.ready_port()?;
        (alive(keeper.trim()) && answers(port)).then(|| url(port))
    }

    /// Ends a server whose keeper was killed, and removes what is left of the last one.
    fn sweep(&self) -> io::Result<()> {
        if let Some(pid) = self.postmaster_line(0).filter(|pid| is_postgres(pid)) {
            run(command("kill").args(["-QUIT", &pid]))?;
            wait_until(START_LIMIT, || (!alive(&pid)).then_some(()))?;
        }
        match fs::remove_dir_all(&self.data) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn create(&self) -> io::Result<()> {
        fs::create_dir_all(&self.data)?;
        fs::set_permissions(&self.data, fs::Permissions::from_mode(0o700))?;
        if let Some((uid, gid)) = self.run_as {
            chown(&self.data, Some(uid), Some(gid))?;
        }
        if self.has_socket {
            fs::create_dir(self.socket())?;
            if let Some((uid, gid)) = self.run_as {
                chown(self.socket(), Some(uid), Some(gid))?;
            }
        }
        run(self
            .as_server("initdb")
            .args([
                "--username=gantry",
                "--auth=trust",
                "--locale=C",
                "--encoding=UTF8",
                "--no-sync",
            ])
            .arg("--pgdata")
            .arg(self.cluster()))
    }

    fn start(&self) -> io::Result<String> {
        let port = free_port()?;
        let server = self.program(port);
        let log = File::create(self.state.join("postgres.log"))?;
        // A group of its own, so that Ctrl-C on the tests leaves it to its keeper; no inherited output, so that a pipe
        // behind `cargo test` ends with the tests.
        let keeper = command("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(self.state.join("users.lock"))
            .arg(GRACE_SECONDS.to_string())
            .arg(server.get_program())
            .args(server.get_args())
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()?;
        fs::write(self.state.join("keeper.pid"), keeper.id().to_string())?;
        let keeper = keeper.id().to_string();
        let started = wait_until(START_LIMIT, || {
            let ready = self.ready_port().is_some_and(answers);
            (ready || !alive(&keeper)).then_some(ready)
        })?;
        if started {
            Ok(url(port))
        } else {
            let log = fs::read_to_string(self.state.join("postgres.log"))?;
            Err(io::Error::other(format!("it ended at once:\n{log}")))
        }
    }

    /// The server on this port, not yet started.
    fn program(&self, port: u16) -> Command {
        let mut server = self.as_server("postgres");
        server
            .arg("-D")
            .arg(self.cluster())
            .arg("-p")
            .arg(port.to_string());
        let own = [
            "listen_addresses=127.0.0.1",
            "max_connections=300",
            "timezone=UTC",
            "log_timezone=UTC",
        ];
        for setting in own.iter().chain(self.settings) {
            server.arg("-c").arg(setting);
        }
        let socket = self.has_socket.then(|| self.socket());
        let socket = socket.unwrap_or_default();
        let socket = format!("unix_socket_directories={}", socket.display());
        server.arg("-c").arg(socket);
        server
    }

    fn socket(&self) -> PathBuf {
        self.data.join("socket")
    }

    fn cluster(&self) -> PathBuf {
        self.data.join("cluster")
    }

    /// A line of the file that a running server keeps: 0 its process id, 3 its port, 7 its state.
    fn postmaster_line(&self, number: usize) -> Option<String> {
        let lines = fs::read_to_string(self.cluster().join("postmaster.pid")).ok()?;
        lines.lines().nth(number).map(|line| line.trim().to_owned())
    }

    fn ready_port(&self) -> Option<u16> {
        let ready = self.postmaster_line(7)? == "ready";
        ready
            .then(|| self.postmaster_line(3)?.parse().ok())
            .flatten()
    }

    /// A program of PostgreSQL, as a user that it accepts.
    fn as_server(&self, program: &str) -> Command {
        let program = self.binaries.join(program);
        match self.run_as {
            None => command(program),
            Some((uid, gid)) => {
                let mut wrapped = command("setpriv");
                wrapped
                    .arg(format!("--reuid={uid}"))
                    .arg(format!("--regid={gid}"))
                    .arg("--clear-groups")
                    .arg(program)
                    .current_dir("/");
                wrapped
            }
        }
    }
}

/// `$1` the users' lock, `$2` seconds of grace, then the server's command line.
const KEEPER: &str = r#"
lock=$1 grace=$2
shift 2
"$@" &
server=$!
trap 'kill -INT $server; wait $server; exit 0' TERM INT
exec 9<"$lock"
idle=0
while kill -0 $server 2>/dev/null; do
    sleep 1
    if flock --nonblock --exclusive 9; then
        idle=$((idle + 1))
        if [ $idle -ge "$grace" ]; then
            kill -INT $server
            wait $server
            exit 0
        fi
        flock --unlock 9
    else
        idle=0
    fi
done
"#;

#[expect(
    clippy::disallowed_methods,
    reason = "the server for tests is a program that this file starts and ends"
)]
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    Command::new(program)
}

pub(crate) fn run(command: &mut Command) -> io::Result<()> {
    let output = command.output().map_err(|error| {
        io::Error::other(format!("{}: {error}", command.get_program().display()))
    })?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )))
}

fn lock_file(path: &Path) -> io::Result<File> {
    File::options().create(true).append(true).open(path)
}

fn find_binaries() -> io::Result<PathBuf> {
    let mut debian: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(_, folder)| folder.join("initdb").exists())
        .collect();
    debian.sort();
    let path = variable("PATH").unwrap_or_default();
    debian
        .pop()
        .map(|(_, folder)| folder)
        .or_else(|| std::env::split_paths(&path).find(|folder| folder.join("initdb").exists()))
        .ok_or_else(|| {
            io::Error::other(
                "initdb is neither in /usr/lib/postgresql/*/bin nor in PATH; `cargo xtask test` installs it, \
                 GANTRY_TEST_POSTGRES names a server that runs",
            )
        })
}

/// The user and group to become; none where the tests do not run as root.
fn other_user() -> io::Result<Option<(u32, u32)>> {
    if fs::metadata("/proc/self")?.uid() != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let found = UNPRIVILEGED.iter().find_map(|name| {
        let entry = users
            .lines()
            .find(|line| line.split(':').next() == Some(name))?;
        let mut numbers = entry.split(':').skip(2);
        Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    });
    found
        .map(Some)
        .ok_or_else(|| io::Error::other("there is no user `postgres` or `nobody` to run it as"))
}

/// Whether every folder on the way may be entered by anyone.
fn open_to_all(path: &Path) -> io::Result<bool> {
    for folder in path.ancestors() {
        if fs::metadata(folder)?.permissions().mode() & 0o001 == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

fn url(port: u16) -> String {
    format!("postgres://gantry@127.0.0.1:{port}/postgres")
}

pub(crate) fn free_port() -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

pub(crate) fn answers(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpStream::connect_timeout(&address, Duration::from_secs(2)).is_ok()
}

/// A zombie is not alive: the keeper is a child of the process that started it.
fn alive(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        !stat
            .rsplit(')')
            .next()
            .is_some_and(|rest| rest.starts_with(" Z"))
    })
}

/// Guards against a process id that was given to another program since.
fn is_postgres(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "postgres")
}

pub(crate) fn wait_until<T>(
    limit: Duration,
    mut condition: impl FnMut() -> Option<T>,
) -> io::Result<T> {
    let begun = Instant::now();
    while begun.elapsed() < limit {
        if let Some(value) = condition() {
            return Ok(value);
        }
        thread::sleep(Duration::from_millis(20));
    }
    Err(io::Error::other(format!(
        "it was not ready within {limit:?}"
    )))
}
