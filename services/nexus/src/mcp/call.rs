//! Calling a workflow: a run begins, and is waited for as long as a call may take.

use std::time::{Duration, Instant};

use mcp_face::{Asker, refused};
use rmcp::RoleServer;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ClientCapabilities, CreateTaskResult, ErrorData,
    InputRequiredResult, JsonObject, ProgressNotificationParam, ProgressToken, ProtocolVersion,
};
use rmcp::service::RequestContext;
use serde_json::Value;
use uuid::Uuid;
use wire::run::{Note, One, Run, State, StepRow, StepState};
use wire::{Code, Fault, NodeInfo, Options, Problem, TaskSupport};

use super::tool::{IDEMPOTENCY_KEY, SESSION};
use super::{outcome, questions, task, tool};
use crate::asking::{Asking, read};

/// What ends within this time needs no task.
const AT_ONCE: Duration = Duration::from_millis(200);
/// A run that is carried out elsewhere is looked at again after this, and then more and more seldom.
const FIRST: Duration = Duration::from_millis(25);
const LAST: Duration = Duration::from_secs(1);

/// What the client says that it can do.
struct Client {
    tasks: bool,
    /// It answers questions by calling again.
    asks: bool,
    progress: Option<ProgressToken>,
}

impl Client {
    fn of(context: &RequestContext<RoleServer>) -> Self {
        let capabilities = context.client_capabilities().unwrap_or_default();
        let modern = context
            .protocol_version()
            .is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str());
        Self {
            tasks: capabilities.supports_tasks(),
            asks: modern && capabilities.elicitation.is_some(),
            progress: context.meta.get_progress_token(),
        }
    }
}

pub(super) async fn call(
    asking: &Asking,
    asker: &Asker,
    request: CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let client = Client::of(context);
    let catalogue = asking.app.calls.catalogue(&asker.identity.caller).await;
    let node = match &catalogue {
        Ok(catalogue) => tool::find(catalogue, asker, &request.name),
        Err(problem) => return Ok(refused(problem).into()),
    };
    let Some(node) = node else {
        let message = format!("there is no workflow `{}`", request.name);
        return Err(ErrorData::invalid_params(message, None));
    };
    if node.hints.tasks == TaskSupport::Required && !client.tasks {
        let needed = ClientCapabilities::builder().enable_tasks().build();
        return Err(ErrorData::missing_required_client_capability(needed));
    }
    let answered = carry(asking, node, request, &client, context).await;
    Ok(answered.unwrap_or_else(|problem| refused(&problem).into()))
}

async fn carry(
    asking: &Asking,
    node: &NodeInfo,
    request: CallToolRequestParams,
    client: &Client,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, Problem> {
    let mut arguments = request.arguments.unwrap_or_default();
    let responses = request.input_responses.as_ref();
    // Of a run that was begun by an earlier round of this call.
    let begun = request
        .request_state
        .as_deref()
        .and_then(|state| state.parse().ok());
    let run = if let Some(id) = begun {
        let steps = task::steps_of(asking, id).await?;
        if let Some(responses) = responses {
            task::decide(asking, id, &steps, responses).await?;
        }
        read_run(asking, id).await?
    } else {
        let was_asked = questions::take_inputs(responses, &mut arguments)?;
        let missing = || questions::for_inputs(node, &arguments);
        if let Some(asked) = (client.asks && !was_asked).then(missing).flatten() {
            return Ok(InputRequiredResult::new(Some(asked), None).into());
        }
        start(asking, node, arguments).await?
    };
    let limits = &asking.app.agents.limits;
    let now = Instant::now();
    let until = now + limits.time;
    let patience = if client.tasks && node.hints.tasks != TaskSupport::Forbidden {
        now + AT_ONCE
    } else {
        until
    };
    let (run, steps) = wait(asking, run, patience, client, context).await?;
    if run.state.is_final() {
        return Ok(outcome::result(&run, &[], limits.bytes).into());
    }
    if client.tasks {
        return Ok(CreateTaskResult::new(task::begun(&run)).into());
    }
    let asked = questions::for_decisions(&steps);
    if client.asks && !asked.is_empty() {
        let state = run.id.to_string();
        return Ok(InputRequiredResult::new(Some(asked), Some(state)).into());
    }
    Ok(outcome::result(&run, &steps, limits.bytes).into())
}

async fn start(
    asking: &Asking,
    node: &NodeInfo,
    mut arguments: JsonObject,
) -> Result<Run, Problem> {
    let mut option = |name: &str| {
        if tool::has_input(node, name) {
            return Ok(None);
        }
        match arguments.shift_remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => {
                let detail = format!("`{name}` is a text");
                let fault = Fault::new(format!("/{name}"), "wrong_type", detail.clone());
                Err(Problem::new(Code::InvalidInput)
                    .detail(detail)
                    .errors(vec![fault]))
            }
        }
    };
    let options = Options {
        idempotency_key: option(IDEMPOTENCY_KEY)?,
        session: option(SESSION)?,
        ..Options::default()
    };
    let input = Value::Object(arguments).to_string();
    let (_, answer) = asking
        .call(node.name.clone(), input.into(), options)
        .await?;
    read(&answer)
}

