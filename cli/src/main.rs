//! The command `gantry`: reads the command line, runs the verb, ends with its exit code.

#![expect(
    unreachable_pub,
    reason = "a program has no outside: `pub` tells what a module offers to the others"
)]

mod args;
mod failure;
mod platform;
mod progress;
mod secrets;
mod stack;
mod verb;

use std::process::ExitCode;

use clap::Parser as _;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    let output = cli.output;
    match verb::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(output),
    }
}
