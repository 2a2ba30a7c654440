//! Every node on both engines, as faces call them.
#![expect(
    clippy::unwrap_used,
    clippy::too_many_lines,
    clippy::print_stdout,
    reason = "tests: a failure may panic, a table of cases is as long as it is, and a sweep says how far it came"
)]

mod any_input;
mod bulk;
mod catalogue;
mod changes;
mod created;
mod cursors;
mod idempotency;
mod kept;
mod keys;
mod migrations;
mod policy;
mod questions;
mod records;
mod refs;
mod runs;
mod scopes;
mod serving;
mod sessions;
mod streams;
mod world;
