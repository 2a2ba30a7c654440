//! `gantry health`.

use std::path::PathBuf;

use clap::Args;

use super::{StackName, examples};

/// Tell how a project's containers are, and what each says of what it depends on
///
/// Ends with 7 where something is down.
#[derive(Debug, Args)]
#[command(after_help = examples!("gantry health" "gantry health --watch" "gantry health --output json"))]
pub struct Health {
    /// The project's folder
    #[arg(default_value = ".")]
    pub folder: PathBuf,

    /// Tell it again every two seconds, until Ctrl-C
    #[arg(long)]
    pub watch: bool,

    #[command(flatten)]
    pub name: StackName,
}
