//! `/entrypoint` of the image of Redis.

use std::process::ExitCode;

fn main() -> ExitCode {
    entrypoint::run(entrypoint::redis::act)
}
