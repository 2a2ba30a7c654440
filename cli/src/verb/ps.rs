//! `gantry ps`: the containers of a project.

use std::io::Write as _;

use docker::Container;
use serde_json::{Value, json};
use verbs::Table;

use crate::args::{Output, Ps};
use crate::failure::Failure;
use crate::stack::Place;

pub async fn run(args: Ps, output: Output) -> Result<(), Failure> {
    let place = Place::of(&args.folder, &args.name, None)?;
    docker::check().await?;
    let containers = place.containers().await?;
    match output {
        Output::Json => writeln!(anstream::stdout(), "{}", to_json(&containers))?,
        Output::Text if containers.is_empty() => writeln!(
            anstream::stderr(),
            "{} has no containers: `gantry up --stack dev` starts them",
            place.name
        )?,
        Output::Text => table(&containers).print()?,
    }
    Ok(())
}

pub fn to_json(containers: &[Container]) -> Value {
    let rows = containers.iter().map(|container| {
        json!({
            "service": container.service,
            "container": container.name,
            "state": container.state.word(),
            "health": container.health.word(),
            "exit_code": container.exit_code,
            "status": container.status,
            "ports": container.ports,
            "image": container.image,
        })
    });
    rows.collect()
}

pub fn table(containers: &[Container]) -> Table {
    let mut table = Table::new(["service", "state", "health", "since", "ports", "image"]);
    for container in containers {
        table.push(&[
            container.service.clone(),
            container.state.word().to_owned(),
            container.health.word().to_owned(),
            since(&container.status).to_owned(),
            container.ports.join(", "),
            container.image.clone(),
        ]);
    }
    table
}

/// `3 minutes` of `Up 3 minutes (healthy)`, `2 seconds ago` of `Exited (3) 2 seconds ago`.
fn since(status: &str) -> &str {
    let status = status.strip_prefix("Up ").unwrap_or(status);
    let status = status.split_once(" (").map_or(status, |(since, rest)| {
        let after = rest.split_once(") ").map(|(_, after)| after);
        after.unwrap_or(since)
    });
    status.trim()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_engines_sentence_is_cut_to_its_time() {
        for (status, expected) in [
            ("Up 3 minutes (healthy)", "3 minutes"),
            ("Up 1 second (health: starting)", "1 second"),
            ("Up 2 hours", "2 hours"),
            ("Exited (3) 2 seconds ago", "2 seconds ago"),
            ("Restarting (1) 4 seconds ago", "4 seconds ago"),
            ("Created", "Created"),
            ("", ""),
        ] {
            assert_eq!(super::since(status), expected);
        }
    }
}
