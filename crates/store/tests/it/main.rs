//! The store on both engines, with the same bodies.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::too_many_lines,
    reason = "a test ends where it fails, says how far a sweep came, and is one story"
)]

mod migrate;
mod records;
