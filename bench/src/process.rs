//! Programs that the benchmark starts: where they are, what they cost, and that they end.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};

/// What `/proc` counts processor time in: a hundredth of a second on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// Ended when it is dropped.
pub(crate) struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Process {
    /// What it says goes to `<name>.log` in the folder.
    pub(crate) fn spawn(mut command: Command, folder: &Path, name: &str) -> anyhow::Result<Self> {
        let log = File::create(folder.join(format!("{name}.log")))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        Ok(Self(child))
    }

    /// With the first line that it says. It lives as long as its input is open.
    pub(crate) fn told(mut command: Command) -> anyhow::Result<(Self, String)> {
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut process = Self(child);
        let output = process.0.stdout.take().context("its output is a pipe")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        Ok((process, line))
    }

    pub(crate) fn ensure_alive(&mut self) -> anyhow::Result<()> {
        let ended = self.0.try_wait()?;
        ensure!(
            ended.is_none(),
            "a contender ended with {ended:?}; its log is in target/bench"
        );
        Ok(())
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

/// The processor time that a process has used, with all of its threads.
pub(crate) fn processor_time(id: u32) -> anyhow::Result<Duration> {
    let ticks: u32 = stat(id)?[11..13].iter().sum();
    Ok(TICK * ticks)
}

/// The processor time of the PostgreSQL server: of the process that started this one of its backends, of all that it
/// started, and of those that have ended.
pub(crate) fn processor_time_of_server(backend: u32) -> anyhow::Result<Duration> {
    let server = stat(backend)?[1];
    let own = || anyhow::Ok(stat(server)?[11..15].iter().sum::<u32>());
    let mut before = own()?;
    loop {
        let ticks = before + ticks_of_children(server)?;
        let after = own()?;
        // One that ended between the two is in neither sum, or in both.
        if before == after {
            return Ok(TICK * ticks);
        }
        before = after;
    }
}

fn ticks_of_children(parent: u32) -> anyhow::Result<u32> {
    let mut ticks = 0;
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // One that has ended since the folder was read has no file.
        if let Ok(stat) = stat(id)
            && stat[1] == parent
        {
            ticks += stat[11..13].iter().sum::<u32>();
        }
    }
    Ok(ticks)
}

/// The fields of `/proc/<id>/stat` behind the name, of which 1 is the parent, 11 and 12 are the time in the program and
/// in the kernel, 13 and 14 the same of children that have ended. Those that are no small numbers are 0.
fn stat(id: u32) -> anyhow::Result<Vec<u32>> {
    let text = fs::read_to_string(format!("/proc/{id}/stat"))?;
    let (_, fields) = text.rsplit_once(") ").context("a process has a name")?;
    let fields: Vec<u32> = fields
        .split(' ')
        .map(|field| field.parse().unwrap_or(0))
        .collect();
    ensure!(fields.len() > 14, "/proc/{id}/stat is short");
    Ok(fields)
}

/// Bytes of memory: `VmRSS` is what the process has, `VmHWM` the most that it had.
pub(crate) fn memory(id: u32, field: &str) -> anyhow::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let kilobytes = line
        .and_then(|line| line.trim_matches(':').trim().strip_suffix(" kB"))
        .with_context(|| format!("/proc/{id}/status has no {field}"))?;
    Ok(kilobytes.trim().parse::<u64>()? * 1024)
}

/// `VmHWM` starts again from what the process has now.
pub(crate) fn forget_peak(id: u32) -> anyhow::Result<()> {
    fs::write(format!("/proc/{id}/clear_refs"), "5").context("forgetting a peak of memory")
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
pub(crate) fn program(name: impl AsRef<OsStr>) -> Command {
    Command::new(name)
}

/// Built into the same folder as this program.
pub(crate) fn sibling(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    ensure!(path.exists(), "{} is not built", path.display());
    Ok(path)
}

/// A program of PostgreSQL's, of the newest version where Debian has several.
pub(crate) fn of_postgres(name: &str) -> PathBuf {
    let mut paths: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin").join(name))
        .filter(|path| path.exists())
        .collect();
    paths.sort();
    paths.pop().unwrap_or_else(|| name.into())
}

pub(crate) fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}
