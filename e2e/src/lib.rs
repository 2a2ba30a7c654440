//! The built `gantry` seen from outside: a process that is started, spoken to over HTTP, and ended one way or another.

mod gantry;
mod http;

pub use gantry::Gantry;
pub use http::{Answer, request};
