//! `gantry ps`.

use std::path::PathBuf;

use clap::Args;

use super::{StackName, examples};

/// List a project's containers
#[derive(Debug, Args)]
#[command(after_help = examples!("gantry ps" "gantry ps examples/cinema --output json"))]
pub struct Ps {
    /// The project's folder
    #[arg(default_value = ".")]
    pub folder: PathBuf,

    #[command(flatten)]
    pub name: StackName,
}
