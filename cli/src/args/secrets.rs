//! `gantry secrets`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{StackSecrets, examples};

/// Make and replace the secrets of a stack; none is ever shown
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "gantry secrets init"
    "gantry secrets rotate redis_password"
))]
pub struct Secrets {
    #[command(subcommand)]
    pub verb: SecretsVerb,
}

#[derive(Debug, Subcommand)]
pub enum SecretsVerb {
    Init(InitSecrets),
    Rotate(RotateSecrets),
}

/// Make the secrets that are missing: passwords, the first key, the edge's certificate
///
/// They are files in a folder that only you can enter. What is there is kept. Where the project has no `.env`, one is
/// written that tells docker compose where they are.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "gantry secrets init"
    "gantry secrets init --host films.example --host 192.0.2.7"
    "gantry secrets init --certificate films.example.pem"
))]
pub struct InitSecrets {
    #[command(flatten)]
    pub certificate: Certificate,

    /// The project's folder
    #[arg(short = 'C', long, value_name = "FOLDER", default_value = ".")]
    pub project: PathBuf,

    #[command(flatten)]
    pub secrets: StackSecrets,
}

/// Make new values; the old ones are kept beside them until the next time
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "gantry secrets rotate"
    "gantry secrets rotate postgres_password && gantry up --stack prod"
    "gantry secrets rotate edge_certificate --certificate films.example.pem"
))]
pub struct RotateSecrets {
    /// Which ones; all of them unless said
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,

    #[command(flatten)]
    pub certificate: Certificate,

    /// The project's folder
    #[arg(short = 'C', long, value_name = "FOLDER", default_value = ".")]
    pub project: PathBuf,

    #[command(flatten)]
    pub secrets: StackSecrets,
}

#[derive(Debug, Clone, Args)]
pub struct Certificate {
    /// A name or address in the edge's certificate, besides localhost; may be repeated
    #[arg(long = "host", value_name = "HOST", conflicts_with = "certificate")]
    pub hosts: Vec<String>,

    /// The edge's certificate: your own, its chain and its private key in one PEM file
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<PathBuf>,
}
