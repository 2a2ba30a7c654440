//! `gantry models`.

use clap::Args;

use super::{Place, examples};

/// List the models, or the fields of one
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "gantry models -C examples/cinema"
    "gantry models Film -C examples/cinema"
    "gantry models --url http://127.0.0.1:8000 --output json"
))]
pub struct Models {
    /// The model whose fields to list
    pub name: Option<String>,

    #[command(flatten)]
    pub place: Place,
}
