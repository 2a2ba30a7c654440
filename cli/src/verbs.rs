//! One file per verb; here the way to each.

mod completions;
mod version;

use crate::args::{Cli, Verb};
use crate::failure::Failure;

pub fn run(cli: Cli) -> Result<(), Failure> {
    let output = cli.output;
    match cli.verb {
        Verb::Completions(args) => completions::run(&args),
        Verb::Version => version::run(output),
        _ => Ok(()),
    }
}
