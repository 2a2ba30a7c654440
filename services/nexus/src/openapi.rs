//! `GET /nexus/v1/openapi.json`: the routes, and each workflow that the caller may start.

use http::StatusCode;
use serde_json::{Map, Value, json};
use wire::{Catalogue, NodeInfo};

use crate::asked::{Asked, json as json_answer};
use crate::v1::Answered;
use crate::workflows::is_workflow;

pub(crate) async fn document(asked: &Asked) -> Answered {
    let catalogue = asked.by.catalogue().await?;
    Ok(json_answer(
        StatusCode::OK,
        of(&catalogue).to_string().into(),
    ))
}

fn of(catalogue: &Catalogue) -> Value {
    let workflows = catalogue.nodes.iter().filter(|node| is_workflow(node));
    let mut paths = Map::new();
    paths.insert("/nexus/v1/workflows".to_owned(), json!({ "get": operation("workflows", "Which workflows the caller may start", &json!({"type": "array"})) }));
    for node in workflows {
        let path = format!("/nexus/v1/workflows/{}/runs", node.name.verb());
        paths.insert(path, json!({ "post": start(node) }));
    }
    runs(&mut paths);
    paths.insert("/nexus/v1/events".to_owned(), json!({ "get": events() }));
    sessions(&mut paths);
    nodes(&mut paths);
    paths.insert("/nexus/v1/hooks/{path}".to_owned(), hook());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": format!("{}: workflows", catalogue.project),
            "version": catalogue.version,
            "description": "Workflows and their runs, as this caller may see them.",
        },
        "servers": [{ "url": "/" }],
        "security": [{ "key": [] }, {}],
        "paths": paths,
        "components": {
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer", "description": "A key of `gantry keys create`, or a token of an issuer that the project takes." } },
            "responses": { "Problem": { "description": "Any problem, by RFC 9457", "content": { "application/problem+json": { "schema": reference("Problem") } } } },
            "schemas": schemas(catalogue),
        },
    })
}

fn runs(paths: &mut Map<String, Value>) {
    let filters = ["workflow", "state", "session", "limit", "cursor"];
    let filter = |name| json!({ "name": name, "in": "query", "schema": { "type": "string" } });
    let list = json!({ "type": "array", "items": reference("Run") });
    let mut listing = operation("runs", "Runs, newest first", &list);
    listing["parameters"] = filters.map(filter).into_iter().collect();
    paths.insert("/nexus/v1/runs".to_owned(), json!({ "get": listing }));
    let about = "What became of its steps";
    let steps = json!({ "type": "array", "items": reference("Step") });
    let steps = operation("steps", about, &steps);
    let about = "What becomes of the run: events `run` and `step`";
    let mut events = operation("events", about, &json!({}));
    events["responses"]["200"] =
        json!({ "description": "Until it has ended", "content": { "text/event-stream": {} } });
    let run = operation("run", "One run", &reference("Run"));
    for (path, operation) in [("", run), ("/steps", steps), ("/events", events)] {
        let path = format!("/nexus/v1/runs/{{id}}{path}");
        paths.insert(path, json!({ "parameters": id(), "get": operation }));
    }
    actions(paths);
}

/// Of all runs.
fn events() -> Value {
    let about = "What becomes of the caller's runs, from now on: events `run`, `emit` and `resync`";
    let mut events = operation("all_events", about, &json!({}));
    events["parameters"] = json!([
        { "name": "workflow", "in": "query", "schema": { "type": "string" }, "description": "Of its runs only." },
        { "name": "Last-Event-ID", "in": "header", "schema": { "type": "string", "format": "date-time" }, "description": "The id of the event that was heard last, of the last hour: what came after it is told first." },
    ]);
    let about = "Until the caller leaves. The data of `run` is a Run, of `emit` an Emitted; after a `resync` runs are to be listed anew";
    events["responses"]["200"] =
        json!({ "description": about, "content": { "text/event-stream": {} } });
    events
}

fn sessions(paths: &mut Map<String, Value>) {
    let body = |schema: Value| json!({ "content": { "application/json": { "schema": schema } } });
    let session = reference("Session");
    let many = json!({ "type": "array", "items": session });
    let limit = json!([{ "name": "limit", "in": "query", "schema": { "type": "integer", "minimum": 1, "maximum": 1000 } }]);
    let mut list = operation(
        "sessions",
        "The caller's sessions, newest first, without their states",
        &many,
    );
    list["parameters"] = limit;
    let mut open = operation(
        "open_session",
        "Opens a session; its handle comes as a cookie, too",
        &session,
    );
    open["responses"]["201"] = open["responses"]["200"].take();
    open["responses"]
        .as_object_mut()
        .map(|responses| responses.remove("200"));
    open["requestBody"] = body(
        json!({ "type": "object", "additionalProperties": false, "properties": {
        "state": { "type": "object" }, "ttl": { "type": "integer", "minimum": 1, "description": "Seconds without use." },
    } }),
    );
    paths.insert(
        "/nexus/v1/sessions".to_owned(),
        json!({ "get": list, "post": open }),
    );
    let show = operation("session", "One session, which counts as use", &session);
    let mut change = operation(
        "write_session",
        "Changes its state by a merge patch (RFC 7396)",
        &session,
    );
    change["requestBody"] = body(json!({ "type": "object" }));
    let close = json!({ "operationId": "close_session", "summary": "Ends it", "responses": {
        "204": { "description": "Ended" }, "default": { "$ref": "#/components/responses/Problem" },
    } });
    let id =
        json!([{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }]);
    let session = json!({ "parameters": id, "get": show, "patch": change, "delete": close });
    paths.insert("/nexus/v1/sessions/{id}".to_owned(), session);
}

