//! Runs as tasks: `tasks/get`, `tasks/update` and `tasks/cancel`. A task's id is its run's, so it is known to every
//! process, before the client is told of it.

use std::time::Duration;

use rmcp::model::{
    ClientCapabilities, DetailedTask, ErrorData, GetTaskResult, InputResponses, JsonObject, Task,
    TaskPayload, TaskStatus,
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use uuid::Uuid;
use wire::run::{Of, One, Run, State, StepRow, StepState};
use wire::{Code, Problem};

use super::{outcome, questions};
use crate::asking::{Asking, read};

/// How often a client should ask.
const POLL_MS: u64 = 500;
/// So long a decision that was made may take to be seen.
const SEEN: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(20);

pub(super) async fn get(
    asking: &Asking,
    id: &str,
    can: &ClientCapabilities,
) -> Result<GetTaskResult, ErrorData> {
    let known = look(asking, id).await;
    let (run, steps) = known.map_err(|problem| protocol_error(&problem))?;
    let most = asking.app.agents.limits.bytes;
    Ok(GetTaskResult::new(detailed(&run, &steps, can, most)))
}

/// Answers to what its steps ask; others are passed over, as the protocol wants it.
pub(super) async fn update(
    asking: &Asking,
    id: &str,
    responses: &InputResponses,
) -> Result<(), ErrorData> {
    let decided = async {
        let (run, steps) = look(asking, id).await?;
        decide(asking, run.id, &steps, responses).await.map(drop)
    };
    decided.await.map_err(|problem| protocol_error(&problem))
}

/// Of a run that has ended nothing becomes.
pub(super) async fn cancel(asking: &Asking, id: &str) -> Result<(), ErrorData> {
    let cancelled = async {
        let id = parse(id)?;
        asking.run("cancel", &One { id }).await
    };
    let cancelled = cancelled.await;
    cancelled.map_err(|problem| protocol_error(&problem))?;
    Ok(())
}

/// Tells each decision, and waits until the steps know of it: whoever asks next is not asked for it again. Whether there
/// was one.
pub(super) async fn decide(
    asking: &Asking,
    run: Uuid,
    steps: &[StepRow],
    responses: &InputResponses,
) -> Result<bool, Problem> {
    let mut decisions = questions::decisions(run, steps, responses);
    // A no may end what others were asked for.
    decisions.sort_by_key(|decision| !decision.approved);
    for decision in &decisions {
        match asking.run("approve", decision).await {
            Err(problem) if !is_over(&problem) => return Err(problem),
            _ => {}
        }
    }
    let decided: Vec<_> = decisions
        .iter()
        .map(|decision| decision.step.as_str())
        .collect();
    let until = Instant::now() + SEEN;
    let waits =
        |step: &StepRow| step.state == StepState::Waiting && decided.contains(&step.path.as_str());
    while !decided.is_empty() && Instant::now() < until {
        sleep(LOOK).await;
        let (_, steps) = look(asking, &run.to_string()).await?;
        if !steps.iter().any(waits) {
            break;
        }
    }
    Ok(!decided.is_empty())
}

/// Nobody waits for the decision any more: another was faster, or the run has ended.
fn is_over(problem: &Problem) -> bool {
    let fault = problem.errors.first();
    problem.code == Code::InvalidInput
        && fault.is_some_and(|fault| matches!(&*fault.pointer, "/id" | "/step"))
}

async fn look(asking: &Asking, id: &str) -> Result<(Run, Vec<StepRow>), Problem> {
    let id = parse(id)?;
    let (_, answer) = asking.run("read", &One { id }).await?;
    let run: Run = read(&answer)?;
    let steps = if run.state.is_final() {
        Vec::new()
    } else {
        steps_of(asking, id).await?
    };
    Ok((run, steps))
}

pub(super) async fn steps_of(asking: &Asking, id: Uuid) -> Result<Vec<StepRow>, Problem> {
    let (_, answer) = asking.run("steps", &One { id }).await?;
    read(&answer)
}

fn parse(id: &str) -> Result<Uuid, Problem> {
    id.parse()
        .map_err(|_| Problem::new(Code::NotFound).detail("there is no such task"))
}

/// What a client is told in place of a result.
pub(super) fn begun(run: &Run) -> Task {
    told(run, &[], TaskStatus::Working)
}

fn detailed(run: &Run, steps: &[StepRow], can: &ClientCapabilities, most: usize) -> DetailedTask {
    let payload = match run.state {
        State::Succeeded => completed(run, most),
        // A tool that failed completes; what failed here is no matter of the tool.
        State::Failed => match outcome::why(run) {
            problem if problem.code == Code::Internal => TaskPayload::Failed {
                error: object(json!(ErrorData::internal_error(problem.detail, None))),
            },
            _ => completed(run, most),
        },
        State::Cancelled => TaskPayload::Cancelled,
        State::Queued | State::Running | State::Waiting => {
            let input_requests = questions::for_decisions(steps, can);
            if input_requests.is_empty() || run.cancelling {
                TaskPayload::Working
            } else {
                TaskPayload::InputRequired { input_requests }
            }
        }
    };
    DetailedTask::new(told(run, steps, payload.status()), payload)
}

fn completed(run: &Run, most: usize) -> TaskPayload {
    TaskPayload::Completed {
        result: object(json!(outcome::result(run, &[], most))),
    }
}

fn object(value: Value) -> JsonObject {
    match value {
        Value::Object(object) => object,
        _ => JsonObject::new(),
    }
}

fn told(run: &Run, steps: &[StepRow], status: TaskStatus) -> Task {
    let times = steps
        .iter()
        .flat_map(|step| [Some(&step.started_at), step.ended_at.as_ref()]);
    let times = times.flatten().chain(run.started_at.as_ref());
    // RFC 3339 in UTC with the same digits is in order as text.
    let last = run.finished_at.as_ref().or_else(|| times.max());
    let last = last.unwrap_or(&run.created_at).clone();
    let mut task = Task::new(run.id.to_string(), status, run.created_at.clone(), last)
        .with_poll_interval_ms(POLL_MS);
    if !run.state.is_final() {
        task = task.with_status_message(message(run, steps));
    }
    task
}

/// How far it is, for people.
fn message(run: &Run, steps: &[StepRow]) -> String {
    if run.cancelling {
        return "It is being cancelled.".to_owned();
    }
    let done = steps.iter().filter(|step| step.ended_at.is_some()).count();
    let waits = steps.iter().filter(|step| step.state == StepState::Waiting);
    let waits: Vec<_> = waits.filter_map(waiting).collect();
    let mut text = format!("{}; {done} steps ended.", run.state.as_str());
    text[..1].make_ascii_uppercase();
    for waiting in waits {
        text.push(' ');
        text.push_str(&waiting);
    }
    text
}

/// What a step waits for, for people.
pub(super) fn waiting(step: &StepRow) -> Option<String> {
    let note = step.note.as_ref()?;
    let path = &step.path;
    let (signal, until, other) = (&note.signal, &note.until, &note.run);
    Some(match (&note.message, signal, until, other) {
        (Some(message), ..) => {
            let role = note.role.as_ref();
            let whose = role.map_or(String::new(), |role| format!(" of the role {role}"));
            let form = note
                .form
                .as_ref()
                .map_or(String::new(), |form| format!(" With `form` by {form}."));
            let what = match note.of {
                None => "a decision",
                Some(Of::Model) => "the answer of a client's model, or a decision",
                Some(Of::Roots) => "the roots of a client, or a decision",
            };
            format!("{path} waits for {what}{whose}: {message}{form}")
        }
        (None, Some(signal), ..) => format!("{path} waits for the signal {signal}."),
        (None, None, _, Some(run)) => format!("{path} waits for the run {run}."),
        (None, None, Some(until), None) => format!("{path} waits until {until}."),
        (None, None, None, None) => return None,
    })
}

/// An id that is nobody's is the client's mistake.
pub(super) fn protocol_error(problem: &Problem) -> ErrorData {
    let data = serde_json::from_slice(&problem.to_json(None)).ok();
    if problem.code.status() < 500 {
        ErrorData::invalid_params(problem.detail.clone(), data)
    } else {
        ErrorData::internal_error(problem.detail.clone(), data)
    }
}
