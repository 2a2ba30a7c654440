//! Why Docker did not do what it was asked.

use std::io;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no program `docker`")]
    NoClient,
    #[error("the program `docker` cannot be started")]
    Start(#[source] io::Error),
    #[error("no Docker Engine answers: {0}")]
    Unreachable(String),
    #[error("the Docker Engine {engine} is too old: it speaks API {api}, and {least} is the least")]
    OldEngine {
        engine: String,
        api: crate::Version,
        least: crate::Version,
    },
    #[error("docker has no plugin `compose`")]
    NoCompose,
    #[error("docker compose {found} is too old: {least} is the least")]
    OldCompose {
        found: crate::Version,
        least: crate::Version,
    },
    /// `tail` is the end of what it said on standard error.
    #[error("{command} failed")]
    Failed {
        command: String,
        tail: String,
        stdout: String,
    },
    #[error("{command} took longer than {seconds} s")]
    Slow { command: String, seconds: u64 },
    #[error("the answer of {command} cannot be read: {why}")]
    Unreadable { command: String, why: String },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoClient | Self::Start(_) => {
                "install Docker (https://docs.docker.com/engine/install/), or leave `--stack` out: `gantry up` alone needs none"
            }
            Self::Unreachable(_) => {
                "start the engine (`systemctl start docker`), see that you may use its socket (`docker version` tells), or name \
                 another with DOCKER_HOST"
            }
            Self::OldEngine { .. } => "install Docker Engine 20.10 or newer",
            Self::NoCompose => {
                "install the package docker-compose-plugin (Docker's) or docker-compose-v2 (your distribution's)"
            }
            Self::OldCompose { .. } => "install a newer docker-compose-plugin",
            Self::Slow { .. } => "look whether the engine is overloaded: `docker info`",
            Self::Failed { .. } | Self::Unreadable { .. } => return None,
        };
        Some(hint.to_owned())
    }
}
