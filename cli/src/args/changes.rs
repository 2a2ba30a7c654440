//! `gantry changes`.

use clap::Args;

use super::{Place, examples};

/// Listen to changes of records, as they happen
///
/// Each is a line; with `--output json` a JSON object. Next to a local project all are told, at a server those of
/// records that the key may read.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "gantry changes --url http://127.0.0.1:8000 --key-file key"
    "gantry changes --model Film --model Person --output json"
))]
pub struct Changes {
    /// Only changes of this model, as in `Film`; may be repeated
    #[arg(short, long, value_name = "MODEL")]
    pub model: Vec<String>,

    /// Go on after the event with this id; else changes are told from now on
    #[arg(long, value_name = "ID")]
    pub since: Option<String>,

    #[command(flatten)]
    pub place: Place,
}
