//! `bench containers`: the same api and dataflow natively, with the host's network, behind a bridge, from another
//! container, and published; in one interleaved run, all over the same database through its Unix socket.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::contender::{self, Contender, START_LIMIT};
use crate::entrant::Database;
use crate::kind::Engine;
use crate::machine;
use crate::options::Options;
use crate::place::Place;
use crate::process::{free_port, load_generator, program};
use crate::project;
use crate::results::{Results, Run};
use crate::work::FILMS;

/// What `cargo xtask images` builds.
const API: &str = "gantry/api:test";
const DATAFLOW: &str = "gantry/dataflow:test";
/// Where the generator of load runs, where it runs in a container.
const CLIENT_IMAGE: &str = "debian:trixie-slim";
const NAME: &str = "gantry-bench";
const LABEL: &str = "gantry.test=bench";
/// As deploy/compose/compose.yaml has it for the networks from service to service.
const PACKETS: &str = "com.docker.network.driver.mtu=65535";
/// Answered from memory, so that what is compared is the way there and back and nothing else.
const PAGE: (&str, &str) = ("page", "/docs/problems/unavailable");

pub(crate) const NATIVE: &str = "native";
pub(crate) const HOST: &str = "host network";
pub(crate) const BRIDGE: &str = "bridge";
pub(crate) const BETWEEN: &str = "between containers";
pub(crate) const PUBLISHED: &str = "published port";
const WAYS: [&str; 5] = [NATIVE, HOST, BRIDGE, BETWEEN, PUBLISHED];

/// The engine as it comes.
pub(crate) const PROXIED: &str = "containers";
/// Started with `--userland-proxy=false`.
pub(crate) const UNPROXIED: &str = "containers without docker-proxy";
/// On a host with `net.bridge.bridge-nf-call-iptables=0`.
pub(crate) const UNFILTERED: &str = "containers unfiltered";

pub(crate) fn run(options: &Options, place: &Place) -> anyhow::Result<Results> {
    let started = Started::begin(place)?;
    let mut run = Run::begin(condition()?, options, &place.server)?;
    let reads = options.works.iter().filter(|work| !work.writes());
    let works: Vec<_> = [PAGE]
        .into_iter()
        .chain(reads.map(|work| (work.name(), work.name())))
        .collect();
    for round in 0..options.rounds {
        for (work, asked) in &works {
            for clients in &options.concurrency {
                let until = Instant::now() + options.quiet;
                let compared = loop {
                    machine::wait_for_quiet(until)?;
                    let mut compared = Vec::new();
                    // Another one is first each time.
                    for turn in 0..WAYS.len() {
                        let way = WAYS[(turn + round) % WAYS.len()];
                        let figures = started.load(way, asked, *clients, options.seconds)?;
                        compared.push((way, figures));
                    }
                    if Instant::now() >= until || machine::is_quiet()? {
                        break compared;
                    }
                };
                let work = format!("{work}, c={clients}");
                for (way, figures) in compared {
                    run.take(round + 1, &work, *clients, way, &figures);
                }
            }
        }
    }
    Ok(run.end())
}

/// What the machine's owner has set; asked while a port is published.
fn condition() -> anyhow::Result<&'static str> {
    let filtered = fs::read_to_string("/proc/sys/net/bridge/bridge-nf-call-iptables");
    let filtered = filtered.is_ok_and(|text| text.trim() == "1");
    let processes = fs::read_dir("/proc")?.flatten();
    let mut names = processes.map(|entry| fs::read_to_string(entry.path().join("comm")));
    let proxied = names.any(|name| name.is_ok_and(|name| name.trim() == "docker-proxy"));
    Ok(match (proxied, filtered) {
        (true, true) => PROXIED,
        (false, true) => UNPROXIED,
        (true, false) => UNFILTERED,
        (false, false) => {
            bail!("without docker-proxy, packets between containers pass the firewall")
        }
    })
}

/// Where each way leads: each has an api and a dataflow of its own. The containers are taken away when it is dropped.
struct Started {
    _native: Contender,
    native: String,
    host: String,
    published: String,
    /// The container's own address.
    bridge: String,
}

impl Drop for Started {
    fn drop(&mut self) {
        clear().ok();
    }
}

