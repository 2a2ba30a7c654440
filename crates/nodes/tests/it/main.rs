//! Every node on both engines, as faces call them.

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
