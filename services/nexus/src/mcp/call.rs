//! Calling a workflow: a run begins, and is waited for as long as a call may take.

use std::time::{Duration, Instant};

use mcp_face::{Asker, refused};
use rmcp::RoleServer;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ClientCapabilities, CreateTaskResult, ErrorData,
    InputRequests, InputRequiredResult, InputResponses, JsonObject, ProtocolVersion,
};
use rmcp::service::RequestContext;
use serde_json::Value;
use uuid::Uuid;
use wire::run::{Note, One, Run, State, StepRow, StepState};
use wire::{Code, Fault, NodeInfo, Options, Problem, TaskSupport};

use super::telling::Telling;
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
    can: ClientCapabilities,
    tasks: bool,
    /// Asked something, it calls again with the answer; in the older protocol it is asked within the call.
    calls_again: bool,
    telling: Telling,
}

impl Client {
    fn of(context: &RequestContext<RoleServer>) -> Self {
        let can = context.client_capabilities().unwrap_or_default();
        let newer = context
            .protocol_version()
            .is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str());
        Self {
            tasks: can.supports_tasks(),
            can,
            calls_again: newer,
            telling: Telling::of(context, newer),
        }
    }
}

/// Why a call has no result.
enum Refused {
    Problem(Problem),
    /// As the protocol has it.
    Request(ErrorData),
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// What a client carries from one round of a call to the next: `<run>.<steps that it knows have ended>`. It is no secret,
/// and nobody's who may not see the run.
struct Begun(Uuid, usize);

impl Begun {
    fn read(state: &str) -> Option<Self> {
        let (run, round) = state.split_once('.')?;
        Some(Self(run.parse().ok()?, round.parse().ok()?))
    }

