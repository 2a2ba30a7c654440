//! The built program over a project, with settings of its own.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

const MODEL: &str = "\
model: Film
fields:
  title: { type: text, required: true, unique: true }
options: { graph: true, cache: 30s }
";
const SEED: &str = "\
seed: film
file: films.jsonl
model: Film
fields:
  title: { from: title }
";

/// Generous: the machine may be many times slower than the one at hand.
const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) struct Dataflow {
    pub(crate) folder: TempDir,
    settings: Vec<(String, String)>,
    ops: SocketAddr,
    process: Option<Child>,
}

impl Dataflow {
    /// A project, not yet served.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("models/film.yaml", MODEL),
            ("data/film.seed.yaml", SEED),
            (
                "data/films.jsonl",
                "{\"title\": \"A\"}\n{\"title\": \"B\"}\n",
            ),
        ] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let project = folder.path().display().to_string();
        let ops = free();
        let mut dataflow = Self {
            folder,
            settings: Vec::new(),
            ops,
            process: None,
        };
        dataflow.set("PROJECT", &project);
        dataflow.set("LISTEN", "127.0.0.1:0");
        dataflow.set("OPS_LISTEN", &ops.to_string());
        dataflow
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        let name = format!("GANTRY_DATAFLOW_{name}");
        self.settings.push((name, value.to_owned()));
    }

    /// A setting that is the name of a file with this content.
    pub(crate) fn set_file(&mut self, name: &str, content: &str) {
        let path = self.folder.path().join(name.to_lowercase());
        fs::write(&path, content).unwrap();
        self.set(name, path.to_str().unwrap());
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the program itself is what is tested"
    )]
    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dataflow"));
        command.envs(self.settings.iter().cloned());
        command
    }

    pub(crate) fn start(&mut self) {
        let log = self.folder.path().join("log");
        let log = fs::File::options().create(true).append(true).open(log);
        let process = self.command().stderr(log.unwrap()).spawn().unwrap();
        self.process = Some(process);
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Another process of the program, to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command()
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Status and body of the ops port; nothing where nobody answers.
    pub(crate) fn ask(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(self.ops).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: test\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        Some((head.get(9..12)?.parse().ok()?, body.to_owned()))
    }

    pub(crate) fn until(&self, path: &str, status: u16) -> String {
        let begun = Instant::now();
        loop {
            match self.ask(path) {
                Some((told, body)) if told == status => return body,
                told => assert!(
                    begun.elapsed() < PATIENCE,
                    "{path}: {told:?}, never {status}\n{}",
                    self.log()
                ),
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// What `/health` says of a dependency.
    pub(crate) fn dependency(&self, name: &str) -> Value {
        let (_, body) = self.ask("/health").unwrap();
        let health: Value = serde_json::from_str(&body).unwrap();
        let all = health["dependencies"].as_array().unwrap();
        let found = all.iter().find(|one| one["name"] == name);
        found.unwrap_or_else(|| panic!("{body}")).clone()
    }
}

impl Drop for Dataflow {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().ok();
            process.wait().ok();
        }
    }
}

pub(crate) fn free() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Where a project keeps its database when nothing else is said.
pub(crate) fn own_database(project: &Path) -> bool {
    project.join(".gantry/data.db").exists()
}
