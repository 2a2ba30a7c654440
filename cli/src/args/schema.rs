//! `gantry schema`.

use clap::{Args, ValueEnum};

use super::examples;

/// Print the JSON Schema of a kind of project file, for editors to complete and check
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "gantry schema model > .gantry/model.schema.json"
    "gantry schema seed"
))]
pub struct Schema {
    /// The kind of file
    pub kind: SchemaFile,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaFile {
    Model,
    Workflow,
    Project,
    Seed,
    Group,
}
