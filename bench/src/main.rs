//! Comparisons in interleaved runs, on loopback only: Gantry, bare handlers, pgbench and COPY over the same databases.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for a developer's terminal"
)]

mod answer;
mod bare;
mod bare_mcp;
mod bare_sqlite;
mod chart;
mod compare;
mod connection;
mod containers;
mod contender;
mod copy;
mod entrant;
mod flow;
mod kind;
mod load;
mod machine;
mod mcp;
mod million;
mod models;
mod options;
mod pages;
mod pgbench;
mod place;
mod process;
mod project;
mod report;
mod rest;
mod results;
mod sqlite_file;
mod start;
mod statements;
mod stream;
mod tables;
mod targets;
mod work;

use std::process::ExitCode;

use options::Options;
use place::Place;
use results::Results;

const HELP: &str = "\
bench <command> [options]   `cargo xtask bench <command>` builds what it needs; `--profile release` as it is shipped
  rest     reads, lists, creates and bulk creates against pgbench, COPY and bare handlers; what each costs
  pages    the first page and the ten-thousandth
  start    from start to first answer, memory at rest, size
  stream   a million films out and in: rows a second, memory
  containers  the same program natively, in containers by each network, and published; needs `cargo xtask images`
  mcp      calls of tools against a bare server on rmcp and FastMCP
  flow     runs and steps of workflows against pgbench's inserts, how soon a run is begun
  all      one after another
  models   starts, reloads, reads and OpenAPI among many models, with options of its own:
           --models 1000 --fields 100 --refs 50 --saves 3
  report <name>   renews docs/PERFORMANCE.md and docs/performance.svg from bench/results/<name>.json

  --rounds 3           how often everything is measured
  --seconds 2          how long one measurement takes, after a warm-up of a quarter of that
  --note text          a line for the report
  --save name          keeps the figures in bench/results/<name>.json, beside those of other commands
  --compare name       what is faster and slower than in that file
  of rest:
  --concurrency 1,16,64
  --works read,list,create,bulk
  --against pgbench,copy,bare,gantry,split,sqlite-bare,sqlite-gantry
  of stream and pages:
  --rows 1000000
  of containers:
  --quiet 0            so many seconds are waited at most, before each comparison, for nobody else to compute
  of start:
  --models 1,1000      how many models the projects have
  for example: bench rest --works read,list --against bare,gantry --concurrency 16

Started by it, each in a process of its own:
bench bare <postgres url> <port>
bench bare-sqlite <file> <port>
bench bare-mcp <postgres url> <port>
bench copy <postgres url> <concurrency> <seconds>
bench load <port or host:port> <work, path, mcp:<era>:<tool> or run:<workflow>> <concurrency> <seconds>
";

type Command = fn(&Options, &Place) -> anyhow::Result<Results>;

const COMMANDS: &[(&str, Command)] = &[
    ("rest", rest::run),
    ("pages", pages::run),
    ("start", start::run),
    ("stream", stream::run),
    ("containers", containers::run),
    ("mcp", mcp::run),
    ("flow", flow::run),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        [.., "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        ["bare", database, port] => bare::run(database, port),
        ["bare-sqlite", file, port] => bare_sqlite::run(file, port),
        ["bare-mcp", database, port] => bare_mcp::run(database, port),
        ["copy", database, concurrency, seconds] => copy::run(database, concurrency, seconds),
        ["load", address, asked, concurrency, seconds] => {
            load::run(address, asked, concurrency, seconds)
        }
        ["report", name] => report(name),
        ["models", options @ ..] => {
            models::Options::parse(options).and_then(|options| models::run(&options))
        }
        [command, options @ ..] if commands(command).next().is_some() => compared(command, options),
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

fn commands(asked: &str) -> impl Iterator<Item = Command> {
    COMMANDS
        .iter()
        // An engine and images are not everyone's, so that one is asked for by its name.
        .filter(move |(name, _)| asked == *name || asked == "all" && *name != "containers")
        .map(|(_, command)| *command)
}

fn compared(command: &str, options: &[&str]) -> anyhow::Result<()> {
    let options = Options::parse(options)?;
    // Before an hour is spent.
    let then = options.compare.as_ref();
    let then = then
        .map(|name| Results::load(&place::checkout()?, name))
        .transpose()?;
    let place = Place::prepare()?;
    for run in commands(command) {
        let results = run(&options, &place)?;
        println!("\n{}", report::tables(&results));
        if let Some(name) = &options.save {
            results.save(&place.top, name)?;
        }
        if let Some(then) = &then {
            println!("{}", compare::table(&results, then));
        }
    }
    Ok(())
}

fn report(name: &str) -> anyhow::Result<()> {
    let name = options::file_name(name)?;
    let top = place::checkout()?;
    report::write(&top, &name, &Results::load(&top, &name)?)
}
