//! `gantry up`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Scale, StackName, StackSecrets, Stage, examples};

/// Serve a project: in one process until Ctrl-C, or as a stack of containers
///
/// In one process it needs nothing but the folder: without another database, records live in `.gantry/data.db` inside
/// it. On a new project the first key is printed once, and the seed records are loaded.
///
/// With `--stack` containers are started and left running: `gantry ps`, `gantry health`, `gantry down`.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "gantry up"
    "gantry up examples/cinema --open"
    "gantry up my-app --watch"
    "gantry up my-app --database-url postgres://me@localhost/films --listen 127.0.0.1:8080"
    "gantry up my-app --stack dev"
    "gantry up my-app --stack prod --scale api=3"
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

    /// Let agents that may write do so without a credential that says so; else they read
    #[arg(long)]
    pub agents_write: bool,

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

    #[command(flatten)]
    pub containers: Containers,
}

/// How a stack is started.
#[derive(Debug, Args)]
#[command(next_help_heading = "Stack")]
pub struct Containers {
    /// Start containers instead, and say what for
    #[arg(
        long,
        value_enum,
        value_name = "STAGE",
        conflicts_with_all = ["database_url", "listen", "ops_listen", "open", "watch", "no_seed"]
    )]
    pub stack: Option<Stage>,

    /// Build the images, whether they are there or not
    #[arg(long, requires = "stack", conflicts_with = "no_build")]
    pub build: bool,

    /// Build nothing: an image that is missing is pulled
    #[arg(long, requires = "stack")]
    pub no_build: bool,

    /// How many containers a service gets; may be repeated
    #[arg(long, requires = "stack", value_name = "SERVICE=N", value_parser = super::stack::scale)]
    pub scale: Vec<Scale>,

    /// How many seconds the stack may take until it serves [default: 300; 1800 for a workshop]
    #[arg(long, requires = "stack", value_name = "SECONDS")]
    pub wait_timeout: Option<u64>,

    /// For work on Gantry itself: services are built inside their containers, again whenever a source is saved
    #[arg(long, requires = "stack")]
    pub workshop: bool,

    #[command(flatten)]
    pub name: StackName,

    #[command(flatten)]
    pub secrets: StackSecrets,

    /// The checkout of Gantry that images are built from [default: the one around this folder]
    #[arg(
        long,
        env = "GANTRY_SOURCE",
        hide_env_values = true,
        value_name = "FOLDER",
        value_parser = super::stack::perhaps
    )]
    pub source: Option<PathBuf>,

    /// Certificates that builds trust, behind a proxy that opens https
    #[arg(
        long,
        env = "SSL_CERT_FILE",
        hide_env_values = true,
        value_name = "FILE",
        value_parser = super::stack::perhaps
    )]
    pub ca: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Watching {
    /// The system tells of changes
    Events,
    /// Look twice a second, for mounts that tell nothing
    Poll,
}
