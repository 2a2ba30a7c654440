//! `cargo xtask bench`: builds what is compared, then hands over to the `bench` program.

use crate::install;
use crate::program::{cargo, root, run};

/// All but `--profile` is the `bench` program's.
pub(crate) fn start(arguments: &[&str]) -> anyhow::Result<()> {
    // Without the long link: the same code generation but for cross-crate inlining at link time; `--profile release`
    // takes what is shipped.
    let mut arguments = arguments.to_vec();
    let profile = match arguments.iter().position(|word| *word == "--profile") {
        Some(at) if at + 1 < arguments.len() => {
            arguments.drain(at..at + 2).nth(1).unwrap_or("quick")
        }
        _ => "quick",
    };
    if arguments.first() == Some(&"mcp") {
        install::fastmcp()?;
    }
    run(&mut cargo(&[
        "build",
        "--workspace",
        "--bins",
        "--locked",
        "--profile",
        profile,
    ]))?;
    let folder = root().join("target").join(profile);
    run(crate::program::program(folder.join("bench")).args(arguments))
}
