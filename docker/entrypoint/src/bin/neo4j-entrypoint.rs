//! `/entrypoint` of the image of Neo4j.

use std::process::ExitCode;

fn main() -> ExitCode {
    entrypoint::run(entrypoint::neo4j::act)
}
