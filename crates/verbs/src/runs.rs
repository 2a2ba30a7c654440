//! `runs`: what was started, how far it is, and what may be done about it.

use std::io::Write as _;

use clap::{Args, Subcommand};
use serde_json::json;
use serde_json::value::RawValue;
use uuid::Uuid;
use wire::run::{Approve, List, One, Retry, Run as Row, State, StepRow};

use crate::run::{follow, input, typed};
use crate::steps::Shown;
use crate::{Failure, Output, Platform, Table, ask, ask_json, body_of, examples};

/// List runs of workflows, look at one, and steer it
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "gantry runs"
    "gantry runs list --state failed"
    "gantry runs show 0197c1de-8f6a-7c3e-9d1b-2f4f5a6b7c8d"
    "gantry runs approve 0197c1de-8f6a-7c3e-9d1b-2f4f5a6b7c8d publish --note 'well written'"
))]
pub struct Runs {
    /// `list` unless said
    #[command(subcommand)]
    pub verb: Option<RunsVerb>,
}

#[derive(Debug, Subcommand)]
pub enum RunsVerb {
    List(Which),
    /// Show a run and its steps
    #[command(after_help = examples!("gantry runs show 0197c1de-8f6a-7c3e-9d1b-2f4f5a6b7c8d"))]
    Show(Id),
    /// Follow a run to its end
    #[command(after_help = examples!("gantry runs watch 0197c1de-8f6a-7c3e-9d1b-2f4f5a6b7c8d"))]
    Watch(Id),
    /// Let a run end at its next step
    #[command(after_help = examples!("gantry runs cancel 0197c1de-8f6a-7c3e-9d1b-2f4f5a6b7c8d"))]
    Cancel(Id),
    Retry(From),
    /// Start the workflow again with the same inputs
    #[command(after_help = examples!("gantry runs replay 0197c1de-8f6a-7c3e-9d1b-2f4f5a6b7c8d"))]
    Replay(Id),
    /// Say yes to a run that asks a person
    #[command(after_help = examples!(
        "gantry runs approve 0197c1de-8f6a-7c3e-9d1b-2f4f5a6b7c8d publish"
        "gantry runs approve 0197c1de-8f6a-7c3e-9d1b-2f4f5a6b7c8d price -f amount=12.50 -f currency=EUR"
    ))]
    Approve(Approval),
    /// Say no to a run that asks a person
    #[command(after_help = examples!("gantry runs refuse 0197c1de-8f6a-7c3e-9d1b-2f4f5a6b7c8d publish --note 'not yet'"))]
    Refuse(Decision),
}

/// List runs, the newest first
#[derive(Debug, Default, Args)]
#[command(after_help = examples!("gantry runs list" "gantry runs list --workflow rate --state failed --limit 5"))]
pub struct Which {
    /// Of this workflow only
    #[arg(long)]
    pub workflow: Option<String>,

    /// In this state only
    #[arg(long, value_parser = state)]
    pub state: Option<State>,

    /// Of this session only
    #[arg(long, value_name = "HANDLE")]
    pub session: Option<String>,

    /// How many [default: 50]
    #[arg(long)]
    pub limit: Option<u32>,

    /// Where the page before ended
    #[arg(long)]
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, Copy, Args)]
pub struct Id {
    /// The run's id
    pub run: Uuid,
}

/// Do a run's steps again from one on; what was done before it is kept
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "gantry runs retry 0197c1de-8f6a-7c3e-9d1b-2f4f5a6b7c8d"
    "gantry runs retry 0197c1de-8f6a-7c3e-9d1b-2f4f5a6b7c8d --from save"
))]
pub struct From {
    /// The run's id
    pub run: Uuid,

    /// The first step that is done again [default: the one that failed]
    #[arg(long, value_name = "STEP")]
    pub from: Option<String>,
}

#[derive(Debug, Args)]
pub struct Approval {
    #[command(flatten)]
    pub decision: Decision,

    /// What the step's form asks for; may be repeated
    #[arg(short, value_name = "NAME=VALUE", value_parser = input)]
    pub field: Vec<(String, String)>,

    /// The same as JSON: text, `@file`, or `-` for standard input
    #[arg(long, value_name = "JSON", conflicts_with = "field")]
    pub json: Option<String>,
}

#[derive(Debug, Args)]
pub struct Decision {
    /// The run's id
    pub run: Uuid,

    /// The step that asks, as `gantry runs show` tells it
    pub step: String,

    /// Why
    #[arg(long)]
    pub note: Option<String>,
}

fn state(text: &str) -> Result<State, String> {
    let found = State::ALL.into_iter().find(|state| state.as_str() == text);
    let names = State::ALL.map(State::as_str).join(", ");
    found.ok_or_else(|| format!("the states are {names}"))
}

impl Runs {
    /// Whether it waits for a run to go on.
    pub fn follows(&self) -> bool {
        matches!(self.verb, Some(RunsVerb::Watch(_)))
    }
}

