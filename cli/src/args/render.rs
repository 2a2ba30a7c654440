//! `gantry render`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::examples;

/// Write out what runs a project
#[derive(Debug, Args)]
#[command(after_help = examples!("gantry render compose" "gantry render compose my-app --force"))]
pub struct Render {
    #[command(subcommand)]
    pub verb: RenderVerb,
}

#[derive(Debug, Subcommand)]
pub enum RenderVerb {
    Compose(RenderCompose),
}

/// Write compose.yaml, compose.dev.yaml and compose.prod.yaml into the project, for plain `docker compose`
///
/// A file that was changed is left alone unless `--force` is said. compose.override.yaml is yours and never touched.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "gantry render compose"
    "docker compose -f compose.yaml -f compose.prod.yaml up"
))]
pub struct RenderCompose {
    /// The project's folder
    #[arg(default_value = ".")]
    pub folder: PathBuf,

    /// The same, as other verbs take it
    #[arg(short = 'C', long, value_name = "FOLDER", conflicts_with = "folder")]
    pub project: Option<PathBuf>,

    /// Print the files instead of writing them
    #[arg(long, conflicts_with = "force")]
    pub stdout: bool,

    /// Write over files that were changed
    #[arg(long)]
    pub force: bool,
}
