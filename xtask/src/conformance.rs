//! `cargo xtask conformance`: the conformance suite of MCP, both revisions, over HTTP against the production router.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::install;
use crate::program::{self, cargo, program, root};

/// A revision of the protocol, and how many scenarios the suite scores for it.
const REVISIONS: [(&str, usize); 2] = [("2025-11-25", 30), ("2026-07-28", 37)];
/// Run by the suite and not scored, as an extension: tasks.
const TASKS: &str = "tasks-";
/// Run by the suite and not scored: its own server does not pass them, or they are newer than the revision. They are held
/// to pass here all the same.
const BESIDES: [&str; 5] = [
    "server-session-lifecycle",
    "server-sse-polling",
    "json-schema-2020-12",
    "http-header-validation",
    "http-custom-header-server-validation",
];
/// Whatever a server does, the suite passes this one over until it listens where the revision tells of tasks.
const PASSED_OVER: &str = "tasks-status-notifications";
/// Seconds for one revision, which takes some five on a quiet machine.
const AT_MOST: &str = "240";

pub(crate) fn run() -> anyhow::Result<()> {
    program::run(&mut cargo(&["build", "-p", "conformance", "--locked"]))?;
    suite()
}

/// The server is built by now.
pub(crate) fn suite() -> anyhow::Result<()> {
    let (node, suite) = install::conformance()?;
    let server = Server::start()?;
    let mut failed = Vec::new();
    for (revision, scored) in REVISIONS {
        let results = root().join("target/testkit/conformance").join(revision);
        if results.exists() {
            fs::remove_dir_all(&results)?;
        }
        let begun = Instant::now();
        let scenarios = play(&node, &suite, &server.address, revision, &results)?;
        println!("\n{revision}, {:.1} s", begun.elapsed().as_secs_f64());
        let mut passed = 0;
        for scenario in &scenarios {
            scenario.print();
            let name = &scenario.name;
            if !scenario.wrong.is_empty() && name != PASSED_OVER {
                failed.push(format!("{revision} {name}"));
            }
            let counts = !BESIDES.contains(&name.as_str()) && !name.starts_with(TASKS);
            passed += usize::from(counts && scenario.wrong.is_empty());
        }
        println!("{passed}/{scored} scored scenarios passed");
        if passed != scored {
            failed.push(format!("{revision}: {passed} of {scored} scored"));
        }
    }
    ensure!(failed.is_empty(), "{}", failed.join(", "));
    Ok(())
}

struct Scenario {
    name: String,
    took: Duration,
    checks: usize,
    /// Failures and warnings, as the suite tells them.
    wrong: Vec<String>,
}

impl Scenario {
    fn print(&self) {
        let how = match self.wrong.is_empty() {
            true => "passed",
            false if self.name == PASSED_OVER => "passed over",
            false => "FAILED",
        };
        let took = self.took.as_secs_f64();
        println!(
            "{:<46} {:>3} checks {took:>5.1} s  {how}",
            self.name, self.checks
        );
        if how == "FAILED" {
            for wrong in &self.wrong {
                println!("    {wrong}");
            }
        }
    }
}

/// Runs one revision's scenarios, in the suite's order.
fn play(
    node: &Path,
    suite: &Path,
    address: &str,
    revision: &str,
    results: &Path,
) -> anyhow::Result<Vec<Scenario>> {
    let mut child = program("timeout")
        .arg(AT_MOST)
        .arg(node)
        .arg(suite)
        .args(["server", "--url", address, "--requirements", revision, "-o"])
        .arg(results)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting the suite")?;
    let output = child.stdout.take().context("its output is a pipe")?;
    let mut begun = Vec::new();
    for line in BufReader::new(output).lines() {
        let line = line?;
        let name = line.strip_prefix("=== Running scenario: ");
        if let Some(name) = name.and_then(|rest| rest.strip_suffix(" ===")) {
            begun.push((name.to_owned(), Instant::now()));
        }
    }
    // It ends with 1 where a scored scenario failed, of which the table tells more.
    let status = child.wait()?;
    ensure!(
        matches!(status.code(), Some(0 | 1)),
        "the suite ended with {status}"
    );
    let ended = Instant::now();
    let ends = begun.iter().skip(1).map(|(_, begun)| *begun).chain([ended]);
    let times: Vec<Duration> = begun
        .iter()
        .zip(ends)
        .map(|((_, from), to)| to - *from)
        .collect();
    let names = begun.into_iter().map(|(name, _)| name);
    names
        .zip(times)
        .map(|(name, took)| judge(results, name, took))
        .collect()
}

/// What the suite wrote down: `server-{name}-{time}/checks.json`.
fn judge(results: &Path, name: String, took: Duration) -> anyhow::Result<Scenario> {
    let of_scenario = |folder: &PathBuf| {
        let folder = folder.file_name().unwrap_or_default().to_string_lossy();
        let time = folder.strip_prefix(&format!("server-{name}-"));
        time.is_some_and(|time| time.starts_with(|digit: char| digit.is_ascii_digit()))
    };
    let folders = fs::read_dir(results)?.map(|entry| Ok(entry?.path()));
    let folders: Vec<PathBuf> = folders.collect::<anyhow::Result<_>>()?;
    let folder = folders.iter().find(|folder| of_scenario(folder));
    let folder = folder.with_context(|| format!("the suite wrote nothing of {name}"))?;
    let checks: Vec<Value> = serde_json::from_slice(&fs::read(folder.join("checks.json"))?)?;
    let is_wrong = |check: &&Value| !matches!(check["status"].as_str(), Some("SUCCESS" | "INFO"));
    let tell = |check: &Value| {
        let text = |member: &str| check[member].as_str().unwrap_or_default().to_owned();
        format!(
            "{} {}: {}",
            text("status"),
            text("id"),
            text("errorMessage")
        )
    };
    Ok(Scenario {
        wrong: checks.iter().filter(is_wrong).map(tell).collect(),
        checks: checks.len(),
        name,
        took,
    })
}

/// The fixtures' server. It ends with its standard input, so it never outlives this process.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start() -> anyhow::Result<Self> {
        let mut child = program(root().join("target/debug/conformance"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the fixtures' server")?;
        let output = child.stdout.take().context("its output is a pipe")?;
        let mut address = String::new();
        BufReader::new(output).read_line(&mut address)?;
        let server = Self {
            child,
            address: address.trim().to_owned(),
        };
        ensure!(
            !server.address.is_empty(),
            "the fixtures' server did not start"
        );
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().ok();
    }
}
