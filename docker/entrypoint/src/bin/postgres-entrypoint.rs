//! `/entrypoint` of the image of PostgreSQL.

use std::process::ExitCode;

fn main() -> ExitCode {
    entrypoint::run(entrypoint::postgres::act)
}
