//! What a person is asked: inputs that were left out, and decisions that a run waits for.

use rmcp::model::{
    ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction, ElicitationSchema,
    InputRequest, InputRequests, InputResponses, JsonObject,
};
use serde_json::{Value, json};
use wire::run::{StepRow, StepState};
use wire::{Code, NodeInfo, Problem};

/// The name of the question for inputs.
const INPUTS: &str = "inputs";
/// What a form may say of a member, beside its kind.
const TOLD: [&str; 8] = [
    "description",
    "enum",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "default",
    "title",
];

/// A form for the inputs that must be given and were not; `None` where there are none, or a form cannot ask for one.
pub(super) fn for_inputs(node: &NodeInfo, given: &JsonObject) -> Option<InputRequests> {
    let schema = node.input.tree();
    let required = schema["required"].as_array()?.iter();
    let missing: Vec<&str> = required
        .filter_map(Value::as_str)
        .filter(|name| given.get(*name).is_none_or(Value::is_null))
        .collect();
    if missing.is_empty() {
        return None;
    }
    let members = missing.iter().map(|name| {
        let member = member(&schema["properties"][*name])?;
        Some(((*name).to_owned(), member))
    });
    let members: JsonObject = members.collect::<Option<_>>()?;
    let form = json!({"type": "object", "properties": members, "required": missing});
    let message = format!("{} needs {}.", node.name.verb(), missing.join(", "));
    Some([(INPUTS.to_owned(), form_of(message, form)?)].into())
}

fn member(schema: &Value) -> Option<Value> {
    let kind = schema["type"].as_str()?;
    if !matches!(kind, "string" | "integer" | "number" | "boolean") {
        return None;
    }
    let mut member = json!({"type": kind});
    for name in TOLD {
        if let Some(said) = schema.get(name) {
            member[name] = said.clone();
        }
    }
    let format = schema["format"].as_str();
    if let Some(format) = format.filter(|format| matches!(*format, "date" | "date-time")) {
        member["format"] = json!(format);
    }
    Some(member)
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
        let form = json!({
            "type": "object", "required": ["confirm"],
            "properties": {
                "confirm": {"type": "boolean", "title": "Yes", "default": false},
                "note": {"type": "string", "title": "Note", "maxLength": 2000},
            },
        });
        let message = note.message.clone().unwrap_or_else(|| step.path.clone());
        Some((step.path.clone(), form_of(message, form)?))
    });
    asked.collect()
}

pub(super) struct Decision {
    pub(super) approved: bool,
    pub(super) note: Option<String>,
}

/// `None`: the person did not decide.
pub(super) fn decision(answer: &Value) -> Option<Decision> {
    let answer = read(answer)?;
    let said = |name: &str| answer.content.as_ref()?.get(name).cloned();
    match answer.action {
        ElicitationAction::Accept => Some(Decision {
            approved: said("confirm") == Some(Value::Bool(true)),
            note: said("note").and_then(|note| Some(note.as_str()?.to_owned())),
        }),
        ElicitationAction::Decline => Some(Decision {
            approved: false,
            note: None,
        }),
        _ => None,
    }
}

fn read(answer: &Value) -> Option<ElicitResult> {
    serde_json::from_value(answer.clone()).ok()
}

fn form_of(message: String, schema: Value) -> Option<InputRequest> {
    let requested_schema = ElicitationSchema::from_json_schema(rmcp::model::object(schema)).ok()?;
    let form = ElicitRequestParams::FormElicitationParams {
        meta: None,
        message,
        requested_schema,
    };
    Some(InputRequest::Elicitation(ElicitRequest::new(form)))
}
