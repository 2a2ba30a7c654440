//! Calls of the newer protocol that ask first, in one round or several. Nothing is kept here: which round it is comes
//! back with the answers, sealed, and is good for this caller and this call only.

use std::time::Duration;

use axum::http::request::Parts;
use mcp_face::Asker;
use rmcp::RoleServer;
use rmcp::model::{
    ClientCapabilities, ElicitationCapability, ErrorData, InputRequest, InputRequests,
    InputRequiredResult, InputResponses, RequestStateCodec, RootsCapabilities, SamplingCapability,
    SealOptions,
};
use rmcp::service::RequestContext;

use crate::table::Table;

/// How long a question may be answered.
const GOOD_FOR: Duration = Duration::from_mins(10);

pub(crate) enum Step {
    Ask(InputRequiredResult),
    Answered,
}

/// A call as far as rounds depend on it.
pub(crate) struct Call<'a> {
    pub(crate) name: &'a str,
    pub(crate) responses: Option<&'a InputResponses>,
    pub(crate) state: Option<&'a str>,
    pub(crate) context: &'a RequestContext<RoleServer>,
}

/// `None`: it asks nothing.
pub(crate) fn step(
    table: &Table,
    codec: &RequestStateCodec,
    call: &Call<'_>,
) -> Option<Result<Step, ErrorData>> {
    let rounds = table.rounds.get(call.name)?;
    Some(next(rounds, codec, call))
}

fn next(
    rounds: &[InputRequests],
    codec: &RequestStateCodec,
    call: &Call<'_>,
) -> Result<Step, ErrorData> {
    let bound = bound_to(call);
    let mut round: usize = match call.state {
        None => 0,
        Some(state) => codec
            .open_json_with(state, bound.as_bytes())
            .map_err(|_| ErrorData::invalid_params("`requestState` is not from here", None))?,
    };
    let Some(asked) = rounds.get(round) else {
        return Ok(Step::Answered);
    };
    let can = call.context.client_capabilities().unwrap_or_default();
    let mut open = answerable(asked, &can);
    if open.is_empty() {
        return Err(ErrorData::missing_required_client_capability(needed(asked)));
    }
    if open
        .iter()
        .all(|(key, request)| is_answered(call.responses, key, request))
    {
        round += 1;
        let Some(asked) = rounds.get(round) else {
            return Ok(Step::Answered);
        };
        open = answerable(asked, &can);
    }
    let options = SealOptions::new()
        .associated_data(bound.as_bytes())
        .ttl(GOOD_FOR);
    let state = codec
        .seal_json_with(&round, &options)
        .map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
    Ok(Step::Ask(InputRequiredResult::new(Some(open), Some(state))))
}

/// Who calls what.
fn bound_to(call: &Call<'_>) -> String {
    let parts = call.context.extensions.get::<Parts>();
    let asker = parts.and_then(|parts| parts.extensions.get::<Asker>());
    let who = asker.and_then(|asker| asker.identity.id.as_deref());
    format!("{}\n{}", who.unwrap_or_default(), call.name)
}

fn answerable(asked: &InputRequests, can: &ClientCapabilities) -> InputRequests {
    let able = |request: &InputRequest| match request {
        InputRequest::CreateMessage(_) => can.sampling.is_some(),
        InputRequest::Elicitation(_) => can.elicitation.is_some(),
        InputRequest::ListRoots(_) => can.roots.is_some(),
        _ => false,
    };
    let able = asked.iter().filter(|(_, request)| able(request));
    able.map(|(key, request)| (key.clone(), request.clone()))
        .collect()
}

fn needed(asked: &InputRequests) -> ClientCapabilities {
    let mut needed = ClientCapabilities::default();
    for request in asked.values() {
        match request {
            InputRequest::CreateMessage(_) => needed.sampling = Some(SamplingCapability::default()),
            InputRequest::Elicitation(_) => {
                needed.elicitation = Some(ElicitationCapability::default());
            }
            InputRequest::ListRoots(_) => needed.roots = Some(RootsCapabilities::default()),
            _ => {}
        }
    }
    needed
}

fn is_answered(responses: Option<&InputResponses>, key: &str, request: &InputRequest) -> bool {
    let member = match request {
        InputRequest::CreateMessage(_) => "content",
        InputRequest::ListRoots(_) => "roots",
        _ => "action",
    };
    let response = responses.and_then(|all| all.get(key));
    response.is_some_and(|response| response.get(member).is_some())
}
