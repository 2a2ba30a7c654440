//! What tests stand on: a private PostgreSQL server that ends by itself, and a fresh database for each test.

mod database;
pub mod postgres;

pub use database::{Database, Engine, on_both_engines};
pub use postgres::{OwnPostgres, Session, Stop};
