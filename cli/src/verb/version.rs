//! `gantry version`.

use std::io::Write as _;

use serde_json::json;

use crate::args::Output;
use crate::failure::Failure;

pub fn run(output: Output) -> Result<(), Failure> {
    let version = env!("CARGO_PKG_VERSION");
    let mut out = anstream::stdout();
    match output {
        Output::Text => writeln!(out, "gantry {version}")?,
        Output::Json => writeln!(out, "{}", json!({"name": "gantry", "version": version}))?,
    }
    Ok(())
}
