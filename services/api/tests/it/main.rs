//! REST from outside, over nodes that repeat what they were asked.

#![expect(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "a test ends where it fails, and is one story with its snapshots"
)]

mod changes;
mod echo;
mod migrations;
mod openapi;
mod rest;
mod stack;
mod stories;
mod streams;
mod tokens;
