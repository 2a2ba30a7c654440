//! `gantry completions`.

use std::io::Write as _;

use clap::CommandFactory as _;

use crate::args::{Cli, Completions};
use crate::failure::Failure;

pub fn run(args: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "gantry", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(())
}
