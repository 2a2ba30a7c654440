//! What tests stand on: a private PostgreSQL server that ends by itself, and a fresh database for each test; a Redis server of a
//! test's own; the page of settings; what a stream says.

mod database;
mod heard;
pub mod postgres;
mod redis;
mod settings;

pub use database::{Database, Engine, on_both_engines};
pub use heard::Heard;
pub use postgres::{OwnPostgres, Session, Stop};
pub use redis::Redis;
pub use settings::settings_are_described;
