//! A process's life and its ends, in processes of their own.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

mod child;
mod life;
mod wedged;
