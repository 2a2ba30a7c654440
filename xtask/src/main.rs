//! `cargo xtask <verb>`: everything that is done to this repository rather than by it.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer reads this on a terminal"
)]

mod advisories;
mod bench;
mod check;
mod conformance;
mod containers;
mod deny;
mod install;
mod long;
mod program;
mod snapshots;
mod steps;
mod test;
mod tidy;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask <verb>

  test          what the README names: installs what tests need, lints, compiles once, runs everything
  check         before handing in: test, and besides documentation, advisories and cargo-deny
  tidy          the rules of docs/STYLE.md that a program can check; --write renews the generated pages
  advisories    Cargo.lock against the clone of RustSec's database that GANTRY_ADVISORIES names
  conformance   the conformance suite of MCP, both revisions, against the production router
  schemathesis  requests made from the OpenAPI document, both engines: --cases N, --seconds S and --seed N for each caller
  kill          kill -9 in the midst of writes, both engines: --times N
  kill-runs     kill -9 in the midst of runs of workflows, both engines: --times N --runs N
  images        every image, from base images that a registry has or that are made here, by an engine started if need be
  stack         the tests of the images and of both stacks, which are left running
  availability  replicas replaced and containers restarted under load: --requests N, --rate N a second, --seconds N
  agents        agents through the edge, replicas replaced and memory measured under their load: --calls N
  first-starts  PostgreSQL's probe while it initialises: --times N
  reproducible  the service images, built from nothing twice: the same digests
  clear         takes away what those left, and ends the engine that they started
  bench         compares Gantry with pgbench, COPY and bare handlers; `bench --help` has its commands
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["test"] => test::run(),
        ["check"] => check::run(),
        ["advisories"] => advisories::run(),
        ["tidy"] => tidy::run(false),
        ["tidy", "--write"] => tidy::run(true),
        ["conformance"] => conformance::run(),
        ["schemathesis", options @ ..] => long::schemathesis(options),
        ["kill", options @ ..] => long::kill(options),
        ["kill-runs", options @ ..] => long::kill_runs(options),
        ["images"] => containers::build(),
        ["stack"] => test::stack(),
        ["availability", options @ ..] => containers::availability(options),
        ["agents", options @ ..] => containers::agents(options),
        ["first-starts", options @ ..] => containers::first_starts(options),
        ["reproducible"] => containers::reproducible(),
        ["clear"] => containers::clear(),
        ["bench", arguments @ ..] => bench::start(arguments),
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
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
