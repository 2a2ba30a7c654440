//! `gantry validate`.

use std::io::Write as _;

use serde_json::json;
use verbs::words;
use wire::ExitKind;

use crate::args::{Output, Validate};
use crate::failure::{Failure, mistakes_json};
use crate::platform;

pub fn run(args: &Validate, output: Output) -> Result<(), Failure> {
    let mut out = anstream::stdout();
    match (platform::project(&args.folder), output) {
        (Ok(project), Output::Text) => writeln!(
            out,
            "{}: {}, {}, {} and {}, no mistakes",
            project.name,
            words::count(project.models.iter().len(), "model"),
            words::count(project.workflows.len(), "workflow"),
            words::count(project.seeds.len(), "seed"),
            words::count(project.groups.len(), "group")
        )?,
        (Ok(project), Output::Json) => writeln!(
            out,
            "{}",
            json!({
                "project": project.name,
                "models": project.models.iter().len(),
                "workflows": project.workflows.len(),
                "seeds": project.seeds.len(),
                "groups": project.groups.len(),
                "mistakes": [],
            })
        )?,
        // The mistakes are what was asked for: data, not talk.
        (Err(Failure::Mistakes(mistakes)), Output::Json) => {
            writeln!(out, "{}", json!({"mistakes": mistakes_json(&mistakes)}))?;
            return Err(Failure::told(ExitKind::Input));
        }
        (Err(failure), _) => return Err(failure),
    }
    Ok(())
}
