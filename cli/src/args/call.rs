//! `gantry call`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use wire::NodeName;

use super::{Place, examples};

/// Call a node: everything the platform can do, by name
///
/// Arguments are typed with `-f`, or given as JSON with `--json`. Questions are typed as in a URL
/// (`-f released=gte.2010-01-01`), the values of a create, update or replace as they are (`-f released=2023-05-25`).
/// Next to a local project, calls are made as its administrator.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "gantry call Film.list -f title='ilike.*alien*' -f order=released.desc"
    "gantry call Film.create -f title='Perfect Days' -f released=2023-05-25"
    "gantry call Film.update --json '{\"id\": \"…\", \"title\": \"…\"}' --if-version 3"
    "gantry call Film.bulk_create --json @films.json --dry-run"
    "gantry call tx --json - < ops.json"
    "gantry call Film.list -f limit=all --accept ndjson > films.ndjson"
    "gantry call Film.bulk_create --input films.ndjson"
))]
pub struct Call {
    /// The node, as in `Film.list`
    pub node: NodeName,

    /// An argument; may be repeated
    #[arg(short, value_name = "KEY=VALUE", value_parser = argument)]
    pub field: Vec<(String, String)>,

    /// The arguments as JSON: text, `@file`, or `-` for standard input
    #[arg(long, value_name = "JSON")]
    pub json: Option<String>,

    /// Records in a file, CSV or JSON Lines by its ending (`-`: JSON Lines on standard input), in any number: they are
    /// sent as they are read, all or none is kept, and none is shown
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json"])]
    pub input: Option<PathBuf>,

    /// How a list is shown; `ndjson` and `csv` come in any number with `-f limit=all`
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub accept: Option<Accept>,

    /// Do it once however often this is sent
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,

    /// Only if the record has this version
    #[arg(long, value_name = "VERSION")]
    pub if_version: Option<i64>,

    /// Do everything, then roll back
    #[arg(long)]
    pub dry_run: bool,

    /// Say how many records match
    #[arg(long, value_enum, value_name = "HOW")]
    pub count: Option<CountWish>,

    /// Refuse where more records than this would change
    #[arg(long, value_name = "RECORDS")]
    pub max_affected: Option<u64>,

    #[command(flatten)]
    pub place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Accept {
    Json,
    Ndjson,
    Csv,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CountWish {
    Planned,
    Exact,
}

fn argument(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("an argument is written key=value".to_owned()),
    }
}
