//! Docker Engine work as values, and the one function that runs them.

mod command;
mod compose;
mod container;
mod engine;
mod error;
pub mod lint;
mod read;
mod run;
mod stack;

pub use command::Command;
pub use compose::{Compose, Up};
pub use container::{Container, Health, Probe, State, containers, probes};
pub use engine::{
    Bake, Engine, Version, buildx_version, check, check_compose, image_inspect, inspect_health,
};
pub use error::Error;
pub use run::{Captured, run, show};
pub use stack::{Build, Published, Service, Stack};
