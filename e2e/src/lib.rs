//! The built `gantry` and its stack of containers seen from outside: started, spoken to over HTTP, and ended one way or
//! another.

mod agent;
mod edge;
pub mod engine;
mod gantry;
mod http;
mod stack;

pub use agent::Agent;
pub use edge::Edge;
pub use gantry::{Gantry, binary};
pub use http::{Answer, request};
pub use stack::{Ports, Stack, copy, tag, target};
