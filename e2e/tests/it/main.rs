//! Slow tests of the built `gantry`, from outside.
#![expect(clippy::unwrap_used, reason = "a test ends where it is surprised")]

mod cinema;
mod exhausted;
mod hostile;
mod kill;
mod place;
mod reload;
mod restart;
mod runs;
mod schemathesis;
mod streams;
mod writes;
