//! What may stand on the command line: one file per verb, what they share here.

mod call;
mod changes;
mod completions;
mod down;
mod health;
mod init;
mod keys;
mod lint;
mod mcp;
mod migrate;
mod models;
mod ps;
mod render;
mod schema;
mod secrets;
mod seed;
mod stack;
mod up;
mod validate;
mod workflows;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use call::{Accept, Call, CountWish};
pub use changes::Changes;
pub use completions::Completions;
pub use down::Down;
pub use health::Health;
pub use init::Init;
pub use keys::{CreateKey, Keys, KeysVerb, RevokeKey};
pub use lint::Lint;
pub use mcp::{Client, Install, Mcp, McpVerb, Offered};
pub use migrate::{Apply, Migrate, MigrateVerb, Purge, Rollback};
pub use models::Models;
pub use ps::Ps;
pub use render::{Render, RenderVerb};
pub use schema::{Schema, SchemaFile};
pub use secrets::{Certificate, Secrets, SecretsVerb};
pub use seed::Seed;
pub use stack::{Scale, StackName, StackSecrets, Stage};
pub use up::{Containers, Up, Watching};
pub use validate::Validate;
pub use workflows::{Run, Runs, Sessions, Signal, Workflows};

pub use verbs::Output;
use verbs::examples;

/// Turns a folder of YAML files into a running platform
#[derive(Debug, Parser)]
#[command(
    name = "gantry",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = examples!(
        "gantry init my-app && gantry up my-app"
        "gantry validate my-app"
        "gantry call Film.list -f released=gte.2010-01-01 -f limit=5"
    )
)]
pub struct Cli {
    /// How answers are printed: for people, or as JSON for programs
    #[arg(
        long,
        global = true,
        display_order = 900,
        value_enum,
        value_name = "FORM",
        default_value_t
    )]
    pub output: Output,

    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    Init(Init),
    Up(Box<Up>),
    Down(Down),
    Ps(Ps),
    Health(Health),
    Validate(Validate),
    Seed(Seed),
    Call(Box<Call>),
    Changes(Changes),
    Workflows(Workflows),
    /// Run a workflow and follow it to its end
    Run(Box<Run>),
    /// List runs of workflows, look at one, and steer it
    Runs(Box<Runs>),
    /// Tell a run something that it waits for
    Signal(Signal),
    /// Open sessions, list them, and look at or change what they hold
    Sessions(Box<Sessions>),
    Models(Models),
    Mcp(Box<Mcp>),
    Migrate(Migrate),
    Keys(Keys),
    Secrets(Secrets),
    Lint(Lint),
    Render(Render),
    Schema(Schema),
    Completions(Completions),
    /// Print the version
    #[command(after_help = examples!("gantry version" "gantry version --output json"))]
    Version,
}

/// A project and its database.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Project")]
pub struct Database {
    /// The project's folder
    #[arg(short = 'C', long, value_name = "FOLDER", default_value = ".")]
    pub project: PathBuf,

    /// The database: `sqlite:<path>` or `postgres://…` [default: what gantry.yaml says, else
    /// `.gantry/data.db` in the project]
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
}

/// Where calls go: to the project's own database, as its administrator, or to a server that runs.
#[derive(Debug, Clone, Args)]
pub struct Place {
    #[command(flatten)]
    pub database: Database,

    #[command(flatten)]
    pub server: Server,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Server")]
pub struct Server {
    /// Call the server at this address instead of the project's database
    #[arg(long, value_name = "URL", conflicts_with = "database_url")]
    pub url: Option<String>,

    /// The key to call the server with
    #[arg(
        long,
        requires = "url",
        conflicts_with = "key_file",
        hide_env_values = true
    )]
    pub key: Option<String>,

    /// The file that holds the key
    #[arg(long, env = "GANTRY_KEY_FILE", value_name = "FILE")]
    pub key_file: Option<PathBuf>,

    /// Certificates to trust beside those that browsers trust, as PEM: those of a stack are in
    /// `.gantry/secrets/edge_certificate`
    #[arg(long, env = "GANTRY_CA_FILE", value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
