//! `gantry completions`.

use clap::Args;
use clap_complete::Shell;

use super::examples;

/// Print what a shell needs to complete `gantry` commands
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "source <(gantry completions bash)"
    "gantry completions zsh > ~/.zfunc/_gantry"
))]
pub struct Completions {
    pub shell: Shell,
}
