//! What tests stand on: a private PostgreSQL server that ends by itself, and a fresh database for each test.
#![expect(
    clippy::missing_panics_doc,
    reason = "a test that cannot have its database ends there, with the cause in the message"
)]

mod database;
pub mod postgres;

pub use database::{Database, Engine, on_both_engines};
