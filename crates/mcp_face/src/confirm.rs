//! What changes many records is asked about first, with their number: by a question to the person, where the client can
//! put one, else by the argument `confirm`.

use rmcp::RoleServer;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ElicitRequest, ElicitRequestParams, ElicitResult,
    ElicitationAction, ElicitationSchema, InputRequest, InputRequiredResult, ProtocolVersion,
};
use rmcp::service::RequestContext;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use wire::session::Kind;
use wire::{Calls, Code, Problem, Reply};

use crate::action::Prepared;
use crate::asker::Asker;
use crate::reply::Told;
use crate::sessions;
use crate::settings::Limits;

/// The name of the question and of its answer.
const ANSWER: &str = "confirm";
/// Seconds in which a question may be answered.
const GOOD_FOR: u32 = 600;
/// So many records need no question: the caller named the record, or nearly so.
const FEW: u64 = 1;

pub(crate) enum Outcome {
    /// To be carried out on no more records than `confirm` says.
    Confirmed,
    /// To be answered so.
    Answer(Box<CallToolResponse>),
}

/// What was asked, kept behind dataflow: whichever replica gets the answer knows it, and nobody else's is taken.
struct Question {
    tool: String,
    /// Of the arguments.
    digest: String,
    records: u64,
}

impl Question {
    fn kept(&self) -> Value {
        json!({"tool": self.tool, "digest": self.digest, "records": self.records})
    }

    fn read(text: &str) -> Option<Self> {
        let kept: Value = serde_json::from_str(text).ok()?;
        Some(Self {
            tool: kept["tool"].as_str()?.to_owned(),
            digest: kept["digest"].as_str()?.to_owned(),
            records: kept["records"].as_u64()?,
        })
    }
}

/// Sets `prepared.confirm` where it may go on.
pub(crate) async fn confirm(
    calls: &dyn Calls,
    asker: &Asker,
    prepared: &mut Prepared,
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
    limits: &Limits,
) -> Result<Outcome, Problem> {
    let digest = digest(request);
    if let Some(answer) = request
        .input_responses
        .as_ref()
        .and_then(|all| all.get(ANSWER))
    {
        let question = taken_up(calls, asker, request, &digest).await?;
        if !agrees(answer) {
            return Err(declined());
        }
        prepared.confirm = Some(question.records);
        return Ok(Outcome::Confirmed);
    }
    let records = would_change(calls, asker, prepared, limits).await?;
    if records <= FEW {
        prepared.confirm = Some(records);
        return Ok(Outcome::Confirmed);
    }
    let capabilities = context.client_capabilities();
    let can_ask = capabilities.is_some_and(|client| client.elicitation.is_some());
    if !can_ask {
        let detail = format!("{records} records would change; nothing was changed");
        let hint = format!("if that is meant, call again with `confirm`: {records}");
        return Err(Problem::new(Code::MaxAffected).detail(detail).hint(hint));
    }
    let question = question(&prepared.node.to_string(), records);
    let modern = context
        .protocol_version()
        .is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str());
    if modern {
        let open = Question {
            tool: request.name.to_string(),
            digest,
            records,
        };
        let result = put(calls, asker, &open, question).await?;
        return Ok(Outcome::Answer(Box::new(result.into())));
    }
    // The person may take longer than a call.
    let answer = context.peer.create_elicitation(question).await;
    let answer = answer.map_err(|error| {
        Problem::new(Code::MaxAffected)
            .detail(format!(
                "{records} records would change, and the question could not be put: {error}"
            ))
            .hint(format!("call again with `confirm`: {records}"))
    })?;
    if !agrees(&json!(answer)) {
        return Err(declined());
    }
    prepared.confirm = Some(records);
    Ok(Outcome::Confirmed)
}

/// To be taken up when the answer comes, by whichever replica gets it.
async fn put(
    calls: &dyn Calls,
    asker: &Asker,
    open: &Question,
    question: ElicitRequestParams,
) -> Result<InputRequiredResult, Problem> {
    let id = format!("confirm-{}", Uuid::new_v4());
    let state = serde_json::value::to_raw_value(&open.kept());
    let state = state.expect("texts and a number are JSON");
    sessions::put(calls, asker, &id, Kind::Mcp, state, GOOD_FOR).await?;
    let request = InputRequest::Elicitation(ElicitRequest::new(question));
    let requests = [(ANSWER.to_owned(), request)];
    Ok(InputRequiredResult::new(Some(requests.into()), Some(id)))
}

fn declined() -> Problem {
    Problem::new(Code::Forbidden).detail("the person declined; nothing was changed")
}

/// The same call without keeping anything.
async fn would_change(
    calls: &dyn Calls,
    asker: &Asker,
    prepared: &Prepared,
    limits: &Limits,
) -> Result<u64, Problem> {
    let mut call = prepared.call(asker, limits);
    call.options.dry_run = true;
    call.options.idempotency_key = None;
    call.options.reply = Reply::Minimal;
    let told = Told::of(calls.call(call).await?).await?;
    let changed = || {
        let value: Value = serde_json::from_slice(&told.body).ok()?;
        value.get("changed")?.as_u64()
    };
    Ok(told.meta.affected.or_else(changed).unwrap_or_default())
}

async fn taken_up(
    calls: &dyn Calls,
    asker: &Asker,
    request: &CallToolRequestParams,
    digest: &str,
) -> Result<Question, Problem> {
    let unknown = || {
        Problem::new(Code::MaxAffected)
            .detail("the answer belongs to no open question of yours; nothing was changed")
            .hint("call again without it")
    };
    let id = request.request_state.as_deref().ok_or_else(unknown)?;
    let row = sessions::get(calls, asker, id, Kind::Mcp)
        .await?
        .ok_or_else(unknown)?;
    // Once: a question is about one change.
    sessions::delete(calls, asker, id, Kind::Mcp).await?;
    let open = Question::read(row.state.get()).ok_or_else(unknown)?;
    if open.tool != request.name || open.digest != digest {
        return Err(unknown());
    }
    Ok(open)
}

fn agrees(answer: &Value) -> bool {
    let Ok(answer) = serde_json::from_value::<ElicitResult>(answer.clone()) else {
        return false;
    };
    let said = answer
        .content
        .as_ref()
        .and_then(|content| content.get(ANSWER));
    answer.action == ElicitationAction::Accept && said != Some(&json!(false))
}

fn question(node: &str, records: u64) -> ElicitRequestParams {
    let schema = json!({
        "type": "object", "required": [ANSWER],
        "properties": {ANSWER: {"type": "boolean", "title": format!("Change {records} records"), "default": false}},
    });
    let schema = ElicitationSchema::from_json_schema(rmcp::model::object(schema));
    ElicitRequestParams::FormElicitationParams {
        meta: None,
        message: format!("{node} would change {records} records. Is that meant?"),
        requested_schema: schema.expect("a boolean is a primitive"),
    }
}

fn digest(request: &CallToolRequestParams) -> String {
    let arguments = serde_json::to_vec(&request.arguments).expect("a tree of JSON is JSON");
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(arguments) {
        use std::fmt::Write as _;
        write!(text, "{byte:02x}").expect("a String takes every character");
    }
    text
}
