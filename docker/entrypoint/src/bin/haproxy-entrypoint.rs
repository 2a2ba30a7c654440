//! `/entrypoint` of the image of `HAProxy`.

use std::process::ExitCode;

fn main() -> ExitCode {
    entrypoint::run(entrypoint::haproxy::act)
}
