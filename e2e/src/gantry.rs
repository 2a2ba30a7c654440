//! A running `gantry up`, killed when it is dropped.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::http::request;

/// Generous: the machine may be eight times slower than the one at hand.
const START_LIMIT: Duration = Duration::from_mins(2);
const STOP_LIMIT: Duration = Duration::from_mins(1);

pub struct Gantry {
    pub port: u16,
    pub ops_port: u16,
    process: Child,
    log: PathBuf,
}

impl Gantry {
    /// Starts it on free ports of loopback with `--open` and waits until it is ready. Its log is `gantry.log` beside
    /// the project's folder.
    pub fn up(project: &Path, arguments: &[&str]) -> anyhow::Result<Self> {
        Self::start(project, &[&["--open"], arguments].concat())
    }

    /// The same where nobody may do anything without a key, and the first key.
    pub fn guarded(project: &Path, arguments: &[&str]) -> anyhow::Result<(Self, String)> {
        let gantry = Self::start(project, &[&["--output=json"], arguments].concat())?;
        // What is printed comes a moment after it is ready.
        let begun = Instant::now();
        let told = loop {
            let log = gantry.log();
            let line = log.lines().find(|line| line.starts_with("{\"project\""));
            if let Some(told) = line.and_then(|line| serde_json::from_str::<Value>(line).ok()) {
                break told;
            }
            ensure!(
                begun.elapsed() < START_LIMIT,
                "it does not say what it serves:\n{log}"
            );
            thread::sleep(Duration::from_millis(20));
        };
        let key = told["key"].as_str().context("the first key")?.to_owned();
        Ok((gantry, key))
    }

    fn start(project: &Path, arguments: &[&str]) -> anyhow::Result<Self> {
        let (port, ops_port) = (free_port()?, free_port()?);
        let log = project.with_extension("log");
        let output = File::options().create(true).append(true).open(&log)?;
        let process = command(binary()?)
            .arg("up")
            .arg(project)
            .arg(format!("--listen=127.0.0.1:{port}"))
            .arg(format!("--ops-listen=127.0.0.1:{ops_port}"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()?;
        let mut gantry = Self {
            port,
            ops_port,
            process,
            log,
        };
        gantry.wait_until_ready()?;
        Ok(gantry)
    }

    fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < START_LIMIT {
            if let Some(status) = self.process.try_wait()? {
                bail!("gantry up ended with {status}:\n{}", self.log());
            }
            let ready = request(self.ops_port, "GET", "/readyz", &[], None);
            if ready.is_ok_and(|answer| answer.status == 200) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(20));
        }
        bail!(
            "gantry up was not ready within {START_LIMIT:?}:\n{}",
            self.log()
        )
    }

    /// What it has told so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The most memory that it has held so far, in KiB, as Linux tells.
    pub fn peak_kib(&self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
        Ok(number.context("a line VmHWM")?.trim().parse()?)
    }

    /// SIGKILL: it has no chance to finish anything.
    pub fn kill(mut self) -> anyhow::Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// SIGTERM, and how it ended.
    pub fn terminate(mut self) -> anyhow::Result<ExitStatus> {
        let id = self.process.id().to_string();
        ensure!(
            command("kill").args(["-TERM", &id]).status()?.success(),
            "kill failed"
        );
        let begun = Instant::now();
        while begun.elapsed() < STOP_LIMIT {
            if let Some(status) = self.process.try_wait()? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(20));
        }
        bail!(
            "gantry up did not end within {STOP_LIMIT:?}:\n{}",
            self.log()
        )
    }
}

impl Drop for Gantry {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Beside this test's own folder: `target/debug/gantry` for `target/debug/deps/it-…`.
pub fn binary() -> anyhow::Result<PathBuf> {
    let this = std::env::current_exe()?;
    let folder = this
        .ancestors()
        .nth(2)
        .context("a test binary lies in target/…/deps")?;
    let binary = folder.join("gantry");
    ensure!(
        binary.exists(),
        "{} is not built: `cargo build -p gantry` (`cargo xtask test` does it)",
        binary.display()
    );
    Ok(binary)
}

pub(crate) fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the process under test is a program"
)]
fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    Command::new(program)
}