async fn read_run(asking: &Asking, id: Uuid) -> Result<Run, Problem> {
    let (_, answer) = asking.run("read", &One { id }).await?;
    read(&answer)
}

/// The run once it has ended, or waits for somebody to say something, or as it is at that time; and its steps, of one that
/// has not ended.
async fn wait(
    asking: &Asking,
    mut run: Run,
    until: Instant,
    client: &Client,
    context: &RequestContext<RoleServer>,
) -> Result<(Run, Vec<StepRow>), Problem> {
    let listener = asking.app.tidings.listen(run.id);
    let mut pause = FIRST;
    let mut told = 0;
    loop {
        let (heard, ended) = (listener.heard(), listener.heard_end());
        run = read_run(asking, run.id).await?;
        if run.state.is_final() {
            return Ok((run, Vec::new()));
        }
        let left = until.saturating_duration_since(Instant::now());
        let over = left.is_zero() || asking.app.stopping.is_cancelled();
        let steps = if over || run.state == State::Waiting || client.progress.is_some() {
            task::steps_of(asking, run.id).await?
        } else {
            Vec::new()
        };
        if over || (run.state == State::Waiting && needs_word(&steps)) {
            return Ok((run, steps));
        }
        if let Some(token) = &client.progress {
            told = tell(&steps, token, told, context).await;
        }
        tokio::select! {
            () = heard => {}
            () = ended => {}
            () = asking.app.stopping.cancelled() => {}
            () = tokio::time::sleep(pause.min(left)) => pause = LAST.min(pause * 2),
        }
    }
}

/// Whether nothing happens until somebody says something, which may take days.
fn needs_word(steps: &[StepRow]) -> bool {
    let waiting = steps.iter().filter(|step| step.state == StepState::Waiting);
    let mut notes = waiting.map(|step| step.note.as_ref()).peekable();
    let word = |note: Option<&Note>| note.is_some_and(|note| note.signal.is_some());
    notes.peek().is_some() && notes.all(word)
}

/// Tells how many steps have ended, where it is more than before.
async fn tell(
    steps: &[StepRow],
    token: &ProgressToken,
    told: usize,
    context: &RequestContext<RoleServer>,
) -> usize {
    let ended: Vec<_> = steps
        .iter()
        .filter(|step| step.ended_at.is_some())
        .collect();
    if ended.len() <= told {
        return told;
    }
    #[expect(clippy::cast_precision_loss, reason = "a run has at most 10,000 steps")]
    let mut progress = ProgressNotificationParam::new(token.clone(), ended.len() as f64);
    if let Some(last) = ended.last() {
        progress = progress.with_message(format!("{} ended", last.path));
    }
    // A client that is gone hears nothing.
    let _ = context.peer.notify_progress(progress).await;
    ended.len()
}
