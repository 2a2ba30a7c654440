//! `gantry init`.

use std::path::PathBuf;

use clap::Args;

use super::examples;

/// Make a new project that runs: two models, a few records, a README
#[derive(Debug, Args)]
#[command(after_help = examples!("gantry init my-app" "gantry up my-app"))]
pub struct Init {
    /// The folder to make; it must not exist or be empty
    pub folder: PathBuf,
}
