//! What a figure depends on beside the code: the machine, the database's version, how the programs were built.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::{Value, json};

use crate::process::program;
use crate::tables;

/// Two runs are comparable where all of these are the same.
pub(crate) fn facts(server: &str) -> anyhow::Result<Value> {
    let line = |file: &str, name: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name));
        let value = line.and_then(|line| line.split_once(':'));
        value.map_or("", |(_, value)| value.trim()).to_owned()
    };
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    Ok(json!({
        "processor": line("/proc/cpuinfo", "model name"),
        "cores": std::thread::available_parallelism()?.get(),
        "memory": line("/proc/meminfo", "MemTotal"),
        "kernel": kernel.trim(),
        "postgresql": tables::version(server)?,
        "profile": profile()?,
    }))
}

/// Cargo's name for how this program and its siblings were built.
pub(crate) fn profile() -> anyhow::Result<String> {
    let program = std::env::current_exe()?;
    let folder = program.parent().and_then(Path::file_name);
    Ok(folder
        .context("a program lies in a folder")?
        .display()
        .to_string())
}

/// The commit that was checked out, with a `+` where files differed from it. Empty outside a checkout.
pub(crate) fn commit() -> String {
    let said = |arguments: &[&str]| {
        let output = program("git")
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(arguments)
            .output();
        let text = output.map(|output| output.stdout).unwrap_or_default();
        String::from_utf8_lossy(&text).trim().to_owned()
    };
    let commit = said(&["rev-parse", "--short=12", "HEAD"]);
    let code = ["status", "--porcelain", "--", ":/*.rs", ":/*.toml"];
    let changed = if said(&code).is_empty() { "" } else { "+" };
    format!("{commit}{changed}")
}

/// Waits for half a second of which others took little; not for ever.
pub(crate) fn wait_for_quiet(until: Instant) -> anyhow::Result<()> {
    while Instant::now() < until && !is_quiet()? {}
    Ok(())
}

/// Whether most of the processors' time is nobody's for half a second.
pub(crate) fn is_quiet() -> anyhow::Result<bool> {
    let before = ticks()?;
    std::thread::sleep(Duration::from_millis(500));
    let after = ticks()?;
    let [all, idle] = [after.0 - before.0, after.1 - before.1];
    Ok(idle * 100 >= all * 85)
}

/// All that the processors have counted, and what of it was spent on nothing.
fn ticks() -> anyhow::Result<(u64, u64)> {
    let text = fs::read_to_string("/proc/stat")?;
    let line = text.lines().next().unwrap_or_default();
    let fields: Vec<u64> = line
        .split_whitespace()
        .skip(1)
        .take(8)
        .map(|field| field.parse().unwrap_or(0))
        .collect();
    let idle = fields.get(3..5).context("/proc/stat tells of idling")?;
    Ok((fields.iter().sum(), idle.iter().sum()))
}

/// What differs between two runs' machines, a line each.
pub(crate) fn differences(now: &Value, then: &Value) -> Vec<String> {
    let names = now.as_object().into_iter().flatten();
    names
        .filter(|(name, value)| then[name.as_str()] != **value)
        .map(|(name, value)| format!("{name}: {value} now, {} then", then[name.as_str()]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_told() {
        let check = |now: Value, then: Value, expected: &[&str]| {
            assert_eq!(differences(&now, &then), expected);
        };
        check(json!({"cores": 2}), json!({"cores": 2}), &[]);
        check(
            json!({"cores": 2, "profile": "release"}),
            json!({"cores": 4, "profile": "quick"}),
            &[
                "cores: 2 now, 4 then",
                "profile: \"release\" now, \"quick\" then",
            ],
        );
        check(json!({"cores": 2}), json!({}), &["cores: 2 now, null then"]);
    }
}
