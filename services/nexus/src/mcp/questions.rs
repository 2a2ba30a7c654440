//! What a client is asked: inputs that were left out, and decisions that a run waits for.

use rmcp::RoleServer;
use rmcp::model::{
    ClientCapabilities, CreateMessageRequest, CreateMessageRequestParams, CreateMessageResult,
    ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction, ElicitationSchema,
    InputRequest, InputRequests, InputResponses, JsonObject, ListRootsRequest, ListRootsResult,
    RootsCapabilities, SamplingCapability, SamplingMessage,
};
use rmcp::service::{RequestContext, ServiceError};
use serde::de::DeserializeOwned;
use serde_json::value::to_raw_value;
use serde_json::{Number, Value, json};
use uuid::Uuid;
use wire::run::{Approve, Note, Of, StepRow, StepState};
use wire::{Code, NodeInfo, Problem};

/// The name of the question for inputs.
const INPUTS: &str = "inputs";
/// What a form may say of a member, beside its kind.
const TOLD: [&str; 11] = [
    "description",
    "enum",
    "enumNames",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "default",
    "title",
];

/// A form for the inputs that were not given, where some must be; `None` where none must, or a form cannot ask for one
/// that must.
pub(super) fn for_inputs(node: &NodeInfo, given: &JsonObject) -> Option<InputRequests> {
    let is_missing = |name: &str| given.get(name).is_none_or(Value::is_null);
    let form = form(&node.input.tree(), is_missing)?;
    let needed = form["required"].as_array()?.iter();
    let needed: Vec<_> = needed.filter_map(Value::as_str).collect();
    if needed.is_empty() {
        return None;
    }
    let message = format!("{} needs {}.", node.name.verb(), needed.join(", "));
    Some([(INPUTS.to_owned(), request(message, form)?)].into())
}

/// The members of that schema that are asked for, as far as a form can; `None` where it cannot ask for one that must be
/// given.
fn form(schema: &Value, is_asked: impl Fn(&str) -> bool) -> Option<Value> {
    let required = schema["required"].as_array();
    let required = required.into_iter().flatten().filter_map(Value::as_str);
    let required: Vec<_> = required.filter(|name| is_asked(name)).collect();
    let mut members = JsonObject::new();
    let properties = schema["properties"].as_object();
    for (name, schema) in properties.into_iter().flatten() {
        if !is_asked(name) {
            continue;
        }
        match member(schema) {
            Some(member) => {
                members.insert(name.clone(), member);
            }
            None if required.contains(&name.as_str()) => return None,
            None => {}
        }
    }
    Some(json!({"type": "object", "properties": members, "required": required}))
}

/// Null is said by leaving it out. Of several types it is the first.
fn member(schema: &Value) -> Option<Value> {
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.first()?.as_str()?,
        kind => kind.as_str()?,
    };
    let mut member = match kind {
        "string" => match titled(&schema["oneOf"]) {
            Some(choices) => json!({"type": kind, "oneOf": choices}),
            None => json!({"type": kind}),
        },
        "number" | "integer" | "boolean" => json!({"type": kind}),
        "array" => json!({"type": kind, "items": several(&schema["items"])?}),
        _ => return None,
    };
    for name in TOLD {
        match schema.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::Array(values)) => {
                let values = values.iter().filter(|value| !value.is_null());
                member[name] = values.cloned().collect();
            }
            // What holds for all numbers says nothing.
            Some(Value::Number(bound)) if name != "default" && is_extreme(bound) => {}
            Some(said) => member[name] = said.clone(),
        }
    }
    let format = schema["format"].as_str();
    if let Some(format) = format.filter(|format| matches!(*format, "date" | "date-time")) {
        member["format"] = json!(format);
    }
    Some(member)
}

/// Several of these.
fn several(items: &Value) -> Option<Value> {
    if items["enum"].is_array() {
        return Some(json!({"type": "string", "enum": items["enum"]}));
    }
    let choices = titled(&items["anyOf"]).or_else(|| titled(&items["oneOf"]));
    choices.map(|choices| json!({"anyOf": choices}))
}

/// One of these, each with what people read.
fn titled(choices: &Value) -> Option<Value> {
    let choices = choices.as_array()?.iter().map(|choice| {
        let value = choice["const"].as_str()?;
        let title = choice["title"].as_str().unwrap_or(value);
        Some(json!({"const": value, "title": title}))
    });
    choices.collect()
}

fn is_extreme(bound: &Number) -> bool {
    matches!(bound.as_i64(), Some(i64::MIN | i64::MAX))
}

/// Puts what was answered into the arguments. Whether it had been asked.
pub(super) fn take_inputs(
    responses: Option<&InputResponses>,
    arguments: &mut JsonObject,
) -> Result<bool, Problem> {
    let Some(answer) = responses.and_then(|responses| responses.get(INPUTS)) else {
        return Ok(false);
    };
    match read(answer) {
        Some(ElicitResult {
            action: ElicitationAction::Accept,
            content: Some(Value::Object(content)),
            ..
        }) => {
            arguments.extend(content);
            Ok(true)
        }
        _ => Err(Problem::new(Code::Forbidden)
            .detail("the person gave no inputs; no run was begun")
            .hint("give them as arguments")),
    }
}

/// The steps that wait for a decision of whoever asks.
fn open(steps: &[StepRow]) -> impl Iterator<Item = (&StepRow, &Note)> {
    let waiting = steps.iter().filter(|step| step.state == StepState::Waiting);
    waiting.filter_map(|step| Some((step, step.note.as_ref().filter(|note| note.decides)?)))
}

