//! The service as a process: what it waits for, what it says of itself, what it does once.
#![expect(clippy::unwrap_used, reason = "a test ends where it is surprised")]

mod groups;
mod program;
mod seed;
mod start;
