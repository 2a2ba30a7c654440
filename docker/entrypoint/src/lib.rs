//! What the images of PostgreSQL, Redis, Neo4j and `HAProxy` start with: prepare, become the server, and probe it.

pub mod haproxy;
pub mod neo4j;
pub mod postgres;
pub mod redis;

mod disk;
mod durations;
mod entry;
mod error;
mod exchange;
mod launch;
mod mounts;
mod names;
mod room;
mod secret;
mod settings;

pub use entry::run;
pub use error::Error;
