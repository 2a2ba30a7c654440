//! `gantry workflows`, `run`, `runs` and `signal`: at the place that is called.

use crate::args::{Output, Run, Runs, Signal, Workflows};
use crate::failure::Failure;
use crate::platform;

pub async fn list(args: Workflows, output: Output) -> Result<(), Failure> {
    let platform = platform::compose(&args.place).await?;
    Ok(verbs::workflows(&platform, output).await?)
}

pub async fn run(args: Run, output: Output) -> Result<(), Failure> {
    let platform = platform::compose(&args.place).await?;
    Ok(verbs::run(args.run, &platform, output).await?)
}

pub async fn runs(args: Runs, output: Output) -> Result<(), Failure> {
    let platform = platform::compose(&args.place).await?;
    Ok(verbs::runs(args.runs, &platform, output).await?)
}

pub async fn signal(args: Signal, output: Output) -> Result<(), Failure> {
    let platform = platform::compose(&args.place).await?;
    Ok(verbs::signal(args.signal, &platform, output).await?)
}
