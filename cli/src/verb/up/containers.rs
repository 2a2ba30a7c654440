//! `gantry up --stack`: from a project's folder to containers that serve it.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anstyle::Style;
use docker::{Compose, Stack};
use serde_json::json;
use verbs::words;
use wire::ExitKind;

use crate::args::{Containers, Output, Scale, Stage, Up};
use crate::failure::Failure;
use crate::platform;
use crate::secrets::{CertificateWish, Secret};
use crate::stack::{self, Board, Building, Ended, Phase, Place, Standing, Start, Wish};
use crate::verb::secrets;

const LOUD: Style = Style::new().bold();
const LIMIT: Duration = Duration::from_mins(5);
/// Everything is compiled before the first answer.
const WORKSHOP_LIMIT: Duration = Duration::from_mins(30);
/// The edge's own port for https.
const HTTPS: u16 = 8443;

pub async fn run(args: Up, stage: Stage, output: Output) -> Result<(), Failure> {
    let wish = &args.containers;
    // Mistakes first: a stack that cannot serve its project is not started.
    let project = platform::project(&args.folder)?;
    let place = Place::of(&args.folder, &wish.name, Some(&wish.secrets))?;
    let engine = docker::check().await?;
    tell_secrets(&place)?;
    let building = building(&place, wish)?;
    let mut compose = files(&place, &building, stage, wish.workshop)?;
    let stack = read(&compose, &wish.scale).await?;
    stack::ports_told_before(&stack, &place.containers().await?)?;
    building.bring(&compose, &stack).await?;
    let overlays = stack::overlays(&place.folder, &engine, &stack, &place.secrets)?;
    compose.files.extend(overlays);
    let up = compose.up(&docker::Up {
        scale: wish.scale.clone(),
    });
    let usual = if wish.workshop { WORKSHOP_LIMIT } else { LIMIT };
    let limit = wish.wait_timeout.map_or(usual, Duration::from_secs);
    let mut board = Board::start();
    let start = Start {
        place: &place,
        stack: &stack,
        counts: &wish.scale,
        up: &up,
        limit,
        asks: !wish.workshop,
    };
    let ended = tokio::select! {
        ended = start.until_ready(&mut board) => ended?,
        _ = tokio::signal::ctrl_c() => return Err(interrupted(&place)),
    };
    board.end();
    let screen = Screen {
        project: &project.name,
        stage,
        place: &place,
        stack: &stack,
        took: board.took(),
    };
    match (ended, output) {
        (Ended::Ready, Output::Text) => screen.print(),
        (Ended::Ready, Output::Json) => Ok(writeln!(anstream::stdout(), "{}", screen.to_json())?),
        (Ended::Failed(standings, said), _) => Err(failed(&place, &standings, &said).await),
        (Ended::Late(standings), _) => {
            let said = format!("it did not serve within {} s", limit.as_secs());
            Err(failed(&place, &standings, &said).await)
        }
    }
}

/// The stack's files, and what they are told.
fn files(
    place: &Place,
    building: &Building,
    stage: Stage,
    is_workshop: bool,
) -> Result<Compose, Failure> {
    let mut compose = place.compose(stage)?;
    if is_workshop {
        if stage == Stage::Prod || building.source.is_none() {
            let detail = "a workshop is for development, and builds from a checkout of Gantry";
            return Err(
                Failure::usage(detail).hint("`gantry up --stack dev --workshop --source FOLDER`")
            );
        }
        compose.files.push(stack::workshop(&place.folder)?);
    }
    if let Some(source) = &building.source {
        let source = ("GANTRY_SOURCE".to_owned(), source.into());
        compose.variables.push(source);
    }
    Ok(compose)
}

/// Makes secrets where there are none, and says so.
fn tell_secrets(place: &Place) -> Result<(), Failure> {
    let done = secrets::init(place, &CertificateWish::default())?;
    let mut err = anstream::stderr();
    if !done.made.is_empty() {
        let made = words::count(done.made.len(), "secret");
        writeln!(err, "made {made} in {}", done.folder.display())?;
    }
    for note in &done.notes {
        writeln!(err, "note: {note}")?;
    }
    Ok(())
}

fn building(place: &Place, args: &Containers) -> Result<Building, Failure> {
    let named = args
        .source
        .clone()
        .filter(|source| !source.as_os_str().is_empty());
    let named = named.or_else(|| place.dotenv.value("GANTRY_SOURCE").map(PathBuf::from));
    let source = if let Some(source) = named {
        Some(source.canonicalize().map_err(|error| {
            let detail = format!("there is no checkout {}: {error}", source.display());
            Failure::refused(ExitKind::NotFound, detail)
                .hint("--source and GANTRY_SOURCE name a checkout of Gantry")
        })?)
    } else {
        let here = std::env::current_dir()?;
        Building::checkout_above(&here).or_else(|| Building::checkout_above(&place.folder))
    };
    Ok(Building {
        wish: match (args.build, args.no_build) {
            (true, _) => Wish::Always,
            (false, true) => Wish::Never,
            (false, false) => Wish::IfMissing,
        },
        source,
        ca: args.ca.clone().filter(|ca| !ca.as_os_str().is_empty()),
    })
}

