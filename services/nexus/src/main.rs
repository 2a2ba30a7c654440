//! The nexus service, and the verbs by which it is asked.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match nexus::verb() {
        Some(ended) => ended,
        None => chassis::run("nexus", nexus::run),
    }
}
