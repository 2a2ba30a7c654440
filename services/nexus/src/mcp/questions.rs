//! What a person is asked: inputs that were left out, and decisions that a run waits for.

use rmcp::model::{
    ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction, ElicitationSchema,
    InputRequest, InputRequests, InputResponses, JsonObject,
};
use serde_json::value::to_raw_value;
use serde_json::{Number, Value, json};
use uuid::Uuid;
use wire::run::{Approve, StepRow, StepState};
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

/// A form for each step that waits for a decision of whoever asks, by the step's path.
pub(super) fn for_decisions(steps: &[StepRow]) -> InputRequests {
    let waiting = steps
        .iter()
        .filter(|step| step.state == StepState::Waiting)
        .filter_map(|step| Some((step, step.note.as_ref().filter(|note| note.decides)?)));
    let asked = waiting.filter_map(|(step, note)| {
        let form = match &note.form {
            Some(schema) => form(schema, |_| true)?,
            None => yes_or_no(),
        };
        let message = note.message.clone().unwrap_or_else(|| step.path.clone());
        Some((step.path.clone(), request(message, form)?))
    });
    asked.collect()
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

/// What the person decided of a step that waits; `None`: nothing.
pub(super) fn decision(run: Uuid, step: &StepRow, answer: &Value) -> Option<Approve> {
    let answer = read(answer)?;
    let content = answer.content.unwrap_or_default();
    let no = Approve {
        id: run,
        step: step.path.clone(),
        approved: false,
        note: None,
        form: None,
    };
    let asks_more = step.note.as_ref().is_some_and(|note| note.form.is_some());
    match answer.action {
        // Who fills the form in says yes.
        ElicitationAction::Accept if asks_more => Some(Approve {
            approved: true,
            form: to_raw_value(&content).ok(),
            ..no
        }),
        ElicitationAction::Accept => Some(Approve {
            approved: content["confirm"] == true,
            note: content["note"].as_str().map(str::to_owned),
            ..no
        }),
        ElicitationAction::Decline => Some(no),
        _ => None,
    }
}

fn read(answer: &Value) -> Option<ElicitResult> {
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