async fn read(compose: &Compose, scale: &[Scale]) -> Result<Stack, Failure> {
    let answer = stack::ask(&compose.config()).await?;
    let stack = Stack::read(&answer.stdout)?;
    for (service, _) in scale {
        if stack.service(service).is_none() {
            let names = stack.services.iter().map(|service| service.name.as_str());
            let hint = model::did_you_mean(service, names.clone());
            let hint = hint
                .unwrap_or_else(|| format!("there are {}", names.collect::<Vec<_>>().join(", ")));
            let detail = format!("--scale: there is no service `{service}`");
            return Err(Failure::usage(detail).hint(hint));
        }
    }
    Ok(stack)
}

fn interrupted(place: &Place) -> Failure {
    let detail = format!(
        "interrupted; what has started of {} is left as it is",
        place.name
    );
    Failure::refused(ExitKind::Unavailable, detail).hint(format!(
        "`gantry ps {folder}` shows it, the same command goes on, `gantry down {folder}` ends it",
        folder = place.folder.display()
    ))
}

async fn failed(place: &Place, standings: &[Standing], said: &str) -> Failure {
    stack::tell_post_mortem(place, standings).await;
    // A closed standard error leaves nobody to tell.
    let _ = writeln!(anstream::stderr());
    // Who waits is told only where nobody is the cause.
    let of = |cause: fn(&Phase) -> bool| -> Vec<String> {
        let causes = standings.iter().filter(|standing| cause(&standing.phase));
        causes
            .map(|standing| format!("{} {}", standing.service, standing.phase))
            .collect()
    };
    let failed = of(Phase::is_failed);
    let bad = if failed.is_empty() {
        of(|phase| !phase.is_good())
    } else {
        failed
    };
    let mut said = said.lines().map(str::trim).filter(|line| !line.is_empty());
    // Compose tells the same of every container first; what went wrong comes last.
    let said = said
        .next_back()
        .map(|line| format!(" ({line})"))
        .unwrap_or_default();
    let bad = if bad.is_empty() {
        "it does not serve".to_owned()
    } else {
        bad.join(", ")
    };
    let detail = format!("{} did not come up: {bad}{said}", place.name);
    Failure::refused(ExitKind::Unavailable, detail).hint(format!(
        "everything is left for you to look at: `docker compose -p {name} logs`; `gantry down {folder}` ends it",
        name = place.name,
        folder = place.folder.display()
    ))
}

/// What is shown once the stack serves.
struct Screen<'a> {
    project: &'a str,
    stage: Stage,
    place: &'a Place,
    stack: &'a Stack,
    took: Duration,
}

impl Screen<'_> {
    fn url(&self) -> Option<String> {
        let edge = self.stack.service("edge")?;
        let port = edge.published.iter().find(|port| port.target == HTTPS)?;
        let host = match port.address.as_deref() {
            None | Some("127.0.0.1" | "::1" | "0.0.0.0" | "::") => "localhost".to_owned(),
            Some(address) if address.contains(':') => format!("[{address}]"),
            Some(address) => address.to_owned(),
        };
        Some(format!("https://{host}:{}", port.port))
    }

    /// Where agents find their tools.
    fn agents(&self) -> Option<String> {
        self.stack.service("mcp")?;
        Some(format!("{}/mcp", self.url()?))
    }

    /// Ports besides the edge's.
    fn others(&self) -> Vec<(String, String)> {
        let services = self.stack.services.iter().filter(|s| s.name != "edge");
        let ports = services.flat_map(|service| {
            service.published.iter().map(|port| {
                let address = port.address.as_deref().unwrap_or("127.0.0.1");
                (service.name.clone(), format!("{address}:{}", port.port))
            })
        });
        ports.collect()
    }

    fn key_file(&self) -> PathBuf {
        self.place.secrets.join(Secret::AdminKey.name())
    }

    fn to_json(&self) -> serde_json::Value {
        let services = self.stack.services.iter().map(|service| &service.name);
        json!({
            "project": self.project,
            "stack": self.place.name,
            "stage": self.stage.word(),
            "services": services.collect::<Vec<_>>(),
            "url": self.url(),
            "agents": self.agents(),
            "admin_key_file": self.key_file(),
            "seconds": self.took.as_secs_f64(),
        })
    }

    fn print(&self) -> Result<(), Failure> {
        let mut out = anstream::stdout();
        let folder = self.place.folder.display();
        writeln!(
            out,
            "\n{LOUD}{}{LOUD:#} is up for {}, after {:.0} s; `gantry down {folder}` ends it\n",
            self.project,
            self.stage.word(),
            self.took.as_secs_f64()
        )?;
        let mut rows = Vec::new();
        if let Some(url) = self.url() {
            for (what, path) in [
                ("records", "/api/v1"),
                ("docs", "/docs"),
                ("OpenAPI", "/openapi.json"),
            ] {
                rows.push((what.to_owned(), format!("{url}{path}")));
            }
        }
        if let Some(agents) = self.agents() {
            rows.push(("agents".to_owned(), agents));
        }
        rows.extend(self.others());
        let width = rows
            .iter()
            .map(|(what, _)| what.len())
            .max()
            .unwrap_or_default();
        for (what, place) in rows {
            writeln!(out, "{what:width$}  {place}")?;
        }
        let secrets = self.place.secrets.display();
        writeln!(
            out,
            "\nThe first key, which may do everything, is in {}",
            self.key_file().display()
        )?;
        if let Some(url) = self.url() {
            writeln!(
                out,
                "\n  curl --cacert {secrets}/edge_certificate {url}/openapi.json"
            )?;
        }
        Ok(())
    }
}
