//! What the verbs of a stack of containers share.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Which containers are meant.
#[derive(Debug, Clone, Args)]
pub struct StackName {
    /// The stack's name, with which its containers begin [default: `gantry-` and the project's name]
    #[arg(
        long,
        env = "GANTRY_STACK_NAME",
        hide_env_values = true,
        value_name = "NAME",
        help_heading = "Stack"
    )]
    pub name: Option<String>,
}

/// Where the secrets lie.
#[derive(Debug, Clone, Args)]
pub struct StackSecrets {
    /// The folder of the stack's secrets, from the project's folder [default: `.gantry/secrets`]
    #[arg(
        long,
        env = "GANTRY_SECRETS",
        hide_env_values = true,
        value_name = "FOLDER",
        value_parser = perhaps,
        help_heading = "Stack"
    )]
    pub secrets: Option<PathBuf>,
}

/// A variable that is set to nothing is as good as unset; as a path it would be refused.
#[expect(
    clippy::unnecessary_wraps,
    reason = "so are parsers of arguments shaped"
)]
pub(super) fn perhaps(text: &str) -> Result<PathBuf, String> {
    Ok(PathBuf::from(text))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Stage {
    /// Files are read again when they change; databases can be reached on loopback
    Dev,
    /// Replicas and backups; only the edge can be reached
    Prod,
}

impl Stage {
    pub fn word(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Prod => "prod",
        }
    }
}

/// A service and how many containers it gets.
pub type Scale = (String, u16);

pub(super) fn scale(text: &str) -> Result<Scale, String> {
    let parsed = text.split_once('=').and_then(|(service, count)| {
        let count = count.parse().ok()?;
        (!service.is_empty()).then(|| (service.to_owned(), count))
    });
    parsed.ok_or_else(|| "a scale is written service=containers, as in api=3".to_owned())
}
