//! `gantry seed`.

use clap::Args;

use super::{Place, examples};

/// Load the records that the project's `data/*.seed.yaml` files describe
///
/// May be run again: a record that stands as its file says stays as it is, one that differs is updated.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "gantry seed"
    "gantry seed films -C examples/cinema"
    "gantry seed --database-url postgres://me@localhost/films"
    "gantry seed --url http://127.0.0.1:8000 --key-file admin.key"
))]
pub struct Seed {
    /// Which seeds, by the names of their files; all of them unless said
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,

    #[command(flatten)]
    pub place: Place,
}
