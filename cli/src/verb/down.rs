//! `gantry down`: the containers of a project, ended and removed.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use serde_json::json;
use wire::ExitKind;

use crate::args::{Down, Output};
use crate::failure::Failure;
use crate::stack::Place;

pub async fn run(args: Down, output: Output) -> Result<(), Failure> {
    let place = Place::of(&args.folder, &args.name, None)?;
    docker::check().await?;
    if args.volumes && !args.yes {
        confirm(&place)?;
    }
    docker::show(&place.running().down(args.volumes)).await?;
    match output {
        Output::Json => writeln!(
            anstream::stdout(),
            "{}",
            json!({"stack": place.name, "volumes": args.volumes})
        )?,
        Output::Text if args.volumes => {
            writeln!(
                anstream::stderr(),
                "{} is down, and its data is gone",
                place.name
            )?;
        }
        Output::Text => writeln!(
            anstream::stderr(),
            "{} is down; its data is kept for the next `gantry up --stack …`",
            place.name
        )?,
    }
    Ok(())
}

fn confirm(place: &Place) -> Result<(), Failure> {
    let refused = |detail: &str| {
        Err(Failure::refused(ExitKind::Unsafe, detail)
            .hint("`--volumes` deletes every record of the stack; say `--yes` if that is meant"))
    };
    if !io::stdin().is_terminal() {
        return refused("nobody can be asked whether the data may go");
    }
    write!(
        anstream::stderr(),
        "Every record of {} is deleted, and cannot be had back. Go on? [y/N] ",
        place.name
    )?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => refused("nothing was deleted, and the stack runs on"),
    }
}
