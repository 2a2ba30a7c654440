//! `gantry up`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::examples;

/// Serve a project: records over REST, in one process, until Ctrl-C
///
/// Needs nothing but the folder: without another database, records live in `.gantry/data.db` inside it.
/// On a new project the first key is printed once, and the seed records are loaded.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "gantry up"
    "gantry up examples/cinema --open"
    "gantry up my-app --watch"
    "gantry up my-app --database-url postgres://me@localhost/films --listen 127.0.0.1:8080"
))]
pub struct Up {
    /// The project's folder
    #[arg(default_value = ".")]
    pub folder: PathBuf,

    /// The database: `sqlite:<path>` or `postgres://…` [default: what gantry.yaml says, else
    /// `.gantry/data.db` in the project]
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,

    /// Where to serve [default: what gantry.yaml says, else 127.0.0.1:8000]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,

    /// Where to tell health and metrics [default: what gantry.yaml says, else 127.0.0.1:9100]
    #[arg(long, value_name = "ADDRESS")]
    pub ops_listen: Option<SocketAddr>,

    /// Let anyone do everything, without a key; only on a loopback address
    #[arg(long)]
    pub open: bool,

    /// Read files again when they change: what is safe is migrated and served, the rest is told
    #[arg(
        long,
        value_enum,
        value_name = "HOW",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "events"
    )]
    pub watch: Option<Watching>,

    /// Do not load the seed records into an empty database
    #[arg(long)]
    pub no_seed: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Watching {
    /// The system tells of changes
    Events,
    /// Look twice a second, for mounts that tell nothing
    Poll,
}
