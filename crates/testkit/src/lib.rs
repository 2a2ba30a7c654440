//! What tests stand on: a private PostgreSQL server that ends by itself, and a fresh database for each test; a Redis server of a
//! test's own.

mod database;
pub mod postgres;
mod redis;

pub use database::{Database, Engine, on_both_engines};
pub use postgres::{OwnPostgres, Session, Stop};
pub use redis::Redis;
