//! `signal`: tells a run that waits what it waits for.

use std::io::Write as _;

use clap::Args;
use serde_json::value::RawValue;
use uuid::Uuid;
use wire::run::Tell;

use crate::{Failure, Output, Platform, ask, body_of, examples};

/// Tell a run something that it waits for
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "gantry signal 0197c1de-8f6a-7c3e-9d1b-2f4f5a6b7c8d paid"
    "gantry signal 0197c1de-8f6a-7c3e-9d1b-2f4f5a6b7c8d paid --json '{\"amount\": \"9.90\"}'"
))]
pub struct Signal {
    /// The run's id
    pub run: Uuid,

    /// The signal's name, as the workflow's step says it
    pub name: String,

    /// What is told with it: JSON text, `@file`, or `-` for standard input
    #[arg(long, value_name = "JSON")]
    pub json: Option<String>,
}

pub async fn signal(args: Signal, platform: &Platform, output: Output) -> Result<(), Failure> {
    let payload = args.json.as_deref().map(payload).transpose()?;
    let told = Tell {
        id: args.run,
        name: args.name,
        payload,
    };
    let (_, body) = ask(platform, "run.signal", &told).await?;
    match output {
        Output::Json => writeln!(anstream::stdout(), "{}", String::from_utf8_lossy(&body))?,
        Output::Text => writeln!(anstream::stderr(), "told `{}` to {}", told.name, told.id)?,
    }
    Ok(())
}

fn payload(source: &str) -> Result<Box<RawValue>, Failure> {
    let bytes = body_of(source)?;
    let wrong = |error| Failure::usage(format!("--json: {error}"));
    serde_json::from_slice(&bytes).map_err(wrong)
}
