//! `bench models`: what starts, reloads, reads and OpenAPI cost where there are many models; for one model and twenty too.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::process::{Process, free_port, program, sibling};
use crate::tables;

const PATIENCE: Duration = Duration::from_mins(10);
const READS: usize = 2_000;

pub(crate) struct Options {
    models: usize,
    fields: usize,
    refs: usize,
    saves: usize,
}

impl Options {
    pub(crate) fn parse(arguments: &[&str]) -> anyhow::Result<Self> {
        let mut options = Self {
            models: 1_000,
            fields: 100,
            refs: 50,
            saves: 3,
        };
        for pair in arguments.chunks(2) {
            let [name, value] = pair else {
                bail!("{} needs a value", pair[0]);
            };
            let number = value.parse().with_context(|| (*name).to_owned())?;
            match *name {
                "--models" => options.models = number,
                "--fields" => options.fields = number,
                "--refs" => options.refs = number,
                "--saves" => options.saves = number,
                _ => bail!("{name} is not an option of `bench models`"),
            }
        }
        ensure!(options.models > 0, "--models is at least 1");
        ensure!(
            options.refs < options.fields,
            "--refs is less than --fields"
        );
        Ok(options)
    }

    /// The same text for the same options: refs go to the models that follow, types in turn.
    fn model(&self, number: usize, more: &str) -> String {
        let kinds = [
            "text",
            "int",
            "decimal",
            "bool",
            "date",
            "timestamp",
            "float",
            "json",
        ];
        let mut text = format!("model: M{number:04}\nabout: Model number {number}.\nfields:\n");
        for field in 0..self.fields - self.refs {
            let kind = kinds[field % kinds.len()];
            let about = format!("Field {field} of model {number}.");
            line(
                &mut text,
                format_args!("  f{field:02}: {{ type: {kind}, about: {about} }}"),
            );
        }
        for field in 0..self.refs {
            let target = (number + field + 1) % self.models;
            line(
                &mut text,
                format_args!("  r{field:02}: {{ ref: M{target:04}, on_delete: set_null }}"),
            );
        }
        text + more + "access:\n  - { role: anyone, can: [read, create] }\n"
    }

    fn write(&self, project: &Path) -> anyhow::Result<()> {
        fs::remove_dir_all(project).ok();
        fs::create_dir_all(project.join("models"))?;
        for number in 0..self.models {
            fs::write(file(project, number), self.model(number, ""))?;
        }
        Ok(())
    }
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    text.push_str(&line.to_string());
    text.push('\n');
}

fn file(project: &Path, number: usize) -> PathBuf {
    project.join(format!("models/m{number:04}.yaml"))
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let folder = top
        .context("bench lies in the checkout")?
        .join("target/bench");
    fs::create_dir_all(&folder)?;
    let server = testkit::postgres::durable_server(&folder)?.url;
    println!(
        "{} models of {} fields, {} of them refs",
        options.models, options.fields, options.refs
    );
    let project = folder.join("models");
    options.write(&project)?;
    let begun = Instant::now();
    let validated = program(sibling("gantry")?)
        .arg("validate")
        .arg(&project)
        .output()?;
    ensure!(validated.status.success(), "the project has mistakes");
    tell("", "validate", begun.elapsed());
    tables::create_database(&server, "bench_models")?;
    let (address, _) = server.rsplit_once('/').context("a URL of a database")?;
    let sqlite = format!("sqlite:{}", folder.join("models.db").display());
    for ending in ["", "-wal", "-shm"] {
        fs::remove_file(folder.join(format!("models.db{ending}"))).ok();
    }
    for (engine, url) in [
        ("postgresql", format!("{address}/bench_models")),
        ("sqlite", sqlite),
    ] {
        options.write(&project)?;
        measure(engine, options, &folder, &project, &url)?;
    }
    Ok(())
}

