//! `cargo xtask check`: the tests' command, and besides what takes a tool or minutes that CI does not have.

use crate::program::{self, cargo};
use crate::steps::Steps;
use crate::{advisories, deny, test};

fn documentation() -> anyhow::Result<()> {
    let arguments = ["doc", "--workspace", "--no-deps", "--locked", "--quiet"];
    program::run(cargo(&arguments).env("RUSTDOCFLAGS", "-D warnings"))
}

fn all(steps: &mut Steps) -> test::Tally {
    steps.run("documents", documentation);
    steps.outcome("advisories", advisories::outcome);
    steps.outcome("deny", deny::outcome);
    test::all(steps)
}

pub(crate) fn run() -> anyhow::Result<()> {
    let mut steps = Steps::default();
    let tally = all(&mut steps);
    steps.print();
    println!("{}", tally.summary());
    steps.verdict()
}
