//! Those that are compared, as processes: started on loopback, ended when they are dropped.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::work::{FILMS, Work, film, film_id};

const START_LIMIT: Duration = Duration::from_mins(1);
/// Readers and writers need no key here, so every call is decided by the model's rules as a stranger's.
const MODEL: &str = "\
model: Film
fields:
  title:    { type: text, required: true, max: 300 }
  released: { type: date }
  gross:    { type: int, index: true }
  rating:   { type: decimal, min: 0, max: 10 }
  director: { type: text }
access:
  - { role: anyone, can: [read, create] }
";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The same SQL without HTTP.
    Pgbench,
    /// axum and deadpool-postgres, nothing else.
    Bare,
    /// `gantry up` over PostgreSQL.
    Gantry,
    /// The services api and dataflow, two processes.
    Split,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Pgbench, Self::Bare, Self::Gantry, Self::Split];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pgbench => "pgbench",
            Self::Bare => "bare",
            Self::Gantry => "gantry",
            Self::Split => "split",
        }
    }

    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Pgbench => "pgbench -M prepared",
            Self::Bare => "axum + deadpool-postgres",
            Self::Gantry => "gantry, one process",
            Self::Split => "gantry, api → dataflow",
        }
    }

    pub(crate) fn named(name: &str) -> anyhow::Result<Self> {
        match Self::ALL.into_iter().find(|kind| kind.name() == name) {
            Some(kind) => Ok(kind),
            None => bail!("there is no contender {name:?}: pgbench, bare, gantry, split"),
        }
    }
}

/// Its processes, and where it listens.
pub(crate) struct Contender {
    pub(crate) port: u16,
    /// In the order in which they end: faces first.
    processes: Vec<Process>,
}

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Contender {
    pub(crate) fn bare(folder: &Path, database: &str) -> anyhow::Result<Self> {
        let port = free_port()?;
        let mut command = program(std::env::current_exe()?);
        command.args(["bare", database]).arg(port.to_string());
        Self::started(
            port,
            vec![spawn(command, folder, "bare")?],
            "/api/v1/film?gross=gte.0",
        )
    }

    pub(crate) fn gantry(folder: &Path, database: &str) -> anyhow::Result<Self> {
        let (port, ops_port) = (free_port()?, free_port()?);
        let mut command = program(sibling("gantry")?);
        command
            .arg("up")
            .arg(project(folder)?)
            .args(["--database-url", database])
            .arg(format!("--listen=127.0.0.1:{port}"))
            .arg(format!("--ops-listen=127.0.0.1:{ops_port}"));
        Self::started(
            port,
            vec![spawn(command, folder, "gantry")?],
            "/api/v1/film?limit=1",
        )
    }

    pub(crate) fn split(folder: &Path, database: &str) -> anyhow::Result<Self> {
        let (port, inner) = (free_port()?, free_port()?);
        let mut dataflow = program(sibling("dataflow")?);
        dataflow
            .env("GANTRY_DATAFLOW_LISTEN", format!("127.0.0.1:{inner}"))
            .env(
                "GANTRY_DATAFLOW_OPS_LISTEN",
                format!("127.0.0.1:{}", free_port()?),
            )
            .env("GANTRY_DATAFLOW_PROJECT", project(folder)?)
            .env("GANTRY_DATAFLOW_DATABASE_URL", database);
        let mut api = program(sibling("api")?);
        api.env("GANTRY_API_LISTEN", format!("127.0.0.1:{port}"))
            .env(
                "GANTRY_API_OPS_LISTEN",
                format!("127.0.0.1:{}", free_port()?),
            )
            .env("GANTRY_API_DATAFLOW", format!("http://127.0.0.1:{inner}"));
        let processes = vec![
            spawn(api, folder, "api")?,
            spawn(dataflow, folder, "dataflow")?,
        ];
        Self::started(port, processes, "/api/v1/film?limit=1")
    }

    fn started(port: u16, processes: Vec<Process>, path: &str) -> anyhow::Result<Self> {
        let mut contender = Self { port, processes };
        let begun = Instant::now();
        loop {
            for process in &mut contender.processes {
                if let Some(status) = process.0.try_wait()? {
                    bail!("a contender ended with {status}; its log is in target/bench");
                }
            }
            if answers(port, path) {
                return Ok(contender);
            }
            ensure!(
                begun.elapsed() < START_LIMIT,
                "nothing answers on port {port}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The films that every contender has from the start, created over HTTP a thousand at a time.
    pub(crate) fn fill(&self) -> anyhow::Result<()> {
        let films: Vec<Value> = (1..=FILMS)
            .map(|number| {
                let mut film = film(number);
                film["id"] = film_id(number).into();
                film
            })
            .collect();
        for some in films.chunks(1000) {
            let body = Value::from(some.to_vec()).to_string();
            let status = post(self.port, "/api/v1/film", &body)?;
            ensure!(
                status.contains(" 200 ") || status.contains(" 201 "),
                "filling: {status}"
            );
        }
        Ok(())
    }

    /// What the load generator, on a core of its own, got through.
    pub(crate) fn measure(
        &self,
        work: Work,
        clients: usize,
        seconds: f64,
    ) -> anyhow::Result<Value> {
        let mut command = load_generator(std::env::current_exe()?)?;
        command
            .arg("load")
            .args([self.port.to_string(), work.name().to_owned()])
            .args([clients.to_string(), seconds.to_string()]);
        let output = command.output().context("starting the load generator")?;
        ensure!(
            output.status.success(),
            "load: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

/// A generator of load, ours or pgbench, is held on the last core, so that all of them get the same share of the
/// machine. What they load runs where it likes.
pub(crate) fn load_generator(name: impl AsRef<OsStr>) -> anyhow::Result<Command> {
    let cores = std::thread::available_parallelism()?.get();
    let mut command = program("taskset");
    command
        .arg("--cpu-list")
        .arg((cores - 1).to_string())
        .arg(name);
    Ok(command)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the contenders are programs; this is where they are started"
)]
fn program(name: impl AsRef<OsStr>) -> Command {
    Command::new(name)
}

fn spawn(mut command: Command, folder: &Path, name: &str) -> anyhow::Result<Process> {
    let log = File::create(folder.join(format!("{name}.log")))?;
    let child = command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("starting {name}"))?;
    Ok(Process(child))
}

/// Built into the same folder as this program.
fn sibling(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    ensure!(path.exists(), "{} is not built", path.display());
    Ok(path)
}

fn project(folder: &Path) -> anyhow::Result<PathBuf> {
    let project = folder.join("project");
    fs::create_dir_all(project.join("models"))?;
    fs::write(project.join("models/film.yaml"), MODEL)?;
    Ok(project)
}

fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

fn answers(port: u16, path: &str) -> bool {
    exchange(
        port,
        &format!("GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"),
    )
    .is_ok_and(|status| status.contains(" 200 "))
}

fn post(port: u16, path: &str, body: &str) -> anyhow::Result<String> {
    exchange(
        port,
        &format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Prefer: return=minimal\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ),
    )
}

/// The status line.
fn exchange(port: u16, message: &str) -> anyhow::Result<String> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.write_all(message.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let text = String::from_utf8_lossy(&answer);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
