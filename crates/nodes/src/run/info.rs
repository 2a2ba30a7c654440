//! Workflows and runs in the catalogue.

use access::Principal;
use model::Workflow;
use serde_json::{Value, json};
use wire::run::State;
use wire::{Hints, NodeInfo, Primitive};

use crate::catalogue::node;
use crate::schema;

pub(crate) fn workflow_node(workflow: &Workflow) -> Option<NodeInfo> {
    let (name, about) = (&workflow.name, &workflow.about);
    let about = match (&workflow.primitive, about.as_str()) {
        (Primitive::Tool, "") => format!("Starts the workflow {name}."),
        (Primitive::Tool, about) => format!("Starts the workflow {name}: {about}"),
        (Primitive::Prompt | Primitive::Resource { .. }, about) => about.to_owned(),
    };
    // What its steps do, it does.
    let hints = Hints {
        tasks: workflow.task_support(),
        ..workflow.effects.hints
    };
    let name = format!("workflow.{name}");
    let node = node(&name, &about, workflow.input_schema(), run(), hints)?;
    Some(NodeInfo {
        primitive: workflow.primitive.clone(),
        ..node
    })
}

fn text(about: &str) -> Value {
    json!({"type": "string", "description": about})
}

fn id() -> Value {
    json!({"type": "string", "format": "uuid"})
}

fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

fn problem() -> Value {
    schema::object(
        json!({"code": text("Why."), "detail": text("What happened.")}),
        &["code", "detail"],
    )
}

fn run() -> Value {
    let states = State::ALL.map(State::as_str);
    let run = json!({
        "id": id(), "workflow": {"type": "string"}, "version": text("Of the file that it began with."),
        "state": {"type": "string", "enum": states},
        "epoch": {"type": "integer", "minimum": 1, "description": "One more with each retry."},
        "input": {"type": "object"}, "output": {"description": "Of a run that succeeded."}, "problem": open(problem()),
        "started_by": text("The caller's id, or trigger:<n>."), "session": {"type": "string"}, "parent": id(),
        "cancelling": {"type": "boolean"}, "created_at": time(), "started_at": time(), "finished_at": time(),
    });
    let needed = [
        "id",
        "workflow",
        "version",
        "state",
        "epoch",
        "input",
        "started_by",
        "created_at",
    ];
    schema::object(run, &needed)
}

/// A problem may say more.
fn open(mut schema: Value) -> Value {
    schema["additionalProperties"] = json!(true);
    schema
}

fn step() -> Value {
    let note = json!({
        "until": time(), "signal": {"type": "string"}, "role": {"type": "string"}, "message": {"type": "string"}, "run": id(),
        "form": {"type": "object", "description": "JSON Schema of what is filled in with a yes."},
        "decides": {"type": "boolean", "description": "Whether the caller may decide."},
    });
    let step = json!({
        "path": text("save, or within others each.3.save."), "what": text("The node, or the kind of step."),
        "state": {"type": "string", "enum": ["done", "failed", "skipped", "waiting"]},
        "output": {"description": "Of a step that is done."}, "problem": open(problem()),
        "attempts": {"type": "integer", "minimum": 0}, "note": schema::object(note, &[]),
        "started_at": time(), "ended_at": time(),
    });
    schema::object(step, &["path", "what", "state", "attempts", "started_at"])
}

fn one() -> Value {
    schema::object(json!({"id": id()}), &["id"])
}

fn word(about: &str) -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[^\\u0000]*$", "description": about})
}

fn nullable(mut schema: Value) -> Value {
    schema["type"] = json!([schema["type"], "null"]);
    schema
}

/// For whoever has a credential, where there are workflows at all.
pub(crate) fn run_nodes(principal: &Principal) -> Vec<NodeInfo> {
    if principal.is_anonymous() {
        return Vec::new();
    }
    asking().into_iter().chain(steering()).flatten().collect()
}

fn asking() -> [Option<NodeInfo>; 3] {
    let reads = Hints {
        read_only: true,
        idempotent: true,
        ..Hints::default()
    };
    let of = |name: &str, about: &str, input, output| node(name, about, input, output, reads);
    [
        of(
            "run.read",
            "Reads a run of a workflow: its state, and its output or problem.",
            one(),
            run(),
        ),
        of(
            "run.steps",
            "Lists what became of a run's steps, in the order in which they ended.",
            one(),
            rows(&step()),
        ),
        of(
            "run.list",
            "Lists the caller's runs, newest first.",
            list(),
            rows(&run()),
        ),
    ]
}

fn steering() -> [Option<NodeInfo>; 5] {
    let again = Hints {
        destructive: true,
        ..Hints::default()
    };
    let ends = Hints {
        idempotent: true,
        ..again
    };
    let from = word("The path of the first step to do again; the one that failed unless said.");
    let retry = schema::object(json!({"id": id(), "from": nullable(from)}), &["id"]);
    let name = word("What the run waits for.");
    let signal = json!({"id": id(), "name": name, "payload": {"description": "Any value."}});
    let signal = schema::object(signal, &["id", "name"]);
    let approve = json!({
        "id": id(), "step": word("The step's path."), "approved": {"type": "boolean"}, "note": {"type": ["string", "null"]},
        "form": {"type": ["object", "null"], "description": "With a yes, what the step's form asks for."},
    });
    let approve = schema::object(approve, &["id", "step", "approved"]);
    let told = || schema::object(json!({"seq": {"type": "integer"}}), &["seq"]);
    let tells = Hints::default();
    [
        node(
            "run.cancel",
            "Ends a run; its `finally` steps still run.",
            one(),
            run(),
            ends,
        ),
        node(
            "run.retry",
            "Does a run that ended again, from a step on.",
            retry,
            run(),
            again,
        ),
        node(
            "run.replay",
            "Starts a run with the input of another.",
            one(),
            run(),
            again,
        ),
        node(
            "run.signal",
            "Tells a run something that it waits for.",
            signal,
            told(),
            tells,
        ),
        node(
            "run.approve",
            "Says yes or no to a step that asks.",
            approve,
            told(),
            tells,
        ),
    ]
}

fn rows(item: &Value) -> Value {
    json!({"type": "array", "items": item})
}

fn list() -> Value {
    let mut states = vec![Value::Null];
    states.extend(State::ALL.map(|state| json!(state.as_str())));
    let list = json!({
        "workflow": nullable(word("Its name.")), "session": nullable(word("Of an agent.")),
        "state": {"type": ["string", "null"], "enum": states},
        "limit": {"type": ["integer", "null"], "minimum": 1, "maximum": 1000, "default": 50},
        "cursor": nullable(text("Where the last page ended.")),
    });
    schema::object(list, &[])
}
