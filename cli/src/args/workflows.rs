//! `gantry workflows`, `run`, `runs`, `signal` and `sessions`: [`verbs`] with a place to call.

use clap::Args;

use super::{Place, examples};

/// List the workflows and their inputs
#[derive(Debug, Args)]
#[command(after_help = examples!("gantry workflows" "gantry workflows --url http://127.0.0.1:8000"))]
pub struct Workflows {
    #[command(flatten)]
    pub place: Place,
}

#[derive(Debug, Args)]
#[group(skip)]
pub struct Run {
    #[command(flatten)]
    pub run: verbs::Run,

    #[command(flatten)]
    pub place: Place,
}

#[derive(Debug, Args)]
#[group(skip)]
// Where calls go may be said behind the verb as well.
#[command(mut_args(|arg| arg.global(true)))]
pub struct Runs {
    #[command(flatten)]
    pub runs: verbs::Runs,

    #[command(flatten)]
    pub place: Place,
}

#[derive(Debug, Args)]
#[group(skip)]
pub struct Signal {
    #[command(flatten)]
    pub signal: verbs::Signal,

    #[command(flatten)]
    pub place: Place,
}

#[derive(Debug, Args)]
#[group(skip)]
// Where calls go may be said behind the verb as well.
#[command(mut_args(|arg| arg.global(true)))]
pub struct Sessions {
    #[command(flatten)]
    pub sessions: verbs::Sessions,

    #[command(flatten)]
    pub place: Place,
}
