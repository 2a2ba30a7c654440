//! `nexus run`, `runs`, `workflows`, `sessions`, `signal`: the program as a client of the service beside which it stands.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use chassis::Env;
use clap::builder::StyledStr;
use clap::{Args, Command, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use verbs::{Failure, Output, Platform, examples};
use wire::Caller;

use crate::settings;

/// Carries runs of workflows out; with a verb, asks the service that does so here
///
/// Without a verb this is the service itself. `nexus healthcheck` tells whether it may take traffic.
#[derive(Debug, Parser)]
#[command(
    name = "nexus",
    version,
    max_term_width = 100,
    after_help = examples!(
        "nexus workflows"
        "nexus run rate -f film=0197c1de-8f6a-7c3e-9d1b-2f4f5a6b7c8d -f rating=8.1"
        "docker compose exec nexus /nexus runs"
    )
)]
struct Line {
    /// How answers are printed: for people, or as JSON for programs
    #[arg(long, global = true, value_enum, value_name = "FORM", default_value_t)]
    output: Output,

    #[command(flatten)]
    server: Server,

    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Server")]
struct Server {
    /// Ask the nexus at this address [default: that of `GANTRY_NEXUS_LISTEN`]
    #[arg(long, global = true, value_name = "URL")]
    url: Option<String>,

    /// The key to ask with
    #[arg(
        long,
        global = true,
        env = "GANTRY_KEY",
        hide_env_values = true,
        conflicts_with = "key_file"
    )]
    key: Option<String>,

    /// The file that holds the key
    #[arg(long, global = true, env = "GANTRY_KEY_FILE", value_name = "FILE")]
    key_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the workflows and their inputs
    #[command(after_help = examples!("nexus workflows" "nexus workflows --output json"))]
    Workflows,
    Run(Box<verbs::Run>),
    Runs(Box<verbs::Runs>),
    Signal(verbs::Signal),
    Sessions(Box<verbs::Sessions>),
}

/// What the verb of this process's command line came to; nothing where it has none, and the service is to run.
pub fn verb() -> Option<ExitCode> {
    // That one is every service's, and asks another port.
    if std::env::args().nth(1)? == "healthcheck" {
        return None;
    }
    let matches = of_nexus(Line::command()).get_matches();
    let line = Line::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let output = line.output;
    Some(match carry_out(line) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(output),
    })
}

/// The verbs are also another program's, whose name their examples have.
fn of_nexus(command: Command) -> Command {
    let own = |text: &StyledStr| text.ansi().to_string().replace("gantry ", "nexus ");
    let command = match command.get_after_help().map(own) {
        Some(examples) => command.after_help(examples),
        None => command,
    };
    let command = command.mut_args(|arg| match arg.get_help().map(own) {
        Some(help) => arg.help(help),
        None => arg,
    });
    command.mut_subcommands(of_nexus)
}

fn carry_out(line: Line) -> Result<(), Failure> {
    let platform = platform(&line.server)?;
    let output = line.output;
    let verb = async {
        match line.verb {
            Verb::Workflows => verbs::workflows(&platform, output).await,
            Verb::Run(args) => verbs::run(*args, &platform, output).await,
            Verb::Runs(args) => verbs::runs(*args, &platform, output).await,
            Verb::Signal(args) => verbs::signal(args, &platform, output).await,
            Verb::Sessions(args) => verbs::sessions(*args, &platform, output).await,
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(verb)
}

fn platform(server: &Server) -> Result<Platform, Failure> {
    let key = verbs::key(server.key.as_deref(), server.key_file.as_deref())?;
    let url = server.url.clone().unwrap_or_else(own_address);
    let by = client::By {
        key: key.as_deref(),
        trusted: None,
    };
    let client = client::Client::nexus(&url, &by);
    let client = client.map_err(|error| Failure::usage(format!("--url: {error}")))?;
    Ok(Platform {
        calls: Arc::new(client),
        caller: Caller::Anonymous,
    })
}

fn own_address() -> String {
    let address = settings::listen(&Env::of_process("nexus"));
    if address.ip().is_unspecified() {
        return format!("http://127.0.0.1:{}", address.port());
    }
    format!("http://{address}")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::of_nexus(super::Line::command()).debug_assert();
    }
}