/// As the command line calls them.
fn nodes(paths: &mut Map<String, Value>) {
    let about = "Nodes of workflows, runs and sessions that the caller may call, with their inputs";
    let list = operation("nodes", about, &json!({ "type": "object" }));
    paths.insert("/nexus/v1/call".to_owned(), json!({ "get": list }));
    let mut call = operation("call", "Calls one of them", &json!({}));
    let input = json!({ "schema": { "type": "object" } });
    call["requestBody"] = json!({ "content": { "application/json": input } });
    let name =
        json!([{ "name": "node", "in": "path", "required": true, "schema": { "type": "string" } }]);
    paths.insert(
        "/nexus/v1/call/{node}".to_owned(),
        json!({ "parameters": name, "post": call }),
    );
}

/// The same of every project: which webhooks there are is told to nobody.
fn hook() -> Value {
    let header = |name: &str, about: &str| json!({ "name": name, "in": "header", "schema": { "type": "string" }, "description": about });
    let id = json!({ "type": "object", "required": ["id"], "properties": { "id": { "type": "string", "format": "uuid" } } });
    let path = json!({ "name": "path", "in": "path", "required": true, "schema": { "type": "string" }, "description": "As the trigger names it; it may have slashes." });
    let post = json!({
        "operationId": "hook",
        "tags": ["hooks"],
        "summary": "Sends a webhook that starts a workflow",
        "description": "Signed with HMAC-SHA256 by the webhook's secret, in either of two forms; no other credential is needed.",
        "security": [],
        "parameters": [
            header("webhook-id", "Standard Webhooks: the sender's name of what it sends. The same one starts one run."),
            header("webhook-timestamp", "Seconds since 1970, of the last five minutes."),
            header("webhook-signature", "`v1,` and the base64 of the HMAC of `id.timestamp.body`; several with spaces between."),
            header("x-hub-signature-256", "As GitHub signs: `sha256=` and the HMAC of the body in hexadecimal digits."),
            header("x-github-delivery", "Its name of what it sends. The same one starts one run."),
        ],
        "requestBody": { "required": true, "content": { "application/json": { "schema": {} } } },
        "responses": {
            "202": { "description": "A run was begun, or was begun when the same was sent before", "content": { "application/json": { "schema": id } } },
            "default": { "$ref": "#/components/responses/Problem" },
        },
    });
    json!({ "parameters": [path], "post": post })
}

fn id() -> Value {
    json!([{ "name": "id", "in": "path", "required": true, "schema": { "type": "string", "format": "uuid" } }])
}

fn actions(paths: &mut Map<String, Value>) {
    let text = || json!({ "type": "string" });
    let (run, seq) = (
        reference("Run"),
        json!({ "type": "object", "properties": { "seq": { "type": "integer" } } }),
    );
    let approve = json!({ "step": text(), "approved": { "type": "boolean" }, "note": text(), "form": { "type": "object" } });
    let ends = "Ends it after the step that is under way";
    let says = "Says yes or no to a step that asks";
    let tells = "Tells it something that it may wait for";
    let actions: [(&str, &str, &[&str], Value, &Value); 5] = [
        ("cancel", ends, &[], json!({}), &run),
        (
            "retry",
            "Does it again from a step on",
            &[],
            json!({ "from": text() }),
            &run,
        ),
        (
            "replay",
            "Begins a new run with the same input",
            &[],
            json!({}),
            &run,
        ),
        (
            "signal",
            tells,
            &["name"],
            json!({ "name": text(), "payload": {} }),
            &seq,
        ),
        ("approve", says, &["step", "approved"], approve, &seq),
    ];
    for (verb, about, required, body, output) in actions {
        let mut operation = operation(verb, about, output);
        if verb == "replay" {
            operation["responses"]["201"] = operation["responses"]["200"].take();
            operation["responses"]
                .as_object_mut()
                .map(|responses| responses.remove("200"));
        }
        let schema = json!({ "type": "object", "properties": body, "required": required, "additionalProperties": false });
        let content = json!({ "application/json": { "schema": schema } });
        operation["requestBody"] = json!({ "required": !required.is_empty(), "content": content });
        let path = format!("/nexus/v1/runs/{{id}}:{verb}");
        paths.insert(path, json!({ "parameters": id(), "post": operation }));
    }
}

