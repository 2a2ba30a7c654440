//! `bench mcp`: calls of two tools, through the face, a bare server on rmcp, and `FastMCP`.

use std::path::Path;

use anyhow::ensure;
use serde_json::json;

use crate::contender::Contender;
use crate::entrant::Database;
use crate::kind::Engine;
use crate::options::Options;
use crate::place::Place;
use crate::process::{Process, free_port, program};
use crate::project;
use crate::results::{Results, Run};
use crate::tables;
use crate::work::{FILMS, film_id, scatter};

pub(crate) const BARE: &str = "bare rmcp";
pub(crate) const GANTRY: &str = "gantry";
pub(crate) const SPLIT: &str = "mcp → dataflow";
pub(crate) const FASTMCP: &str = "FastMCP";

pub(crate) const ECHO: &str = "echo";
pub(crate) const FILM: &str = "get film";

const VERSION: &str = "2026-07-28";

pub(crate) fn run(options: &Options, place: &Place) -> anyhow::Result<Results> {
    let folder = &place.folder;
    let database = Database::create(Engine::Postgres, "mcp", &place.server, folder)?.url();
    let project = project::films(folder)?;
    // The tables are Gantry's, and the films the same for all.
    let gantry = Contender::gantry(folder, "mcp-gantry", &project, &database)?;
    gantry.fill(1..=FILMS)?;
    tables::clean(&database)?;
    let face = Contender::face()?;
    let bare = bare(folder, &database)?;
    let split = Contender::agents(folder, &project, &database)?;
    let mut contenders = vec![
        (BARE, ECHO, &bare),
        (GANTRY, ECHO, &face),
        (BARE, FILM, &bare),
        (SPLIT, FILM, &split),
        (GANTRY, FILM, &gantry),
    ];
    let python = python(&place.top);
    let fastmcp = python.map(|python| fastmcp(&python, place, &database));
    let fastmcp = fastmcp.transpose()?;
    match &fastmcp {
        Some(fastmcp) => contenders.extend([(FASTMCP, ECHO, fastmcp), (FASTMCP, FILM, fastmcp)]),
        None => println!("FastMCP is left out: `cargo xtask bench mcp` installs it"),
    }
    for (name, work, contender) in &contenders {
        let answer = contender.exchange(&closing(&request(&asked(name, work), 1)?))?;
        let good = answer.starts_with("HTTP/1.1 200 ")
            && !answer.contains("\"isError\":true")
            && !answer.contains("\"error\":");
        ensure!(good, "{name}, {work}: {answer}");
    }
    let mut run = Run::begin("mcp", options, &place.server)?;
    for round in 0..options.rounds {
        for clients in &options.concurrency {
            // Another one is first each time.
            for turn in 0..contenders.len() {
                let (name, work, contender) = &contenders[(turn + round) % contenders.len()];
                let figures = contender.measure(&asked(name, work), *clients, options.seconds)?;
                run.take(round + 1, work, *clients, name, &figures);
            }
        }
    }
    Ok(run.end())
}

fn bare(folder: &Path, database: &str) -> anyhow::Result<Contender> {
    let port = free_port()?;
    let mut command = program(std::env::current_exe()?);
    command.args(["bare-mcp", database]).arg(port.to_string());
    let process = Process::spawn(command, folder, "bare-mcp")?;
    Contender::of(port, vec![process]).listening()
}

fn python(top: &Path) -> Option<std::path::PathBuf> {
    let python = top.join("target/testkit/fastmcp/bin/python");
    python.exists().then_some(python)
}

fn fastmcp(python: &Path, place: &Place, database: &str) -> anyhow::Result<Contender> {
    let port = free_port()?;
    let mut command = program(python);
    command
        .arg(place.top.join("bench/fastmcp/server.py"))
        .arg(database)
        .arg(port.to_string());
    let process = Process::spawn(command, &place.folder, "fastmcp")?;
    Contender::of(port, vec![process]).listening()
}

/// What the generator of load is told: whose tool, and which.
fn asked(contender: &str, work: &str) -> String {
    let tool = match (contender, work) {
        (_, ECHO) => "echo",
        (BARE | FASTMCP, _) => "get_film",
        _ => "records_get",
    };
    let era = if contender == FASTMCP {
        "legacy"
    } else {
        "modern"
    };
    format!("mcp:{era}:{tool}")
}

/// The `number`th call, as bytes to be sent.
pub(crate) fn request(asked: &str, number: u64) -> anyhow::Result<Vec<u8>> {
    let mut words = asked.splitn(3, ':').skip(1);
    let (Some(era), Some(tool)) = (words.next(), words.next()) else {
        anyhow::bail!("{asked:?} names no call: mcp:modern:echo");
    };
    let id = film_id(scatter(number) % FILMS + 1);
    let arguments = match tool {
        "echo" => json!({"text": format!("number {number}")}),
        "get_film" => json!({"id": id}),
        "records_get" => json!({"model": "Film", "id": id}),
        _ => json!({}),
    };
    let mut params = json!({"name": tool, "arguments": arguments});
    let mut headers = String::new();
    if era == "modern" {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": VERSION,
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
        });
        headers = format!(
            "MCP-Protocol-Version: {VERSION}\r\nMcp-Method: tools/call\r\nMcp-Name: {tool}\r\n"
        );
    }
    let body = json!({"jsonrpc": "2.0", "id": number % 1_000_000, "method": "tools/call", "params": params}).to_string();
    Ok(format!(
        "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
         {headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes())
}

fn closing(request: &[u8]) -> String {
    let request = String::from_utf8_lossy(request);
    request.replacen(
        "Host: 127.0.0.1\r\n",
        "Host: 127.0.0.1\r\nConnection: close\r\n",
        1,
    )
}
