//! `gantry lint`.

use std::path::PathBuf;

use clap::Args;

use super::{StackName, StackSecrets, Stage, examples};

/// Check that every service of a stack is hardened, column by column
///
/// Without files the project's own stack is looked at, as it is for development and for production. A file that ends in
/// `.json` is taken for what `docker compose config --format json` printed, and needs no Docker.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "gantry lint"
    "gantry lint --stack prod -C examples/cinema"
    "gantry lint compose.yaml compose.override.yaml"
    "gantry lint stack.json --output json"
))]
pub struct Lint {
    /// Compose files, later ones over earlier ones
    pub files: Vec<PathBuf>,

    /// What the stack is for: production allows less [default: both; of files what their names say, as in
    /// `compose.dev.yaml`, else prod]
    #[arg(long, value_enum, value_name = "STAGE")]
    pub stack: Option<Stage>,

    /// The project's folder
    #[arg(short = 'C', long, value_name = "FOLDER", default_value = ".")]
    pub project: PathBuf,

    #[command(flatten)]
    pub name: StackName,

    #[command(flatten)]
    pub secrets: StackSecrets,
}