fn measure(
    engine: &str,
    options: &Options,
    folder: &Path,
    project: &Path,
    url: &str,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    let first = start(folder, project, url)?;
    tell(engine, "first start, tables made", begun.elapsed());
    drop(first);
    let mut starts = Vec::new();
    for _ in 0..options.saves {
        let begun = Instant::now();
        drop(start(folder, project, url)?);
        starts.push(begun.elapsed());
    }
    tell(engine, "start, nothing to do, median", median(&mut starts));
    let served = start(folder, project, url)?;
    println!("{engine:<11} RSS after the start {} MiB", served.rss()?);
    let mut connection = served.connect()?;
    for time in ["first", "second"] {
        let begun = Instant::now();
        let (status, body) = connection.get("/openapi.json")?;
        ensure!(status == 200, "/openapi.json: {status}");
        tell(
            engine,
            &format!("/openapi.json, {time}, {} KiB", body.len() / 1024),
            begun.elapsed(),
        );
    }
    println!("{engine:<11} RSS after OpenAPI {} MiB", served.rss()?);
    reads(engine, &mut connection)?;
    let mut reloads = Vec::new();
    for save in 0..options.saves {
        let more = format!("  extra_{save}: {{ type: text }}\n");
        let begun = Instant::now();
        fs::write(file(project, 0), options.model(0, &more))?;
        let path = format!("/api/v1/m0000?select=extra_{save}&limit=1");
        while connection.get(&path)?.0 != 200 {
            ensure!(begun.elapsed() < PATIENCE, "a save is not served");
            std::thread::sleep(Duration::from_millis(1));
        }
        reloads.push(begun.elapsed());
    }
    tell(engine, "reload of one file, median", median(&mut reloads));
    println!("{engine:<11} RSS after reloads {} MiB", served.rss()?);
    Ok(())
}

fn reads(engine: &str, connection: &mut Connection) -> anyhow::Result<()> {
    let body = connection.exchange("POST", "/api/v1/m0000", "{}")?.1;
    let made: serde_json::Value = serde_json::from_slice(&body)?;
    let path = format!("/api/v1/m0000/{}", made["id"].as_str().context("an id")?);
    let mut times = Vec::with_capacity(READS);
    for _ in 0..READS {
        let begun = Instant::now();
        ensure!(connection.get(&path)?.0 == 200, "a read failed");
        times.push(begun.elapsed());
    }
    tell(engine, "point read, median", median(&mut times));
    Ok(())
}

fn tell(engine: &str, what: &str, took: Duration) {
    let ms = took.as_secs_f64() * 1000.0;
    println!("{engine:<11} {what:<45} {ms:>10.2} ms");
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

struct Served {
    process: Process,
    port: u16,
}

/// Until its first answer.
fn start(folder: &Path, project: &Path, url: &str) -> anyhow::Result<Served> {
    let port = free_port()?;
    let mut command = program(sibling("gantry")?);
    command
        .arg("up")
        .arg(project)
        .args(["--watch", "--database-url", url])
        .arg(format!("--listen=127.0.0.1:{port}"))
        .arg(format!("--ops-listen=127.0.0.1:{}", free_port()?));
    let mut process = Process::spawn(command, folder, "models")?;
    let begun = Instant::now();
    loop {
        process.ensure_alive()?;
        let asked = Connection::open(port).and_then(|mut one| one.get("/api/v1/m0000?limit=1"));
        if asked.is_ok_and(|(status, _)| status == 200) {
            return Ok(Served { process, port });
        }
        ensure!(begun.elapsed() < PATIENCE, "gantry does not answer");
        std::thread::sleep(Duration::from_millis(1));
    }
}

impl Served {
    fn connect(&self) -> anyhow::Result<Connection> {
        Connection::open(self.port)
    }

    /// In MiB.
    fn rss(&self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|rest| rest.split_whitespace().next());
        Ok(kib.context("VmRSS")?.parse::<u64>()? / 1024)
    }
}

/// One connection that is kept.
struct Connection(BufReader<TcpStream>);

impl Connection {
    fn open(port: u16) -> anyhow::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    fn get(&mut self, path: &str) -> anyhow::Result<(u16, Vec<u8>)> {
        self.exchange("GET", path, "")
    }

    fn exchange(&mut self, method: &str, path: &str, body: &str) -> anyhow::Result<(u16, Vec<u8>)> {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        self.0.get_mut().write_all((head + body).as_bytes())?;
        let (mut status, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            ensure!(self.0.read_line(&mut line)? > 0, "the connection ended");
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if line.starts_with("http/1.1 ") {
                status = line[9..12].parse()?;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        Ok((status, body))
    }
}
