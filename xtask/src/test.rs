//! `cargo xtask test`: the one command that a fresh machine, a person and CI run.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::program::{self, cargo, program, root, succeeds};
use crate::steps::Steps;
use crate::{conformance, containers, install, snapshots, tidy};

pub(crate) fn run() -> anyhow::Result<()> {
    let mut steps = Steps::default();
    let tally = all(&mut steps);
    steps.print();
    println!("{}", tally.summary());
    steps.verdict()
}

/// Every step, the tests last. The caller prints the table and the tally.
pub(crate) fn all(steps: &mut Steps) -> Tally {
    steps.run("install", || {
        install::postgres()?;
        install::redis()?;
        install::openapi_validator()?;
        install::schemathesis()?;
        install::conformance()?;
        containers::install()
    });
    steps.run("format", || {
        program::run(&mut cargo(&["fmt", "--all", "--check"]))
    });
    steps.run("tidy", || tidy::run(false));
    steps.run("lint", || {
        let arguments = [
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--quiet",
        ];
        program::run(cargo(&arguments).args(["--", "-D", "warnings"]))?;
        let stack = ["clippy", "--workspace", "--test", "stack", "--locked"];
        program::run(cargo(&stack).args(["--quiet", "--", "-D", "warnings"]))
    });
    steps.run("compile", || {
        let tests = ["test", "--workspace", "--locked", "--no-run", "--quiet"];
        program::run(&mut cargo(&tests))?;
        program::run(cargo(&tests).args(["--test", "stack"]))?;
        // The end-to-end tests start it; tests of other packages do not make cargo build it.
        program::run(&mut cargo(&[
            "build",
            "--workspace",
            "--bins",
            "--locked",
            "--quiet",
        ]))
    });
    let mut tally = Tally::default();
    steps.run("test", || {
        let done = tests(&mut tally);
        stop_test_server();
        done
    });
    steps.run("conformance", conformance::suite);
    steps.run("images", containers::build);
    steps.run("stack", || listen(&mut containers::tests()?, &mut tally));
    steps.run("clear", containers::clear);
    tally
}

/// The tests of the images and both stacks alone. The stacks stay, for whoever works on them.
pub(crate) fn stack() -> anyhow::Result<()> {
    containers::install()?;
    program::run(&mut cargo(&["build", "-p", "gantry", "--locked"]))?;
    listen(&mut containers::tests()?, &mut Tally::default())
}

fn tests(tally: &mut Tally) -> anyhow::Result<()> {
    let mut command = cargo(&["test", "--workspace", "--locked", "--no-fail-fast"]);
    let references = snapshots::references()?;
    // A snapshot that differs fails; it is accepted by a person.
    command
        .env("INSTA_UPDATE", "no")
        .env("INSTA_SNAPSHOT_REFERENCES_FILE", &references);
    listen(&mut command, tally)?;
    snapshots::check(&references)
}

/// Runs tests, shows what they say, and counts it.
fn listen(command: &mut Command, tally: &mut Tally) -> anyhow::Result<()> {
    let begun = Instant::now();
    let before = tally.passed;
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("starting cargo test")?;
    let output = child.stdout.take().context("its output is a pipe")?;
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(&line)?;
        stdout.write_all(b"\n")?;
        tally.add(&String::from_utf8_lossy(&line));
    }
    let status = child.wait()?;
    tally.took += begun.elapsed();
    tally.broken |= !status.success();
    anyhow::ensure!(status.success(), "cargo test ended with {status}");
    anyhow::ensure!(tally.ignored == 0, "{} tests were ignored", tally.ignored);
    anyhow::ensure!(tally.passed > before, "no test ran");
    Ok(())
}

/// The sum of what every test binary reports.
#[derive(Default)]
pub(crate) struct Tally {
    broken: bool,
    passed: u32,
    failed: u32,
    ignored: u32,
    measured: u32,
    filtered: u32,
    took: Duration,
}

impl Tally {
    fn add(&mut self, line: &str) {
        let Some((_, counts)) = line
            .strip_prefix("test result: ")
            .and_then(|result| result.split_once(". "))
        else {
            return;
        };
        for part in counts.split(';') {
            let mut words = part.trim().splitn(2, ' ');
            let (Some(Ok(count)), Some(what)) = (words.next().map(str::parse::<u32>), words.next())
            else {
                continue;
            };
            match what {
                "passed" => self.passed += count,
                "failed" => self.failed += count,
                "ignored" => self.ignored += count,
                "measured" => self.measured += count,
                "filtered out" => self.filtered += count,
                _ => {}
            }
        }
    }

    /// In the test runner's own words, over all binaries.
    pub(crate) fn summary(&self) -> String {
        format!(
            "\ntest result: {}. {} passed; {} failed; {} ignored; {} measured; {} filtered out; finished in {:.2}s",
            if self.broken || self.failed > 0 || self.passed == 0 {
                "FAILED"
            } else {
                "ok"
            },
            self.passed,
            self.failed,
            self.ignored,
            self.measured,
            self.filtered,
            self.took.as_secs_f64()
        )
    }
}

/// The tests' server ends by itself some seconds after its last user; here it is known that there will be no other.
fn stop_test_server() {
    let Ok(keeper) = fs::read_to_string(root().join("target/testkit/keeper.pid")) else {
        return;
    };
    let process = Path::new("/proc").join(keeper.trim());
    // The number may be another program's by now.
    let is_keeper = || {
        fs::read(process.join("cmdline"))
            .is_ok_and(|line| line.split(|byte| *byte == 0).any(|word| word == b"keeper"))
    };
    if !is_keeper() || !succeeds(program("kill").args(["-TERM", keeper.trim()])) {
        return;
    }
    let begun = Instant::now();
    while is_keeper() && begun.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_several_binaries_add_up() {
        let mut tally = Tally::default();
        for line in [
            "running 2 tests",
            "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 1 filtered out; finished in 0.59s",
            "test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.59s",
        ] {
            tally.add(line);
        }
        assert_eq!(
            tally.summary().trim(),
            "test result: FAILED. 5 passed; 1 failed; 0 ignored; 0 measured; 1 filtered out; finished in 0.00s"
        );
    }
}
