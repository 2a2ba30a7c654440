//! The store on both engines, with the same bodies.

mod migrate;
mod records;