pub async fn runs(args: Runs, platform: &Platform, output: Output) -> Result<(), Failure> {
    let usual = || RunsVerb::List(Which::default());
    match args.verb.unwrap_or_else(usual) {
        RunsVerb::List(which) => list(which, platform, output).await,
        RunsVerb::Show(id) => show(id.run, platform, output).await,
        RunsVerb::Watch(id) => follow(platform, id.run, output).await,
        RunsVerb::Cancel(id) => steer(platform, "run.cancel", &One { id: id.run }, output).await,
        RunsVerb::Replay(id) => steer(platform, "run.replay", &One { id: id.run }, output).await,
        RunsVerb::Retry(From { run: id, from }) => {
            steer(platform, "run.retry", &Retry { id, from }, output).await
        }
        RunsVerb::Approve(approval) => approve(approval, platform, output).await,
        RunsVerb::Refuse(decision) => decide(decision, false, None, platform, output).await,
    }
}

async fn list(which: Which, platform: &Platform, output: Output) -> Result<(), Failure> {
    let wanted = List {
        workflow: which.workflow,
        state: which.state,
        session: which.session,
        limit: which.limit,
        cursor: which.cursor,
    };
    let (meta, body) = ask(platform, "run.list", &wanted).await?;
    if output == Output::Json {
        writeln!(anstream::stdout(), "{}", String::from_utf8_lossy(&body))?;
        return Ok(());
    }
    let rows: Vec<Row> = crate::ask::read(&body, "run.list")?;
    if rows.is_empty() {
        writeln!(anstream::stderr(), "no runs")?;
        return Ok(());
    }
    let mut table = Table::new([
        "id",
        "workflow",
        "state",
        "started by",
        "created at",
        "what went wrong",
    ]);
    for row in rows {
        let problem = row
            .problem
            .map(|problem| problem.detail)
            .unwrap_or_default();
        table.push(&[
            row.id.to_string(),
            row.workflow,
            told(row.state, row.cancelling).to_owned(),
            row.started_by,
            row.created_at,
            problem,
        ]);
    }
    table.print()?;
    if let Some(cursor) = meta.cursor {
        writeln!(anstream::stderr(), "next page: --cursor {cursor}")?;
    }
    Ok(())
}

fn told(state: State, cancelling: bool) -> &'static str {
    if cancelling && !state.is_final() {
        "cancelling"
    } else {
        state.as_str()
    }
}

async fn show(id: Uuid, platform: &Platform, output: Output) -> Result<(), Failure> {
    let row: Row = ask_json(platform, "run.read", &One { id }).await?;
    let steps: Vec<StepRow> = ask_json(platform, "run.steps", &One { id }).await?;
    let mut out = anstream::stdout().lock();
    if output == Output::Json {
        writeln!(out, "{}", json!({"run": row, "steps": steps}))?;
        return Ok(());
    }
    writeln!(
        out,
        "{} of {}, {}",
        row.id,
        row.workflow,
        told(row.state, row.cancelling)
    )?;
    writeln!(out, "input   {}", crate::printable(row.input.get()))?;
    if let Some(answer) = &row.output {
        writeln!(out, "output  {}", crate::printable(answer.get()))?;
    }
    if let Some(problem) = &row.problem {
        writeln!(out, "problem {}", crate::printable(&problem.detail))?;
    }
    writeln!(out)?;
    Shown::default().write(&mut out, &steps)?;
    Ok(())
}

/// One of the nodes that answer a run.
async fn steer(
    platform: &Platform,
    node: &str,
    input: &impl serde::Serialize,
    output: Output,
) -> Result<(), Failure> {
    let (_, body) = ask(platform, node, input).await?;
    if output == Output::Json {
        writeln!(anstream::stdout(), "{}", String::from_utf8_lossy(&body))?;
        return Ok(());
    }
    let row: Row = crate::ask::read(&body, node)?;
    let state = told(row.state, row.cancelling);
    writeln!(anstream::stdout(), "{} {state}", row.id)?;
    Ok(())
}

async fn approve(approval: Approval, platform: &Platform, output: Output) -> Result<(), Failure> {
    let Approval {
        decision,
        field,
        json,
    } = approval;
    let form = match json {
        Some(source) => Some(body_of(&source)?),
        None if field.is_empty() => None,
        None => Some(filled_in(&decision, field, platform).await?),
    };
    let form = form.map(|form| serde_json::from_slice(&form)).transpose();
    let form = form.map_err(|error| Failure::usage(format!("the form is not JSON: {error}")))?;
    decide(decision, true, form, platform, output).await
}

/// As the step's form is typed.
async fn filled_in(
    decision: &Decision,
    field: Vec<(String, String)>,
    platform: &Platform,
) -> Result<Vec<u8>, Failure> {
    let one = One { id: decision.run };
    let steps: Vec<StepRow> = ask_json(platform, "run.steps", &one).await?;
    let mut steps = steps.into_iter();
    let step = steps.find(|step| step.path == decision.step);
    let form = step.and_then(|step| step.note?.form);
    Ok(typed(form.as_ref(), field))
}

async fn decide(
    decision: Decision,
    approved: bool,
    form: Option<Box<RawValue>>,
    platform: &Platform,
    output: Output,
) -> Result<(), Failure> {
    let decision = Approve {
        id: decision.run,
        step: decision.step,
        approved,
        note: decision.note,
        form,
    };
    let (_, body) = ask(platform, "run.approve", &decision).await?;
    let word = if approved { "approved" } else { "refused" };
    match output {
        Output::Json => writeln!(anstream::stdout(), "{}", String::from_utf8_lossy(&body))?,
        Output::Text => writeln!(anstream::stderr(), "{word} `{}`", decision.step)?,
    }
    Ok(())
}
