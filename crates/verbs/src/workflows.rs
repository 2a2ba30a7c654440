//! `workflows`: what can be run.

use std::io::Write as _;

use serde_json::{Value, json};
use wire::NodeInfo;

use crate::{Failure, Output, Platform, Table};

/// Those that the caller sees, with their inputs.
pub async fn workflows(platform: &Platform, output: Output) -> Result<(), Failure> {
    let catalogue = platform.calls.catalogue(&platform.caller).await?;
    let known: Vec<&NodeInfo> = catalogue
        .nodes
        .iter()
        .filter(|node| node.name.family() == "workflow")
        .collect();
    match output {
        Output::Json => {
            let told = known.iter().map(|node| {
                json!({"workflow": node.name.verb(), "about": node.about, "input": node.input.tree()})
            });
            let told = Value::Array(told.collect());
            writeln!(anstream::stdout(), "{told}")?;
        }
        Output::Text if known.is_empty() => writeln!(
            anstream::stderr(),
            "no workflows: write one in the project's folder workflows/ (docs/WORKFLOWS.md)"
        )?,
        Output::Text => {
            let mut table = Table::new(["workflow", "inputs", "about"]);
            for node in known {
                table.push(&[
                    node.name.verb().to_owned(),
                    members(&node.input.tree()),
                    about(node),
                ]);
            }
            table.print()?;
        }
    }
    Ok(())
}

/// What it does: that calling it starts it is known here.
fn about(node: &NodeInfo) -> String {
    let about = node.about.lines().next().unwrap_or_default();
    let starts = format!("Starts the workflow {}", node.name.verb());
    let rest = about.strip_prefix(&*starts).unwrap_or(about);
    rest.trim_start_matches([':', '.', ' ']).to_owned()
}

/// `film, rating?`: with a question mark what may be left out.
pub(crate) fn members(schema: &Value) -> String {
    let required = schema["required"].as_array();
    let is_required = |name: &String| {
        required.is_some_and(|names| names.iter().any(|other| other.as_str() == Some(name)))
    };
    let names = schema["properties"].as_object();
    let names = names.into_iter().flat_map(|properties| properties.keys());
    let names = names.map(|name| {
        let mark = if is_required(name) { "" } else { "?" };
        format!("{name}{mark}")
    });
    names.collect::<Vec<_>>().join(", ")
}
