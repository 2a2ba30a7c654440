//! A stack of containers as `gantry up --stack` starts it: over a copy of a project, on free ports, under a name of its own.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;

use crate::engine::{Said, docker, inspect, said};
use crate::gantry::{binary, free_port};
use crate::{Answer, Edge};

/// The tag of the images that the tests are about: `test`, unless somebody works on images of their own beside those.
pub fn tag() -> String {
    let own = std::env::var_os("GANTRY_TEST_TAG");
    own.map_or("test".to_owned(), |own| own.to_string_lossy().into_owned())
}

pub struct Stack {
    pub kind: &'static str,
    /// Of the compose project; every container of it carries it as a label.
    pub name: String,
    pub folder: PathBuf,
    pub edge: Edge,
    pub ports: Ports,
}

/// Published on loopback.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    pub https: u16,
    pub http: u16,
    pub api_ops: u16,
    pub mcp: u16,
    pub mcp_ops: u16,
    pub nexus_ops: u16,
    pub dataflow_ops: u16,
    pub postgres: u16,
    pub redis: u16,
    pub neo4j: u16,
    pub debug: u16,
}

impl Stack {
    /// Starts it, or finds it running: who works on a test need not wait for it again. `cargo xtask test` ends it.
    pub fn up(kind: &'static str, name: &str, project: &Path) -> anyhow::Result<Self> {
        let place = target()?.join("stacks").join(name);
        let folder = place.join("project");
        if !folder.exists() {
            fs::create_dir_all(&place)?;
            copy(project, &folder)?;
        }
        let ports = Ports::kept_in(&place)?;
        let up = gantry(name, ports, &["up", "--stack", kind, "--no-build"], &folder);
        anyhow::ensure!(up.ok, "{}{}", up.out, up.err);
        let secrets = folder.join(".gantry/secrets");
        let key = fs::read_to_string(secrets.join("admin_key"))?;
        let edge = Edge::new(ports.https, &secrets.join("edge_certificate"), key.trim())?;
        Ok(Self {
            kind,
            name: name.to_owned(),
            folder,
            edge,
            ports,
        })
    }

    /// Any verb of `gantry` on this stack.
    pub fn gantry(&self, arguments: &[&str]) -> Said {
        gantry(&self.name, self.ports, arguments, &self.folder)
    }

    /// What its compose files are told, for whoever calls compose directly.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        self.ports.variables(&self.name)
    }

    /// The containers of a service that run, by their ids.
    pub fn containers(&self, service: &str) -> Vec<String> {
        self.listed(service, &[])
    }

    /// Those that have ended, too.
    pub fn all_containers(&self, service: &str) -> Vec<String> {
        self.listed(service, &["--all"])
    }

    fn listed(&self, service: &str, more: &[&str]) -> Vec<String> {
        let project = format!("label=com.docker.compose.project={}", self.name);
        let service = format!("label=com.docker.compose.service={service}");
        let ids = [
            "ps",
            "--quiet",
            "--no-trunc",
            "--filter",
            &project,
            "--filter",
            &service,
        ];
        let listed = docker(ids.iter().chain(more)).unwrap();
        listed.lines().map(str::to_owned).collect()
    }

    /// The only container of a service.
    #[track_caller]
    pub fn container(&self, service: &str) -> String {
        let mut found = self.containers(service);
        assert_eq!(found.len(), 1, "containers of {service}");
        found.remove(0)
    }

    /// Whether every container of the service runs and is healthy.
    pub fn is_healthy(&self, service: &str) -> bool {
        let containers = self.containers(service);
        let healthy = |id: &String| inspect(id)["State"]["Health"]["Status"] == "healthy";
        !containers.is_empty() && containers.iter().all(healthy)
    }

    /// What a face says of itself and all behind it.
    pub fn health(&self, face: &str) -> Option<Value> {
        let container = self.containers(face).into_iter().next()?;
        let program = format!("/{face}");
        let report = docker(["exec", &container, &program, "healthcheck", "--report"]);
        serde_json::from_str(&report.out).ok()
    }

    pub fn get(&self, path: &str) -> Answer {
        self.edge
            .get(path)
            .unwrap_or_else(|error| panic!("{path}: {error:#}"))
    }
}

fn gantry(name: &str, ports: Ports, arguments: &[&str], folder: &Path) -> Said {
    let folder = folder.to_string_lossy();
    let arguments = arguments.iter().copied().chain([folder.as_ref()]);
    match binary() {
        Ok(program) => said(program, arguments, ports.variables(name)),
        Err(error) => Said {
            ok: false,
            code: None,
            out: String::new(),
            err: format!("{error:#}"),
        },
    }
}

impl Ports {
    /// What the compose files are told.
    fn variables(self, name: &str) -> Vec<(&'static str, String)> {
        vec![
            ("GANTRY_STACK_NAME", name.to_owned()),
            ("GANTRY_TAG", tag()),
            ("GANTRY_HTTPS_PORT", self.https.to_string()),
            ("GANTRY_HTTP_PORT", self.http.to_string()),
            ("GANTRY_API_OPS_PORT", self.api_ops.to_string()),
            ("GANTRY_MCP_PORT", self.mcp.to_string()),
            ("GANTRY_MCP_OPS_PORT", self.mcp_ops.to_string()),
            ("GANTRY_NEXUS_OPS_PORT", self.nexus_ops.to_string()),
            ("GANTRY_DATAFLOW_OPS_PORT", self.dataflow_ops.to_string()),
            ("GANTRY_POSTGRES_PORT", self.postgres.to_string()),
            ("GANTRY_REDIS_PORT", self.redis.to_string()),
            ("GANTRY_NEO4J_PORT", self.neo4j.to_string()),
        ]
    }

    /// The same each time that the stack is started again.
    fn kept_in(place: &Path) -> anyhow::Result<Self> {
        let file = place.join("ports");
        if !file.exists() {
            let mut free = Vec::new();
            while free.len() < 11 {
                let port = free_port()?;
                if !free.contains(&port) {
                    free.push(port);
                }
            }
            let text: Vec<String> = free.iter().map(u16::to_string).collect();
            fs::write(&file, text.join(" "))?;
        }
        let text = fs::read_to_string(&file)?;
        let mut ports = text.split(' ').map(str::parse);
        let mut next = || -> anyhow::Result<u16> { Ok(ports.next().context("eleven ports")??) };
        Ok(Self {
            https: next()?,
            http: next()?,
            api_ops: next()?,
            mcp: next()?,
            mcp_ops: next()?,
            nexus_ops: next()?,
            dataflow_ops: next()?,
            postgres: next()?,
            redis: next()?,
            neo4j: next()?,
            debug: next()?,
        })
    }
}

/// The checkout's `target` folder.
pub fn target() -> anyhow::Result<PathBuf> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    Ok(top.context("the checkout's top")?.join("target"))
}

/// A folder with all that is in it but what a run leaves there.
pub fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == ".gantry" || name == ".env" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to.join(name))?;
        } else {
            fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}
