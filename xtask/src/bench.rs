//! `cargo xtask bench rest`: builds what is compared, then hands over to the `bench` program.

use crate::program::{cargo, root, run};

/// The options are those of `bench rest`.
pub(crate) fn rest(options: &[&str]) -> anyhow::Result<()> {
    // Without the long link: the same code generation but for cross-crate inlining at link time; `--profile release`
    // takes what is shipped.
    let mut options = options.to_vec();
    let profile = match options.iter().position(|option| *option == "--profile") {
        Some(at) if at + 1 < options.len() => options.drain(at..at + 2).nth(1).unwrap_or("quick"),
        _ => "quick",
    };
    run(&mut cargo(&[
        "build",
        "--workspace",
        "--bins",
        "--locked",
        "--profile",
        profile,
    ]))?;
    let folder = root().join("target").join(profile);
    run(crate::program::program(folder.join("bench"))
        .arg("rest")
        .args(options))
}
