//! Command-line verbs that need nodes to call and nothing else, for every program that has them; and how a verb shows
//! what it found, and fails.

mod ask;
mod failure;
mod key;
pub mod reading;
mod run;
mod runs;
mod sessions;
mod signal;
mod steps;
mod table;
pub mod words;
mod workflows;

use std::sync::Arc;

use clap::ValueEnum;
use wire::{Caller, Calls};

pub use ask::{ask, ask_json, body_of};
pub use failure::{Failure, write_error, write_hint, write_problem};
pub use key::key;
pub use run::{Run, run};
pub use runs::{Runs, runs};
pub use sessions::{Sessions, sessions};
pub use signal::{Signal, signal};
pub use table::{Table, printable, terminal_width};
pub use workflows::workflows;

/// Nodes to call, and as whom.
pub struct Platform {
    pub calls: Arc<dyn Calls>,
    pub caller: Caller,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Output {
    #[default]
    Text,
    Json,
}

/// The section of examples that closes each help page; clap strips the colours where they are not wanted.
#[macro_export]
macro_rules! examples {
    ($($line:literal)+) => {
        concat!("\x1b[1m\x1b[4mExamples:\x1b[0m", $("\n  ", $line),+)
    };
}
