//! The stack in containers: an engine where none answers, the images, the tests of both, and all of it taken away again.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::program::{cargo, program, root, run};
use crate::{install, long};

/// The images that the tests are about; what a person built under another tag is left alone.
const TAG: &str = "test";
/// Compose projects that the tests start.
const STACKS: [&str; 3] = ["gantry-test-prod", "gantry-test-dev", "gantry-test-second"];

/// An engine, base images, and every image of ours.
pub(crate) fn build() -> anyhow::Result<()> {
    begin()?;
    let mut bake = bake()?;
    bake.args(["services", "stores", "workshops"])
        .env("VERSION", TAG);
    if let Some((revision, time)) = commit() {
        bake.env("REVISION", revision)
            .env("SOURCE_DATE_EPOCH", time);
    }
    baked(bake)
}

fn begin() -> anyhow::Result<()> {
    run(program("docker/engine.sh").arg("start"))?;
    run(&mut with_engine(program("docker/bases.sh"))?)
}

/// Without what is to be built.
fn bake() -> anyhow::Result<Command> {
    let mut bake = with_engine(program("docker"))?;
    bake.args(["buildx", "bake", "--file", "docker/docker-bake.hcl"])
        .args(["--progress", "plain"])
        // The bundle is the one file outside the context that the build may read.
        .env("BUILDX_BAKE_ENTITLEMENTS_FS", "0");
    if let Some(bundle) = certificates() {
        bake.env("CA", bundle);
    }
    Ok(bake)
}

/// Its progress is long, and of interest only where it fails.
fn baked(mut bake: Command) -> anyhow::Result<()> {
    let output = bake
        .stderr(Stdio::piped())
        .output()
        .context("starting docker buildx bake")?;
    if output.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(&output.stderr);
    let tail: Vec<&str> = told.lines().rev().take(60).collect();
    for line in tail.iter().rev() {
        eprintln!("{line}");
    }
    bail!("the images cannot be built: {}", output.status)
}

/// What the tests need beside the images.
pub(crate) fn install() -> anyhow::Result<()> {
    install::hadolint()?;
    install::clients()?;
    install::conformance().map(drop)
}

/// The command that runs the tests of the stack; they share it, so one after the other.
pub(crate) fn tests() -> anyhow::Result<Command> {
    let mut command = with_engine(cargo(&[
        "test",
        "--workspace",
        "--test",
        "stack",
        "--locked",
        "--",
    ]))?;
    command.args(["--test-threads=1", "--nocapture"]);
    Ok(command)
}

/// Takes away what the tests started, and ends the engine where it is ours.
pub(crate) fn clear() -> anyhow::Result<()> {
    for stack in STACKS {
        let label = format!("label=com.docker.compose.project={stack}");
        remove(
            &["ps", "--all", "--quiet", "--filter", &label],
            &["rm", "--force", "--volumes"],
        )?;
        remove(
            &["network", "ls", "--quiet", "--filter", &label],
            &["network", "rm"],
        )?;
        remove(
            &["volume", "ls", "--quiet", "--filter", &label],
            &["volume", "rm"],
        )?;
    }
    let stacks = root().join("target/stacks");
    if stacks.exists() {
        std::fs::remove_dir_all(&stacks)
            .with_context(|| format!("removing {}", stacks.display()))?;
    }
    run(program("docker/engine.sh").arg("stop"))
}

fn remove(list: &[&str], with: &[&str]) -> anyhow::Result<()> {
    let listed = with_engine(program("docker"))?.args(list).output()?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let found: Vec<&str> = listed.lines().collect();
    if found.is_empty() {
        return Ok(());
    }
    run(with_engine(program("docker"))?
        .args(with)
        .args(found)
        .stdout(Stdio::null()))
}

