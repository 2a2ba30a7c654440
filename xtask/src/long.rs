//! End-to-end tests that CI runs in a short form, run as long as one wishes.

use std::process::Command;
use std::time::UNIX_EPOCH;

use anyhow::{Context, bail};

use crate::install;
use crate::program::{self, cargo};

/// `schemathesis [--cases N] [--seconds S] [--seed N]`: for each caller over each engine, at least N requests within S
/// seconds; others each time, where no seed is given.
pub(crate) fn schemathesis(options: &[&str]) -> anyhow::Result<()> {
    install::postgres()?;
    install::schemathesis()?;
    let settings = [
        ("--cases", "GANTRY_SCHEMATHESIS_CASES"),
        ("--seconds", "GANTRY_SCHEMATHESIS_SECONDS"),
        ("--seed", "GANTRY_SCHEMATHESIS_SEED"),
    ];
    let seed = UNIX_EPOCH.elapsed()?.as_millis().to_string();
    // The last of two counts.
    let options = [&["--seed", &seed], options].concat();
    run("schemathesis", &settings, &options)
}

/// `kill [--times N]`: so many kills over each engine.
pub(crate) fn kill(options: &[&str]) -> anyhow::Result<()> {
    install::postgres()?;
    run("kill", &[("--times", "GANTRY_KILLS")], options)
}

/// `kill-runs [--times N] [--runs N]`: so many kills of so many runs of workflows over each engine.
pub(crate) fn kill_runs(options: &[&str]) -> anyhow::Result<()> {
    install::postgres()?;
    let settings = [("--times", "GANTRY_KILLS"), ("--runs", "GANTRY_RUNS")];
    run("runs", &settings, options)
}

/// `settings` are options and the variables by which the tests are told.
fn run(test: &str, settings: &[(&str, &str)], options: &[&str]) -> anyhow::Result<()> {
    program::run(&mut cargo(&["build", "-p", "gantry", "--locked"]))?;
    let filter = format!("{test}::");
    let mut command = cargo(&[
        "test", "-p", "e2e", "--test", "it", "--locked", "--", &filter,
    ]);
    command.args(["--nocapture", "--test-threads=1"]);
    pass(&mut command, settings, options)?;
    program::run(&mut command)
}

/// Tells the tests what the options ask for, in variables.
pub(crate) fn pass(
    command: &mut Command,
    settings: &[(&str, &str)],
    options: &[&str],
) -> anyhow::Result<()> {
    let mut options = options.iter();
    while let Some(option) = options.next() {
        let Some((_, variable)) = settings.iter().find(|(name, _)| name == option) else {
            let names: Vec<_> = settings.iter().map(|(name, _)| *name).collect();
            bail!("`{option}` is no option; there are {}", names.join(", "));
        };
        let number = options
            .next()
            .with_context(|| format!("`{option}` takes a number"))?;
        number
            .parse::<u64>()
            .with_context(|| format!("`{option}` takes a number"))?;
        command.env(variable, number);
    }
    Ok(())
}
