//! `gantry mcp`: the records for AI agents.

mod install;

use std::io::Write as _;
use std::sync::Arc;

use mcp_face::{Face, Settings, Speaker, Writes};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use verbs::Platform;
use verbs::Table;
use verbs::words;
use wire::{Catalogue, ExitKind};

use crate::args::{Mcp, McpVerb, Offered, Output};
use crate::failure::Failure;
use crate::platform;

pub async fn run(args: Mcp, output: Output) -> Result<(), Failure> {
    match args.verb {
        Some(McpVerb::Tools(offer)) => tools(&offer, output).await,
        Some(McpVerb::Install(args)) => install::run(&args, output),
        None if args.stdio => stdio(&args.offer).await,
        None => Err(Failure::usage("say how: `--stdio`, `tools` or `install`")
            .hint("a server that runs, `gantry up`, offers the same at /mcp")),
    }
}

/// Standard output is the agent's alone.
async fn stdio(offer: &Offered) -> Result<(), Failure> {
    let platform = platform::compose(&offer.place).await?;
    let catalogue = platform.calls.catalogue(&platform.caller).await?;
    check_group(&catalogue, offer)?;
    let settings = Settings {
        writes: writes(offer),
        ..Settings::default()
    };
    let stopping = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let Platform { calls, caller } = platform;
    let face = Face::new(calls, settings, chassis::VERSION).until(stopping.clone());
    let group = offer.group.as_deref();
    tokio::select! {
        served = mcp_face::serve_stdio(face, Speaker::Local(caller), group) => served?,
        _ = terminate.recv() => stopping.cancel(),
        _ = interrupt.recv() => stopping.cancel(),
    }
    Ok(())
}

fn writes(offer: &Offered) -> Writes {
    if offer.write {
        Writes::Everyone
    } else {
        Writes::Nobody
    }
}

fn check_group(catalogue: &Catalogue, offer: &Offered) -> Result<(), Failure> {
    let Some(name) = &offer.group else {
        return Ok(());
    };
    if catalogue.groups.iter().any(|group| group.name == *name) {
        return Ok(());
    }
    let names = catalogue.groups.iter().map(|group| group.name.as_str());
    let hint = model::did_you_mean(name, names.clone());
    let hint = hint.unwrap_or_else(|| match names.collect::<Vec<_>>() {
        names if names.is_empty() => "groups are files in groups/".to_owned(),
        names => format!("there are {}", names.join(", ")),
    });
    let detail = format!("there is no group `{name}`, or you may see nothing of it");
    Err(Failure::refused(ExitKind::NotFound, detail).hint(hint))
}

async fn tools(offer: &Offered, output: Output) -> Result<(), Failure> {
    let platform = platform::compose(&offer.place).await?;
    let catalogue: Arc<Catalogue> = platform.calls.catalogue(&platform.caller).await?;
    check_group(&catalogue, offer)?;
    let group = offer.group.as_deref();
    let list = mcp_face::tool_list(&catalogue, group, offer.write);
    let list = list.expect("the group was looked up");
    let mut out = anstream::stdout();
    if output == Output::Json {
        writeln!(
            out,
            "{}",
            json!({"tokens": list.tokens, "tools": list.tools})
        )?;
        return Ok(());
    }
    let mut table = Table::new(["tool", "tokens", "changes", "about"]).right(1);
    for tool in &list.tools {
        let text = |name: &str| tool[name].as_str().unwrap_or_default().to_owned();
        let hints = &tool["annotations"];
        let changes = if hints["readOnlyHint"] == true {
            ""
        } else if hints["destructiveHint"] == true {
            "changes"
        } else {
            "adds"
        };
        table.push(&[
            text("name"),
            mcp_face::tokens(tool).to_string(),
            changes.to_owned(),
            text("description"),
        ]);
    }
    table.print()?;
    writeln!(
        out,
        "\n{}, about {} tokens for an agent to read",
        words::count(list.tools.len(), "tool"),
        words::thousands(list.tokens)
    )?;
    if !offer.write {
        writeln!(out, "Those that change something are shown with --write.")?;
    }
    Ok(())
}