/// `availability [--requests N] [--rate N] [--seconds N]`: replicas replaced, containers restarted, under load.
pub(crate) fn availability(options: &[&str]) -> anyhow::Result<()> {
    build()?;
    run(&mut cargo(&["build", "-p", "gantry", "--locked"]))?;
    let settings = [
        ("--requests", "GANTRY_TEST_REQUESTS"),
        ("--rate", "GANTRY_TEST_RATE"),
        ("--seconds", "GANTRY_TEST_SECONDS"),
    ];
    let mut command = tests()?;
    command.arg("availability::");
    long::pass(&mut command, &settings, options)?;
    run(&mut command)
}

/// `agents [--calls N]`: what agents do through the edge, and so many calls while replicas are replaced and under load.
pub(crate) fn agents(options: &[&str]) -> anyhow::Result<()> {
    build()?;
    install()?;
    run(&mut cargo(&["build", "-p", "gantry", "--locked"]))?;
    let mut command = tests()?;
    command.arg("agents::");
    long::pass(&mut command, &[("--calls", "GANTRY_TEST_CALLS")], options)?;
    run(&mut command)
}

/// `reproducible`: the service images, all built from nothing twice, have the same digests.
pub(crate) fn reproducible() -> anyhow::Result<()> {
    begin()?;
    let (first, second) = (digests_from_nothing()?, digests_from_nothing()?);
    for (image, digest) in &first {
        let again = second.get(image).map_or("none", String::as_str);
        println!("{image}: {digest} and {again}");
    }
    anyhow::ensure!(first == second, "an image differs from itself");
    Ok(())
}

fn digests_from_nothing() -> anyhow::Result<BTreeMap<String, String>> {
    let told = root().join("target/digests.json");
    let mut bake = bake()?;
    bake.args(["--no-cache", "--metadata-file"])
        .arg(&told)
        // Not in the cache of other builds.
        .args(["--set", "*.args.CARGO_TARGET_DIR=/tmp/target", "services"])
        .env("VERSION", "reproducible");
    baked(bake)?;
    let told: Value = serde_json::from_slice(&std::fs::read(&told)?)?;
    let images = told.as_object().context("the builder tells of no image")?;
    let digests = images.iter().filter_map(|(image, told)| {
        let digest = told["containerimage.config.digest"].as_str()?;
        Some((image.clone(), digest.to_owned()))
    });
    let digests: BTreeMap<_, _> = digests.collect();
    anyhow::ensure!(digests.len() == 4, "not all digests are told: {told}");
    Ok(digests)
}

/// `first-starts [--times N]`: PostgreSQL's probe, asked twenty times a second, is never green too early.
pub(crate) fn first_starts(options: &[&str]) -> anyhow::Result<()> {
    build()?;
    let mut command = tests()?;
    command.arg("postgres_is_never_green");
    long::pass(&mut command, &[("--times", "GANTRY_TEST_STARTS")], options)?;
    run(&mut command)
}

/// With the PATH on which the engine's client and plugins are found.
fn with_engine(mut command: Command) -> anyhow::Result<Command> {
    let told = program("docker/engine.sh").arg("env").output()?;
    let told = String::from_utf8(told.stdout)?;
    let path = told.trim().strip_prefix("PATH=");
    command.env("PATH", path.context("docker/engine.sh env tells a PATH")?);
    Ok(command)
}

/// Its short name and its time, where this is a clone.
fn commit() -> Option<(String, String)> {
    let told = program("git")
        .args(["log", "-1", "--format=%h %ct"])
        .output();
    let told = String::from_utf8(told.ok()?.stdout).ok()?;
    let (name, time) = told.trim().split_once(' ')?;
    Some((name.to_owned(), time.to_owned()))
}

/// The bundle that this machine's programs trust, for builds behind a proxy that inspects https.
fn certificates() -> Option<OsString> {
    let told = std::env::var_os("SSL_CERT_FILE");
    let usual = OsString::from("/etc/ssl/certs/ca-certificates.crt");
    told.into_iter()
        .chain([usual])
        .find(|path| Path::new(path).exists())
}