impl Started {
    fn begin(place: &Place) -> anyhow::Result<Self> {
        clear()?;
        let project = project::films(&place.folder)?;
        let database =
            Database::create(Engine::Postgres, "containers", &place.server, &place.folder)?;
        let url = through_socket(&database.url(), &place.socket)?;
        let programs = [
            binary_of(API, "api", &place.folder)?,
            binary_of(DATAFLOW, "dataflow", &place.folder)?,
        ];
        let native = Contender::pair(&programs, &place.folder, &project, &url)?;
        native.fill(1..=FILMS)?;
        database.clean()?;
        let mounts = [&project, &place.socket].map(|folder| {
            let folder = folder.display();
            format!("--volume={folder}:{folder}")
        });
        let of_dataflow = [
            format!("--env=GANTRY_DATAFLOW_PROJECT={}", project.display()),
            format!("--env=GANTRY_DATAFLOW_DATABASE_URL={url}"),
        ];
        let of_dataflow: Vec<String> = mounts.into_iter().chain(of_dataflow).collect();
        let host = on_host(&of_dataflow)?;
        let (bridge, published) = on_bridge(&of_dataflow)?;
        let started = Self {
            native: format!("127.0.0.1:{}", native.port),
            _native: native,
            host,
            published,
            bridge,
        };
        for way in [HOST, BRIDGE, PUBLISHED] {
            let address = started.address(way);
            let begun = Instant::now();
            while !contender::answers(address, "/api/v1/film?limit=1") {
                ensure!(
                    begun.elapsed() < START_LIMIT,
                    "nothing answers at {address}, {way}"
                );
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        Ok(started)
    }

    fn address(&self, way: &str) -> &str {
        match way {
            NATIVE => &self.native,
            HOST => &self.host,
            BETWEEN => "gantry-bench-api:8000",
            PUBLISHED => &self.published,
            _ => &self.bridge,
        }
    }

    fn load(&self, way: &str, asked: &str, clients: usize, seconds: f64) -> anyhow::Result<Value> {
        let this = std::env::current_exe()?;
        let mut command = if way == BETWEEN {
            generator_in_a_container(&this)?
        } else {
            load_generator(this)?
        };
        command
            .args(["load", self.address(way), asked])
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

/// The same database at the socket in that folder.
fn through_socket(url: &str, folder: &Path) -> anyhow::Result<String> {
    let (_, address) = url.split_once("127.0.0.1").context("it is on loopback")?;
    let folder = folder.to_string_lossy().replace('/', "%2F");
    Ok(format!("postgres://gantry@{folder}{address}"))
}

/// The program that the image holds.
fn binary_of(image: &str, name: &str, folder: &Path) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let to = folder.join(format!("containers-{name}"));
    let container = docker(&["create", "--label", LABEL, image])?;
    docker(&["cp", &format!("{container}:/{name}"), &to.to_string_lossy()])?;
    Ok(to)
}

/// A pair with the host's network; where it answers.
fn on_host(of_dataflow: &[String]) -> anyhow::Result<String> {
    let network = "--network=host".to_owned();
    let listening = |service: &str, port: u16| -> anyhow::Result<[String; 2]> {
        let ops = free_port()?;
        Ok([
            format!("--env=GANTRY_{service}_LISTEN=127.0.0.1:{port}"),
            format!("--env=GANTRY_{service}_OPS_LISTEN=127.0.0.1:{ops}"),
        ])
    };
    let (outer, inner) = (free_port()?, free_port()?);
    let mut arguments = vec![network.clone()];
    arguments.extend(listening("DATAFLOW", inner)?);
    arguments.extend_from_slice(of_dataflow);
    container("host-dataflow", DATAFLOW, &arguments)?;
    let mut arguments = vec![network];
    arguments.extend(listening("API", outer)?);
    arguments.push(format!(
        "--env=GANTRY_API_DATAFLOW=http://127.0.0.1:{inner}"
    ));
    container("host-api", API, &arguments)?;
    Ok(format!("127.0.0.1:{outer}"))
}

/// A pair that finds itself by name on a network of its own; the address of api there, and where it is published.
fn on_bridge(of_dataflow: &[String]) -> anyhow::Result<(String, String)> {
    docker(&[
        "network", "create", "--label", LABEL, "--opt", PACKETS, NAME,
    ])?;
    let network = format!("--network={NAME}");
    let mut arguments = vec![network.clone()];
    arguments.extend_from_slice(of_dataflow);
    container("dataflow", DATAFLOW, &arguments)?;
    let port = free_port()?;
    let arguments = [
        network,
        format!("--publish=127.0.0.1:{port}:8000"),
        format!("--env=GANTRY_API_DATAFLOW=http://{NAME}-dataflow:8001"),
    ];
    container("api", API, &arguments)?;
    let address = format!("{{{{(index .NetworkSettings.Networks \"{NAME}\").IPAddress}}}}");
    let address = docker(&["inspect", "--format", &address, &format!("{NAME}-api")])?;
    Ok((format!("{address}:8000"), format!("127.0.0.1:{port}")))
}

fn container(name: &str, image: &str, arguments: &[String]) -> anyhow::Result<()> {
    let name = format!("--name={NAME}-{name}");
    let mut words = vec!["run", "--detach", "--read-only", "--label", LABEL, &name];
    words.extend(arguments.iter().map(String::as_str));
    words.push(image);
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
