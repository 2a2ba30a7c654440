//! The stack in containers, from outside: its images, who may speak to whom, what it survives.
//!
//! The tests share two stacks and run one after the other, in the order of their names.
#![expect(
    clippy::unwrap_used,
    clippy::too_many_lines,
    clippy::print_stdout,
    reason = "tests: a failure may panic, a table of cases is as long as it is, and a load says how far it came"
)]

mod agents;
mod availability;
mod development;
mod faults;
mod films;
mod hardening;
mod health;
mod images;
mod paths;
mod probes;
mod secrets;
mod sessions;
mod workflows;
mod workshop;

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::OnceLock;

use e2e::Stack;

/// Every service of the production stack that stays.
const SERVICES: [&str; 9] = [
    "edge", "api", "mcp", "nexus", "dataflow", "postgres", "redis", "neo4j", "backup",
];

/// The production stack over the films.
fn prod() -> &'static Stack {
    static STACK: OnceLock<Stack> = OnceLock::new();
    STACK.get_or_init(|| {
        // The cinema with workflows that are for tests only.
        let project = tempfile::tempdir().unwrap();
        e2e::copy(&top().join("examples/cinema"), project.path()).unwrap();
        let workflows = project.path().join("workflows");
        std::fs::write(workflows.join("marks.yaml"), workflows::MARKS).unwrap();
        std::fs::write(workflows.join("waits.yaml"), workflows::WAITS).unwrap();
        std::fs::write(workflows.join("noted.yaml"), sessions::NOTED).unwrap();
        up("prod", "prod", project.path())
    })
}

fn up(kind: &'static str, name: &str, project: &Path) -> Stack {
    let name = format!("gantry-{}-{name}", e2e::tag());
    Stack::up(kind, &name, project).unwrap_or_else(|error| panic!("{error:#}"))
}

/// The top of the checkout.
fn top() -> PathBuf {
    let target = e2e::target().expect("the tests lie in a checkout");
    target.parent().expect("target is in it").to_owned()
}

/// The long forms ask for more: `cargo xtask availability`, `cargo xtask first-starts`.
#[expect(
    clippy::disallowed_methods,
    reason = "tests read their own variables; no service does"
)]
fn asked<T: FromStr>(name: &str, usual: T) -> T
where
    T::Err: Debug,
{
    std::env::var(name).map_or(usual, |text| text.parse().expect("a number"))
}
