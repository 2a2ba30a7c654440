//! `bench containers`: the same program natively, with the host's network, behind a bridge, from another container, and
//! published; in one interleaved run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::options::Options;
use crate::place::Place;
use crate::process::{Process, free_port, load_generator, program};
use crate::results::{Results, Run};

/// What `cargo xtask images` builds.
const IMAGE: &str = "gantry/api:test";
/// Where the generator of load runs, where it runs in a container.
const CLIENT_IMAGE: &str = "debian:trixie-slim";
const NAME: &str = "gantry-bench";
const LABEL: &str = "gantry.test=bench";
/// Answered from memory, so that what is compared is the way there and back.
const PATH: &str = "/docs/problems/unavailable";

pub(crate) const NATIVE: &str = "native";
pub(crate) const HOST: &str = "host network";
pub(crate) const BRIDGE: &str = "bridge";
pub(crate) const BETWEEN: &str = "between containers";
pub(crate) const PUBLISHED: &str = "published port";

pub(crate) fn run(options: &Options, place: &Place) -> anyhow::Result<Results> {
    let started = Started::begin(&place.folder)?;
    let mut run = Run::begin("containers", options, &place.server)?;
    for round in 0..options.rounds {
        for clients in &options.concurrency {
            for way in [NATIVE, HOST, BRIDGE, BETWEEN, PUBLISHED] {
                let figures = started.load(way, *clients, options.seconds)?;
                run.take(round + 1, &format!("c={clients}"), *clients, way, &figures);
            }
        }
    }
    Ok(run.end())
}

/// Where each way leads. Its containers are taken away when it is dropped.
struct Started {
    _native: Process,
    native: u16,
    host: u16,
    published: u16,
    /// The container's own address.
    bridge: String,
}

impl Drop for Started {
    fn drop(&mut self) {
        clear().ok();
    }
}

impl Started {
    fn begin(folder: &Path) -> anyhow::Result<Self> {
        clear()?;
        let (native, host, published) = (free_port()?, free_port()?, free_port()?);
        let mut command = program(binary_of(IMAGE, folder)?);
        command.envs(listening(native)?);
        let process = Process::spawn(command, folder, "containers-native")?;
        docker(&["network", "create", "--label", LABEL, NAME])?;
        let mut on_host = vec!["--network=host".to_owned()];
        on_host.extend(listening(host)?.map(|(name, value)| format!("--env={name}={value}")));
        container("host", &on_host)?;
        let publish = format!("--publish=127.0.0.1:{published}:8000");
        container("bridge", &[format!("--network={NAME}"), publish])?;
        let address = format!("{{{{(index .NetworkSettings.Networks \"{NAME}\").IPAddress}}}}");
        Ok(Self {
            _native: process,
            native,
            host,
            published,
            bridge: docker(&["inspect", "--format", &address, &format!("{NAME}-bridge")])?,
        })
    }

    fn load(&self, way: &str, clients: usize, seconds: f64) -> anyhow::Result<Value> {
        let address = match way {
            NATIVE => format!("127.0.0.1:{}", self.native),
            HOST => format!("127.0.0.1:{}", self.host),
            BETWEEN => format!("{NAME}-bridge:8000"),
            PUBLISHED => format!("127.0.0.1:{}", self.published),
            _ => format!("{}:8000", self.bridge),
        };
        let this = std::env::current_exe()?;
        let mut command = if way == BETWEEN {
            generator_in_a_container(&this)?
        } else {
            load_generator(this)?
        };
        command
            .args(["load", &address, PATH])
            .args([clients.to_string(), seconds.to_string()]);
        let output = command.output().context("starting the load generator")?;
        ensure!(
            output.status.success(),
            "load over {way}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

/// What tells the program where to listen.
fn listening(port: u16) -> anyhow::Result<[(&'static str, String); 2]> {
    Ok([
        ("GANTRY_API_LISTEN", format!("127.0.0.1:{port}")),
        (
            "GANTRY_API_OPS_LISTEN",
            format!("127.0.0.1:{}", free_port()?),
        ),
    ])
}

/// The program that the image holds.
fn binary_of(image: &str, folder: &Path) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let to = folder.join("containers-api");
    let container = docker(&["create", "--label", LABEL, image])?;
    docker(&["cp", &format!("{container}:/api"), &to.to_string_lossy()])?;
    Ok(to)
}

fn container(name: &str, arguments: &[String]) -> anyhow::Result<()> {
    let name = format!("--name={NAME}-{name}");
    let mut words = vec!["run", "--detach", "--read-only", "--label", LABEL, &name];
    words.extend(arguments.iter().map(String::as_str));
    words.push(IMAGE);
    docker(&words)?;
    Ok(())
}

/// On the last core, as [`load_generator`] is.
fn generator_in_a_container(this: &Path) -> anyhow::Result<Command> {
    let cores = std::thread::available_parallelism()?.get();
    let mut command = program("docker");
    command
        .args(["run", "--rm", "--label", LABEL])
        .arg(format!("--network={NAME}"))
        .arg(format!("--cpuset-cpus={}", cores - 1))
        .arg(format!("--volume={}:/bench:ro", this.display()))
        .args([CLIENT_IMAGE, "/bench"]);
    Ok(command)
}

fn clear() -> anyhow::Result<()> {
    let label = format!("label={LABEL}");
    let found = docker(&["ps", "--all", "--quiet", "--filter", &label])?;
    if !found.is_empty() {
        let words: Vec<&str> = ["rm", "--force"].into_iter().chain(found.lines()).collect();
        docker(&words)?;
    }
    let found = docker(&["network", "ls", "--quiet", "--filter", &label])?;
    if !found.is_empty() {
        docker(&["network", "rm", &found])?;
    }
    Ok(())
}

fn docker(arguments: &[&str]) -> anyhow::Result<String> {
    let output = program("docker").args(arguments).output();
    let output = output.context("starting docker; `docker/engine.sh start` starts an engine")?;
    ensure!(
        output.status.success(),
        "docker {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
