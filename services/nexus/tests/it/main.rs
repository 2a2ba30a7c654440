//! Workflows from REST down to the rows: both engines, in one process and with dataflow behind a socket.

#![expect(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "a test ends where it fails, and is one story"
)]

mod agents;
mod cost;
mod events;
mod figures;
mod hooks;
mod interrupted;
mod outside;
mod rest;
mod sessions;
mod steered;
mod steps;
mod told;
mod triggers;
mod verbs;
mod world;
