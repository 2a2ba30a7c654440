//! `gantry render`: what runs a project, written out.

use std::io::Write as _;

use serde_json::json;

use crate::args::{Output, Render, RenderVerb};
use crate::failure::Failure;
use crate::{platform, stack};

pub fn run(args: &Render, output: Output) -> Result<(), Failure> {
    let RenderVerb::Compose(args) = &args.verb;
    let folder = args.project.as_ref().unwrap_or(&args.folder);
    platform::is_project(folder)?;
    if args.stdout {
        let mut out = anstream::stdout();
        for (name, text) in stack::RENDERED {
            writeln!(out, "--- # {name}\n{text}")?;
        }
        return Ok(());
    }
    let written = stack::render(folder, args.force)?;
    let shown = folder.display();
    match output {
        Output::Json => writeln!(
            anstream::stdout(),
            "{}",
            json!({"folder": folder, "files": written})
        )?,
        Output::Text if written.is_empty() => {
            writeln!(
                anstream::stderr(),
                "the compose files in {shown} say this already"
            )?;
        }
        Output::Text => {
            let mut out = anstream::stdout();
            written
                .iter()
                .try_for_each(|name| writeln!(out, "{shown}/{name}"))?;
            writeln!(
                anstream::stderr(),
                "\nNext: gantry secrets init -C {shown}, then gantry up --stack dev {shown}"
            )?;
        }
    }
    Ok(())
}
