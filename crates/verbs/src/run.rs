//! `run`: starts a workflow and follows it to its end.

use std::io::Write as _;
use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value};
use uuid::Uuid;
use wire::run::{One, Run as Row, State, StepRow};
use wire::{Body, Call, Code, ExitKind, NodeName, Problem};

use crate::ask::{carry, read};
use crate::steps::Shown;
use crate::{Failure, Output, Platform, ask_json, body_of, examples};

/// Between two looks at a run: short at first, since many are short.
const FIRST_LOOK: Duration = Duration::from_millis(20);
const LONGEST_LOOK: Duration = Duration::from_secs(1);

/// Run a workflow and follow it to its end
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "gantry run rate -f film=0197c1de-8f6a-7c3e-9d1b-2f4f5a6b7c8d -f rating=8.1"
    "gantry run nightly_import --detach"
    "gantry run research --json '{\"question\": \"Which films of 1994 are loved most?\"}' --output json"
))]
pub struct Run {
    /// The workflow, as `gantry workflows` lists it
    pub workflow: String,

    /// An input; may be repeated
    #[arg(short, value_name = "NAME=VALUE", value_parser = input)]
    pub field: Vec<(String, String)>,

    /// The inputs as JSON: text, `@file`, or `-` for standard input
    #[arg(long, value_name = "JSON", conflicts_with = "field")]
    pub json: Option<String>,

    /// Print the run's id and leave it to itself
    #[arg(long)]
    pub detach: bool,

    /// The session that the run belongs to
    #[arg(long, env = "GANTRY_SESSION", value_name = "HANDLE")]
    pub session: Option<String>,

    /// Start it once however often this is sent
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
}

pub(crate) fn input(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| format!("`{text}` is not of the form NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}

pub async fn run(args: Run, platform: &Platform, output: Output) -> Result<(), Failure> {
    let node: NodeName = format!("workflow.{}", args.workflow)
        .parse()
        .map_err(|_| Failure::usage(format!("`{}` is no workflow's name", args.workflow)))?;
    let body = match &args.json {
        Some(source) => body_of(source)?,
        None => inputs(platform, &node, args.field).await?,
    };
    let mut call = Call::new(node.clone(), platform.caller.clone(), Body::json(body));
    call.options.session = args.session;
    call.options.idempotency_key = args.idempotency_key;
    let (_, body) = match carry(platform, call).await {
        Ok(answer) => answer,
        Err(failure) => return Err(with_nearest(platform, &node, failure).await),
    };
    let started: Row = read(&body, node.as_str())?;
    if !args.detach {
        return follow(platform, started.id, output).await;
    }
    let mut out = anstream::stdout();
    match output {
        Output::Json => writeln!(out, "{}", String::from_utf8_lossy(&body))?,
        Output::Text => writeln!(out, "{}", started.id)?,
    }
    Ok(())
}

/// Tells each step as it ends; at the end the output, on standard output. A run that does not succeed is a failure.
pub(crate) async fn follow(platform: &Platform, id: Uuid, output: Output) -> Result<(), Failure> {
    let mut shown = Shown::default();
    let mut pause = FIRST_LOOK;
    let ended = loop {
        // The state first: what it has done by then is in the steps.
        let row: Row = ask_json(platform, "run.read", &One { id }).await?;
        if output == Output::Text {
            let steps: Vec<StepRow> = ask_json(platform, "run.steps", &One { id }).await?;
            shown.write(&mut anstream::stderr().lock(), &steps)?;
        }
        if row.state.is_final() {
            break row;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_LOOK);
    };
    match ended.state {
        State::Failed => {
            let unknown = || Problem::new(Code::Internal).detail("the run failed");
            Err(ended.problem.unwrap_or_else(unknown).into())
        }
        State::Cancelled => Err(Failure::refused(
            ExitKind::Conflict,
            format!("the run {id} was cancelled"),
        )),
        _ => {
            let answer = ended.output.as_ref().map_or("null", |answer| answer.get());
            writeln!(anstream::stdout(), "{answer}")?;
            Ok(())
        }
    }
}

async fn inputs(
    platform: &Platform,
    node: &NodeName,
    given: Vec<(String, String)>,
) -> Result<Vec<u8>, Failure> {
    let schema = if given.is_empty() {
        None
    } else {
        let catalogue = platform.calls.catalogue(&platform.caller).await?;
        catalogue.node(node).map(|node| node.input.tree())
    };
    Ok(typed(schema.as_ref(), given))
}

/// An object as its JSON Schema has it: what is a text there is taken word for word, anything else as JSON.
pub(crate) fn typed(schema: Option<&Value>, given: Vec<(String, String)>) -> Vec<u8> {
    let mut object = Map::new();
    for (name, text) in given {
        let schema = schema.map(|schema| &schema["properties"][&name]);
        let value = value(schema, text);
        object.insert(name, value);
    }
    Value::Object(object).to_string().into_bytes()
}

fn value(schema: Option<&Value>, text: String) -> Value {
    let is_text = schema.is_none_or(|schema| match &schema["type"] {
        Value::String(kind) => kind == "string",
        Value::Array(kinds) => kinds.iter().any(|kind| kind == "string") && text != "null",
        _ => !schema["enum"].is_null(),
    });
    if is_text {
        return Value::String(text);
    }
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

async fn with_nearest(platform: &Platform, node: &NodeName, failure: Failure) -> Failure {
    let Failure::Problem(problem) = failure else {
        return failure;
    };
    if problem.code != Code::NoSuchNode || problem.hint.is_some() {
        return problem.into();
    }
    let problem = Problem {
        detail: format!("there is no workflow `{}`", node.verb()),
        ..problem
    };
    let Ok(catalogue) = platform.calls.catalogue(&platform.caller).await else {
        return problem.into();
    };
    let nodes = catalogue.nodes.iter().map(|node| &node.name);
    let workflows = nodes.filter(|name| name.family() == "workflow");
    let hint = match wire::nearest(workflows.map(NodeName::verb), node.verb()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => "the verb `workflows` lists them".to_owned(),
    };
    problem.hint(hint).into()
}