fn operation(id: &str, about: &str, output: &Value) -> Value {
    json!({
        "operationId": id,
        "summary": about,
        "responses": {
            "200": { "description": about, "content": { "application/json": { "schema": output } } },
            "default": { "$ref": "#/components/responses/Problem" },
        },
    })
}

fn start(node: &NodeInfo) -> Value {
    let run = json!({ "application/json": { "schema": reference("Run") } });
    let name = node.name.verb();
    json!({
        "operationId": format!("start.{name}"),
        "summary": format!("Start {name}"),
        "description": node.about,
        "parameters": [
            { "name": "Prefer", "in": "header", "schema": { "type": "string" }, "description": "`respond-async`: answer at once; `wait=10`: wait so many seconds at most." },
            { "name": "Idempotency-Key", "in": "header", "schema": { "type": "string", "maxLength": 255 }, "description": "The same key starts one run." },
            { "name": "Gantry-Session", "in": "header", "schema": { "type": "string", "pattern": "^[!-~]+$", "maxLength": 128 }, "description": "The caller's session that the run is of; else the cookie `gantry_session`." },
        ],
        "requestBody": { "content": { "application/json": { "schema": input_of(node) } } },
        "responses": {
            "200": { "description": "The run, which has ended; with `Accept: text/event-stream` what becomes of it", "content": run },
            "202": { "description": "The run, which is under way: `Location` tells where", "content": run },
            "default": { "$ref": "#/components/responses/Problem" },
        },
        "x-gantry-node": node.name,
    })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// One that a file has word for word refers to itself, and is a document of its own here.
fn input_of(node: &NodeInfo) -> Value {
    let mut schema = node.input.tree();
    if schema["$schema"].is_null() {
        return own(&schema);
    }
    if schema["$id"].is_null() {
        schema["$id"] = json!(format!("urn:gantry:{}", node.name));
    }
    schema
}

/// What the catalogue's schemas share stands elsewhere in this document.
fn own(schema: &Value) -> Value {
    let text = schema
        .to_string()
        .replace("\"#/schemas/", "\"#/components/schemas/");
    serde_json::from_str(&text).unwrap_or_default()
}

fn schemas(catalogue: &Catalogue) -> Value {
    let (text, time) = (
        json!({ "type": "string" }),
        json!({ "type": "string", "format": "date-time" }),
    );
    let mut schemas = json!({
        "Problem": { "type": "object", "required": ["code", "detail"], "properties": {
            "code": text, "detail": text, "hint": text, "trace_id": text,
            "errors": { "type": "array", "items": { "type": "object", "properties": { "pointer": text, "code": text, "detail": text } } },
        } },
        "Run": { "type": "object", "required": ["id", "workflow", "version", "state", "epoch", "input", "created_at"], "properties": {
            "id": { "type": "string", "format": "uuid" }, "workflow": text, "version": text,
            "state": { "enum": wire::run::State::ALL },
            "epoch": { "type": "integer", "description": "1, and one more with each retry." },
            "input": {}, "output": { "description": "Of a run that succeeded." }, "problem": reference("Problem"),
            "started_by": text, "session": text, "parent": { "type": "string", "format": "uuid" },
            "cancelling": { "type": "boolean" }, "created_at": time, "started_at": time, "finished_at": time,
        } },
        "Emitted": { "type": "object", "required": ["run", "workflow", "step", "name", "payload", "at"], "properties": {
            "run": { "type": "string", "format": "uuid" }, "workflow": text, "step": text, "name": text, "payload": {}, "at": time,
        } },
        "Session": { "type": "object", "required": ["id", "created_at", "expires_at"], "properties": {
            "id": text, "state": { "type": "object" }, "created_at": time, "expires_at": time,
        } },
        "Step": { "type": "object", "required": ["path", "what", "state", "attempts", "started_at"], "properties": {
            "path": text, "what": text, "state": { "enum": ["done", "failed", "skipped", "waiting"] },
            "output": {}, "problem": reference("Problem"), "attempts": { "type": "integer" },
            "note": { "type": "object", "description": "What it waits for." }, "started_at": time, "ended_at": time,
        } },
    });
    let inputs = catalogue
        .nodes
        .iter()
        .filter(|node| is_workflow(node))
        .map(|node| node.input.json());
    let inputs: Vec<_> = inputs.collect();
    for (name, schema) in &catalogue.schemas {
        if inputs
            .iter()
            .any(|input| input.contains(&format!("\"#/schemas/{name}\"")))
        {
            schemas[name] = own(&schema.tree());
        }
    }
    schemas
}
