//! The store on both engines, with the same bodies.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test ends where it fails, and says how far a sweep came"
)]

mod migrate;
mod records;
