//! The mcp service over real catalogues: both engines, in one process and with dataflow behind a socket.

#![expect(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "a test ends where it fails, and is one story with its snapshots"
)]

mod confirm;
mod drain;
mod eras;
mod reading;
mod refusals;
mod socket;
mod told;
mod tools;
mod world;
