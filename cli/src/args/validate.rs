//! `gantry validate`.

use std::path::PathBuf;

use clap::Args;

use super::examples;

/// Check every file of a project and tell all mistakes at once
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "gantry validate"
    "gantry validate examples/cinema"
    "gantry validate my-app --output json"
))]
pub struct Validate {
    /// The project's folder
    #[arg(default_value = ".")]
    pub folder: PathBuf,
}
