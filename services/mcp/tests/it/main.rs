//! The mcp service over real catalogues: both engines, in one process and with dataflow behind a socket.

mod confirm;
mod eras;
mod reading;
mod tools;
mod world;
