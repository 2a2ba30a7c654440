//! Every node on both engines, as faces call them.
#![expect(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "tests: a failure may panic, and a table of cases is as long as it is"
)]

mod any_input;
mod bulk;
mod catalogue;
mod idempotency;
mod keys;
mod policy;
mod questions;
mod records;
mod refs;
mod world;
