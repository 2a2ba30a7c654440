//! `gantry mcp`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{Place, examples};

/// Offer the records to AI agents, as tools of the Model Context Protocol
///
/// Agents only read unless told otherwise. A server that runs (`gantry up`) offers the same at `/mcp`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = examples!(
        "gantry mcp install claude-code --write-file"
        "gantry mcp tools"
        "gantry mcp --stdio -C my-app"
        "gantry mcp --stdio --url https://data.example.com --key-file key --group critic"
    )
)]
pub struct Mcp {
    /// Speak with one agent through standard input and output, a message a line
    #[arg(long)]
    pub stdio: bool,

    #[command(flatten)]
    pub offer: Offered,

    #[command(subcommand)]
    pub verb: Option<McpVerb>,
}

#[derive(Debug, Subcommand)]
pub enum McpVerb {
    Tools(Offered),
    Install(Install),
}

/// List the tools, and what reading them costs an agent
#[derive(Debug, Args)]
#[command(after_help = examples!("gantry mcp tools" "gantry mcp tools --group critic --write --output json"))]
pub struct Offered {
    /// Only what this group of `groups/*.yaml` has
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,

    /// With the tools that change something
    #[arg(long)]
    pub write: bool,

    #[command(flatten)]
    pub place: Place,
}

/// Tell a client of agents about this project: print what its configuration must say, or write it there
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "gantry mcp install cursor"
    "gantry mcp install claude-code --write-file"
    "gantry mcp install vscode --url https://data.example.com --key-file key"
))]
pub struct Install {
    pub client: Client,

    /// Write it into the client's file, beside what else that says
    #[arg(long)]
    pub write_file: bool,

    /// Instead of the client's own file
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// The name under which the client knows it [default: the project's]
    #[arg(long)]
    pub name: Option<String>,

    #[command(flatten)]
    pub offer: Offered,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Client {
    ClaudeCode,
    ClaudeDesktop,
    Codex,
    Cursor,
    Gemini,
    Vscode,
    Windsurf,
    Zed,
}
