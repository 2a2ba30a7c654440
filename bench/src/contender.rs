//! Those that answer over HTTP, as processes: started on loopback, ended when they are dropped.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::process::{self, Process, free_port, load_generator, program, sibling};
use crate::work::{self, film, film_id};

pub(crate) const START_LIMIT: Duration = Duration::from_mins(2);

/// Its processes, and where it listens.
pub(crate) struct Contender {
    pub(crate) port: u16,
    /// In the order in which they end: faces first.
    processes: Vec<Process>,
}

impl Contender {
    /// `verb` is the one of this program that serves, `database` what it is told of.
    pub(crate) fn bare(folder: &Path, verb: &str, database: &str) -> anyhow::Result<Self> {
        let port = free_port()?;
        let mut command = program(std::env::current_exe()?);
        command.args([verb, database]).arg(port.to_string());
        let process = Process::spawn(command, folder, verb)?;
        Self::started(port, vec![process], "/api/v1/film?gross=gte.0")
    }

    /// `database` is a URL of PostgreSQL or SQLite.
    pub(crate) fn gantry(
        folder: &Path,
        name: &str,
        project: &Path,
        database: &str,
    ) -> anyhow::Result<Self> {
        let gantry = Self::starting_gantry(folder, name, project, database)?;
        gantry.answering("/api/v1/film?limit=1")
    }

    /// Does not wait for its first answer.
    pub(crate) fn starting_gantry(
        folder: &Path,
        name: &str,
        project: &Path,
        database: &str,
    ) -> anyhow::Result<Self> {
        let (port, ops_port) = (free_port()?, free_port()?);
        let mut command = program(sibling("gantry")?);
        command
            .arg("up")
            .arg(project)
            .args(["--database-url", database])
            .arg(format!("--listen=127.0.0.1:{port}"))
            .arg(format!("--ops-listen=127.0.0.1:{ops_port}"));
        let processes = vec![Process::spawn(command, folder, name)?];
        Ok(Self { port, processes })
    }

    pub(crate) fn split(folder: &Path, project: &Path, database: &str) -> anyhow::Result<Self> {
        let programs = [sibling("api")?, sibling("dataflow")?];
        Self::pair(&programs, folder, project, database)
    }

    /// Any api and dataflow.
    pub(crate) fn pair(
        [api, dataflow]: &[PathBuf; 2],
        folder: &Path,
        project: &Path,
        database: &str,
    ) -> anyhow::Result<Self> {
        let (port, inner) = (free_port()?, free_port()?);
        let ops = || anyhow::Ok(format!("127.0.0.1:{}", free_port()?));
        let mut dataflow = program(dataflow);
        dataflow
            .env("GANTRY_DATAFLOW_LISTEN", format!("127.0.0.1:{inner}"))
            .env("GANTRY_DATAFLOW_OPS_LISTEN", ops()?)
            .env("GANTRY_DATAFLOW_PROJECT", project)
            .env("GANTRY_DATAFLOW_DATABASE_URL", database);
        let mut api = program(api);
        api.env("GANTRY_API_LISTEN", format!("127.0.0.1:{port}"))
            .env("GANTRY_API_OPS_LISTEN", ops()?)
            .env("GANTRY_API_DATAFLOW", format!("http://127.0.0.1:{inner}"));
        let processes = vec![
            Process::spawn(api, folder, "api")?,
            Process::spawn(dataflow, folder, "dataflow")?,
        ];
        Self::started(port, processes, "/api/v1/film?limit=1")
    }

    /// The face with an echo beside it.
    pub(crate) fn face() -> anyhow::Result<Self> {
        let mut face = program(sibling("conformance")?);
        face.arg("--echo");
        let (process, address) = Process::told(face)?;
        let port = address.trim().trim_end_matches("/mcp").rsplit(':').next();
        let port = port.and_then(|port| port.parse().ok());
        let port = port.with_context(|| format!("{address:?} names no port"))?;
        Ok(Self::of(port, vec![process]))
    }

    /// The mcp service over dataflow.
    pub(crate) fn agents(folder: &Path, project: &Path, database: &str) -> anyhow::Result<Self> {
        let (port, inner) = (free_port()?, free_port()?);
        let ops = || anyhow::Ok(format!("127.0.0.1:{}", free_port()?));
        let mut dataflow = program(sibling("dataflow")?);
        dataflow
            .env("GANTRY_DATAFLOW_LISTEN", format!("127.0.0.1:{inner}"))
            .env("GANTRY_DATAFLOW_OPS_LISTEN", ops()?)
            .env("GANTRY_DATAFLOW_PROJECT", project)
            .env("GANTRY_DATAFLOW_DATABASE_URL", database);
        let mut mcp = program(sibling("mcp")?);
        mcp.env("GANTRY_MCP_LISTEN", format!("127.0.0.1:{port}"))
            .env("GANTRY_MCP_OPS_LISTEN", ops()?)
            .env("GANTRY_MCP_ANONYMOUS", "true")
            .env("GANTRY_MCP_DATAFLOW", format!("http://127.0.0.1:{inner}"));
        let processes = vec![
            Process::spawn(mcp, folder, "mcp")?,
            Process::spawn(dataflow, folder, "mcp-dataflow")?,
        ];
        let of_dataflow = Self::of(inner, Vec::new()).listening()?;
        drop(of_dataflow);
        Self::of(port, processes).listening()
    }

