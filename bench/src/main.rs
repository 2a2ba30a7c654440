//! Comparisons in one interleaved run, on loopback only: Gantry, a bare handler and pgbench over one PostgreSQL.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for a developer's terminal"
)]

mod bare;
mod contender;
mod load;
mod options;
mod pgbench;
mod report;
mod rest;
mod tables;
mod work;

use std::process::ExitCode;

const HELP: &str = "\
bench rest [options]   the comparison; `cargo xtask bench rest` builds what it needs
  --rounds 3           how often everything is measured
  --seconds 2          how long one measurement takes, after a warm-up of a quarter of that
  --concurrency 1,16,64
  --works read,list,create,bulk
  --against pgbench,bare,gantry,split
  --note text          a line for the report: the machine, the commit
  for example: bench rest --works read,list --against bare,gantry --concurrency 16

Started by it, each in a process of its own:
bench bare <postgres url> <port>
bench load <port> <work> <concurrency> <seconds> [bearer token]
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["rest", "--help" | "-h"] | ["--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        ["rest", rest @ ..] => {
            options::Options::parse(rest).and_then(|options| rest::run(&options))
        }
        ["bare", database, port] => bare::run(database, port),
        ["load", port, work, concurrency, seconds, token @ ..] => {
            load::run(port, work, concurrency, seconds, token.first().copied())
        }
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(64);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
