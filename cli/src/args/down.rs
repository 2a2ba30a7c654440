//! `gantry down`.

use std::path::PathBuf;

use clap::Args;

use super::{StackName, examples};

/// Stop a project's containers and remove them; its data stays
#[derive(Debug, Args)]
#[command(after_help = examples!("gantry down" "gantry down examples/cinema --volumes"))]
pub struct Down {
    /// The project's folder
    #[arg(default_value = ".")]
    pub folder: PathBuf,

    /// Delete the volumes, too: every record, and the backups that lie beside them
    #[arg(long)]
    pub volumes: bool,

    /// Do not ask before volumes are deleted
    #[arg(long)]
    pub yes: bool,

    #[command(flatten)]
    pub name: StackName,
}