    fn write(run: &Run, steps: &[StepRow]) -> String {
        let ended = steps.iter().filter(|step| step.ended_at.is_some()).count();
        format!("{}.{ended}", run.id)
    }
}

/// What a client asks to be carried out.
pub(super) struct Request {
    pub(super) arguments: JsonObject,
    pub(super) responses: Option<InputResponses>,
    /// [`Begun`], as it came.
    pub(super) state: Option<String>,
}

/// What became of it.
pub(super) enum Carried {
    /// With its steps, where it has not ended.
    Run(Run, Vec<StepRow>),
    Task(Run),
    Asks(InputRequiredResult),
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
    let request = Request {
        arguments: request.arguments.unwrap_or_default(),
        responses: request.input_responses,
        state: request.request_state,
    };
    let most = asking.app.agents.limits.bytes;
    match carry(asking, node, request, client, context).await {
        Ok(Carried::Run(run, steps)) => Ok(outcome::result(&run, &steps, most).into()),
        Ok(Carried::Task(run)) => Ok(CreateTaskResult::new(task::begun(&run)).into()),
        Ok(Carried::Asks(more)) => Ok(more.into()),
        Err(Refused::Problem(problem)) => Ok(refused(&problem).into()),
        Err(Refused::Request(error)) => Err(error),
    }
}

/// For what is waited for to its end: a prompt, a resource.
pub(super) async fn finished(
    asking: &Asking,
    node: &NodeInfo,
    request: Request,
    context: &RequestContext<RoleServer>,
) -> Result<Carried, ErrorData> {
    let client = Client {
        tasks: false,
        ..Client::of(context)
    };
    match carry(asking, node, request, client, context).await {
        Ok(carried) => Ok(carried),
        Err(Refused::Problem(problem)) => Err(task::protocol_error(&problem)),
        Err(Refused::Request(error)) => Err(error),
    }
}

async fn carry(
    asking: &Asking,
    node: &NodeInfo,
    request: Request,
    mut client: Client,
    context: &RequestContext<RoleServer>,
) -> Result<Carried, Refused> {
    let foreign = || ErrorData::invalid_params("`requestState` is not from here", None);
    let begun = request.state.as_deref();
    let begun = begun.map(|state| Begun::read(state).ok_or_else(foreign));
    let mut said = request.responses.clone();
    let mut run = match begun.transpose().map_err(Refused::Request)? {
        Some(Begun(id, ended)) => {
            client.telling.told = ended;
            begun_before(asking, node, id).await?
        }
        None => match given(asking, node, request, &client, context).await? {
            Given::All(arguments) => start(asking, node, arguments).await?,
            Given::Asked(asked) => {
                return Ok(Carried::Asks(InputRequiredResult::new(Some(asked), None)));
            }
        },
    };
    let limits = &asking.app.agents.limits;
    loop {
        let now = Instant::now();
        let until = now + limits.time;
        let patience = if client.tasks && node.hints.tasks != TaskSupport::Forbidden {
            now + AT_ONCE
        } else {
            until
        };
        let steps;
        (run, steps) = wait(asking, run, patience, &mut client, context).await?;
        if run.state.is_final() {
            return Ok(Carried::Run(run, steps));
        }
        // What came with the call answers the first thing that is asked.
        if let Some(said) = said.take()
            && task::decide(asking, run.id, &steps, &said).await?
        {
            continue;
        }
        if client.tasks {
            return Ok(Carried::Task(run));
        }
        let asked = questions::for_decisions(&steps, &client.can);
        if asked.is_empty()
            && let Some(needed) = questions::missing(&steps)
        {
            return Err(Refused::Request(outcome::lacking(&run, needed)));
        }
        if client.calls_again && !asked.is_empty() {
            let state = Begun::write(&run, &steps);
            let asked = InputRequiredResult::new(Some(asked), Some(state));
            return Ok(Carried::Asks(asked));
        }
        if !asked.is_empty() {
            let answers = answers(asking, asked, context).await;
            if task::decide(asking, run.id, &steps, &answers).await? {
                continue;
            }
        }
        return Ok(Carried::Run(run, steps));
    }
}

/// A run that was begun by an earlier round of this call.
async fn begun_before(asking: &Asking, node: &NodeInfo, id: Uuid) -> Result<Run, Problem> {
    let run = read_run(asking, id).await?;
    if run.workflow == node.name.verb() {
        return Ok(run);
    }
    let detail = format!("`requestState` is of the workflow {}", run.workflow);
    Err(Problem::new(Code::InvalidInput).detail(detail))
}

enum Given {
    All(JsonObject),
    /// To be asked first.
    Asked(InputRequests),
}

/// The arguments, and what a person adds to them.
async fn given(
    asking: &Asking,
    node: &NodeInfo,
    request: Request,
    client: &Client,
    context: &RequestContext<RoleServer>,
) -> Result<Given, Problem> {
    let mut arguments = request.arguments;
    if questions::take_inputs(request.responses.as_ref(), &mut arguments)? {
        return Ok(Given::All(arguments));
    }
    let asked = questions::for_inputs(node, &arguments);
    match asked.filter(|_| client.can.elicitation.is_some()) {
        Some(asked) if client.calls_again => Ok(Given::Asked(asked)),
        Some(asked) => {
            let answers = answers(asking, asked, context).await;
            questions::take_inputs(Some(&answers), &mut arguments)?;
            Ok(Given::All(arguments))
        }
        None => Ok(Given::All(arguments)),
    }
}

/// One after the other; what cannot be asked is not answered, nor is what a process that stops cannot wait for.
async fn answers(
    asking: &Asking,
    asked: InputRequests,
    context: &RequestContext<RoleServer>,
) -> InputResponses {
    let mut answers = InputResponses::new();
    for (name, question) in asked {
        let answer = tokio::select! {
            answer = questions::ask(question, context) => answer,
            () = asking.app.stopping.cancelled() => break,
        };
        match answer {
            Ok(answer) => {
                answers.insert(name, answer);
            }
            Err(error) => {
                tracing::debug!(error = %error, question = name, "A client could not be asked");
            }
        }
    }
    answers
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

/// The run once it has ended, or waits for somebody to say something, or as it is at that time; and its steps, where it has
/// not ended.
async fn wait(
    asking: &Asking,
    mut run: Run,
    until: Instant,
    client: &mut Client,
    context: &RequestContext<RoleServer>,
) -> Result<(Run, Vec<StepRow>), Problem> {
    let listener = asking.app.tidings.listen(run.id);
    let mut pause = FIRST;
    loop {
        let (heard, ended) = (listener.heard(), listener.heard_end());
        run = read_run(asking, run.id).await?;
        let left = until.saturating_duration_since(Instant::now());
        let over = left.is_zero() || asking.app.stopping.is_cancelled();
        let is_final = run.state.is_final();
        let waits = run.state == State::Waiting;
        let steps = if client.telling.wants_steps() || ((over || waits) && !is_final) {
            task::steps_of(asking, run.id).await?
        } else {
            Vec::new()
        };
        client.telling.tell(&steps, context).await;
        if is_final || over || (waits && needs_word(&steps)) {
            return Ok((run, steps));
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