/// What a client that can do so much is asked for each of them, by the step's path.
pub(super) fn for_decisions(steps: &[StepRow], can: &ClientCapabilities) -> InputRequests {
    let asked = open(steps).filter_map(|(step, note)| {
        let message = note.message.clone().unwrap_or_else(|| step.path.clone());
        Some((step.path.clone(), question(note, message, can)?))
    });
    asked.collect()
}

/// A person may answer in place of a client that cannot, as far as a form can ask them.
fn question(note: &Note, message: String, can: &ClientCapabilities) -> Option<InputRequest> {
    match note.of {
        Some(Of::Model) if can.sampling.is_some() => {
            let said = vec![SamplingMessage::user_text(message)];
            let params = CreateMessageRequestParams::new(said, note.tokens.unwrap_or_default());
            Some(InputRequest::CreateMessage(CreateMessageRequest::new(
                params,
            )))
        }
        Some(Of::Roots) if can.roots.is_some() => {
            Some(InputRequest::ListRoots(ListRootsRequest::default()))
        }
        _ if can.elicitation.is_none() => None,
        _ => {
            let form = match &note.form {
                Some(schema) => form(schema, |_| true)?,
                None => yes_or_no(),
            };
            request(message, form)
        }
    }
}

/// What a client of which nothing can be asked would have to declare; `None` where only people are asked, who can be
/// asked elsewhere.
pub(super) fn missing(steps: &[StepRow]) -> Option<ClientCapabilities> {
    let mut needed = ClientCapabilities::default();
    for (_, note) in open(steps) {
        match note.of {
            Some(Of::Model) => needed.sampling = Some(SamplingCapability::default()),
            Some(Of::Roots) => needed.roots = Some(RootsCapabilities::default()),
            None => {}
        }
    }
    (needed != ClientCapabilities::default()).then_some(needed)
}

/// Within the call, as the older protocol has it.
pub(super) async fn ask(
    question: InputRequest,
    context: &RequestContext<RoleServer>,
) -> Result<Value, ServiceError> {
    let client = &context.peer;
    Ok(match question {
        InputRequest::CreateMessage(asked) => json!(client.create_message(asked.params).await?),
        InputRequest::Elicitation(asked) => json!(client.create_elicitation(asked.params).await?),
        InputRequest::ListRoots(_) => json!(client.list_roots().await?),
        _ => return Err(ServiceError::UnexpectedResponse),
    })
}

fn yes_or_no() -> Value {
    json!({
        "type": "object", "required": ["confirm"],
        "properties": {
            "confirm": {"type": "boolean", "title": "Yes", "default": false},
            "note": {"type": "string", "title": "Note", "maxLength": 2000},
        },
    })
}

/// What was decided of each step that waits, as far as something was.
pub(super) fn decisions(run: Uuid, steps: &[StepRow], answers: &InputResponses) -> Vec<Approve> {
    let decided = open(steps).filter_map(|(step, note)| {
        let answer = answers.get(&step.path)?;
        let nothing = Approve {
            id: run,
            step: step.path.clone(),
            approved: false,
            note: None,
            form: None,
        };
        decision(nothing, note, answer)
    });
    decided.collect()
}

fn decision(no: Approve, note: &Note, answer: &Value) -> Option<Approve> {
    let filled_in = |form: &Value| Approve {
        approved: true,
        form: to_raw_value(form).ok(),
        ..no.clone()
    };
    let by_itself = match note.of {
        Some(Of::Model) => written(answer).map(|text| json!({"text": text})),
        Some(Of::Roots) => listed(answer).map(|roots| json!({"roots": roots})),
        None => None,
    };
    if let Some(form) = by_itself {
        return Some(filled_in(&form));
    }
    let answer: ElicitResult = read(answer)?;
    let content = answer.content.unwrap_or_default();
    match answer.action {
        // Who fills the form in says yes.
        ElicitationAction::Accept if note.form.is_some() => Some(filled_in(&content)),
        ElicitationAction::Accept => Some(Approve {
            approved: content["confirm"] == true,
            note: content["note"].as_str().map(str::to_owned),
            ..no
        }),
        ElicitationAction::Decline => Some(no),
        _ => None,
    }
}

/// The text of what a model wrote; what has none is no answer.
fn written(answer: &Value) -> Option<String> {
    let answer: CreateMessageResult = read(answer)?;
    let blocks = answer.message.content.into_vec();
    let texts = blocks.iter().filter_map(|block| block.as_text());
    let texts: Vec<_> = texts.map(|block| block.text.as_str()).collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

/// `[{uri, name?}]`
fn listed(answer: &Value) -> Option<Value> {
    let answer: ListRootsResult = read(answer)?;
    let roots = answer.roots.into_iter().map(|root| match root.name {
        Some(name) => json!({"uri": root.uri, "name": name}),
        None => json!({"uri": root.uri}),
    });
    Some(roots.collect())
}

fn read<T: DeserializeOwned>(answer: &Value) -> Option<T> {
    serde_json::from_value(answer.clone()).ok()
}

fn request(message: String, schema: Value) -> Option<InputRequest> {
    let requested_schema = ElicitationSchema::from_json_schema(rmcp::model::object(schema)).ok()?;
    let form = ElicitRequestParams::FormElicitationParams {
        meta: None,
        message,
        requested_schema,
    };
    Some(InputRequest::Elicitation(ElicitRequest::new(form)))
}