    /// The nexus service over dataflow.
    pub(crate) fn workflows(folder: &Path, project: &Path, database: &str) -> anyhow::Result<Self> {
        let (port, inner) = (free_port()?, free_port()?);
        let ops = || anyhow::Ok(format!("127.0.0.1:{}", free_port()?));
        let mut dataflow = program(sibling("dataflow")?);
        dataflow
            .env("GANTRY_DATAFLOW_LISTEN", format!("127.0.0.1:{inner}"))
            .env("GANTRY_DATAFLOW_OPS_LISTEN", ops()?)
            .env("GANTRY_DATAFLOW_PROJECT", project)
            .env("GANTRY_DATAFLOW_DATABASE_URL", database);
        let mut nexus = program(sibling("nexus")?);
        nexus
            .env("GANTRY_NEXUS_LISTEN", format!("127.0.0.1:{port}"))
            .env("GANTRY_NEXUS_OPS_LISTEN", ops()?)
            .env("GANTRY_NEXUS_DATAFLOW", format!("http://127.0.0.1:{inner}"));
        let processes = vec![
            Process::spawn(nexus, folder, "nexus")?,
            Process::spawn(dataflow, folder, "nexus-dataflow")?,
        ];
        let of_dataflow = Self::of(inner, Vec::new()).listening()?;
        drop(of_dataflow);
        Self::of(port, processes).listening()
    }

    pub(crate) fn of(port: u16, processes: Vec<Process>) -> Self {
        Self { port, processes }
    }

    /// Waits until somebody listens.
    pub(crate) fn listening(self) -> anyhow::Result<Self> {
        let port = self.port;
        self.until(|_| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok())
    }

    fn started(port: u16, processes: Vec<Process>, path: &str) -> anyhow::Result<Self> {
        Self { port, processes }.answering(path)
    }

    /// Waits until it answers this path with 200; asks every half millisecond.
    pub(crate) fn answering(self, path: &str) -> anyhow::Result<Self> {
        self.until(|it| answers(&format!("127.0.0.1:{}", it.port), path))
    }

    fn until(mut self, is_up: impl Fn(&Self) -> bool) -> anyhow::Result<Self> {
        let begun = Instant::now();
        while !is_up(&self) {
            for process in &mut self.processes {
                process.ensure_alive()?;
            }
            ensure!(
                begun.elapsed() < START_LIMIT,
                "nothing answers on port {}",
                self.port
            );
            std::thread::sleep(Duration::from_micros(500));
        }
        Ok(self)
    }

    /// The films of these numbers, created over HTTP a thousand at a time.
    pub(crate) fn fill(&self, numbers: std::ops::RangeInclusive<u64>) -> anyhow::Result<()> {
        let numbers: Vec<u64> = numbers.collect();
        for some in numbers.chunks(work::BULK) {
            let films: Value = some
                .iter()
                .map(|number| {
                    let mut film = film(*number);
                    film["id"] = film_id(*number).into();
                    film
                })
                .collect();
            let body = films.to_string();
            let answer = self.exchange(&format!(
                "POST /api/v1/film HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n\
                 Prefer: return=minimal\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ))?;
            ensure!(answer.starts_with("HTTP/1.1 2"), "filling: {answer}");
        }
        Ok(())
    }

    /// The whole answer to a request that asks for the connection to be closed after it.
    pub(crate) fn exchange(&self, request: &str) -> anyhow::Result<String> {
        exchange((Ipv4Addr::LOCALHOST, self.port), request)
    }

    /// What the generator of load got through; `asked` is a work's name or a path.
    pub(crate) fn measure(
        &self,
        asked: &str,
        clients: usize,
        seconds: f64,
    ) -> anyhow::Result<Value> {
        let mut command = load_generator(std::env::current_exe()?)?;
        command
            .arg("load")
            .args([&self.port.to_string(), asked])
            .args([clients.to_string(), seconds.to_string()]);
        let output = command.output().context("starting the load generator")?;
        ensure!(
            output.status.success(),
            "load: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    pub(crate) fn processor_time(&self) -> anyhow::Result<Duration> {
        let times = self
            .processes
            .iter()
            .map(|it| process::processor_time(it.id()));
        times.sum()
    }

    /// Bytes of all its processes; the field is one of `/proc/<id>/status`.
    pub(crate) fn memory(&self, field: &str) -> anyhow::Result<u64> {
        let sizes = self
            .processes
            .iter()
            .map(|it| process::memory(it.id(), field));
        sizes.sum()
    }

    pub(crate) fn forget_peak(&self) -> anyhow::Result<()> {
        self.processes
            .iter()
            .try_for_each(|it| process::forget_peak(it.id()))
    }
}

/// Whether a request for this path is answered with 200 there.
pub(crate) fn answers(address: &str, path: &str) -> bool {
    let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n");
    exchange(address, &request).is_ok_and(|answer| answer.starts_with("HTTP/1.1 200 "))
}

fn exchange(address: impl ToSocketAddrs, request: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
