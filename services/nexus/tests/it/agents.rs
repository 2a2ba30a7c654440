//! Agents start workflows as tools, and are answered as REST answers.

mod durable;
mod models;
mod offered;
mod older;
mod said;
mod schema;

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::world::{World, everywhere};

const GREET: &str = "
workflow: greet
about: Greets somebody.
inputs: { name: { type: text, required: true, about: Who is greeted. }, loud: { type: bool, default: false } }
steps:
  - { id: film, node: Film.create, with: { title: '{{ inputs.name }}', rating: 7 } }
outputs: { text: 'Hello, {{ film.title }}!', loud: '{{ inputs.loud }}', list: ['{{ film.rating }}', null, 'ä'], big: 9007199254740993 }
";
const NAP: &str = "
workflow: nap
inputs: { until: { type: timestamp } }
steps:
  - { id: first, node: Film.create, with: { title: napping } }
  - { id: nap, wait: { until: '{{ inputs.until }}' } }
outputs: '{{ first.title }}'
";
const REVIEW: &str = "
workflow: review
steps:
  - id: both
    parallel:
      left: [{ id: a, approve: { message: 'Left?', role: editor } }]
      right: [{ id: b, approve: { message: 'Right?' } }]
outputs: { left: '{{ both.left.approved }}', note: '{{ both.right.note }}' }
";
const ADMIN: &str = "
workflow: for_admins
steps: [{ id: a, approve: { message: 'Now?', role: chief } }]
";
const TASK: &str = "
workflow: must_follow
task: required
steps: [{ id: gone, node: Film.read, with: { id: 01890000-0000-7000-8000-000000000000 } }]
";
const RUNS: &str = "
workflow: run_about
start: [admin]
steps: [{ id: noted, node: session.write, with: { set: { seen: 1 } } }]
outputs: '{{ session }}'
";
const PICTURE: &str = "
workflow: picture
inputs: { data: { type: text, required: true } }
steps: [{ wait: 10ms }]
outputs: { title: A chart, chart: 'data:image/png;base64,{{ inputs.data }}' }
";
const ALL: &[&str] = &[PICTURE, GREET, NAP, REVIEW, ADMIN, TASK, RUNS];

fn tasks() -> Value {
    json!({"elicitation": {}, "extensions": {"io.modelcontextprotocol/tasks": {}}})
}

async fn message(world: &World, key: &str, method: &str, params: Value, can: Value) -> Value {
    message_with(world, key, method, (params, can), &[]).await
}

/// With more headers.
async fn message_with(
    world: &World,
    key: &str,
    method: &str,
    said: (Value, Value),
    more: &[(&str, &str)],
) -> Value {
    let mut messages = messages(world, key, method, said, more).await;
    messages.pop().unwrap()
}

/// The answer, and before it what was told meanwhile.
async fn messages(
    world: &World,
    key: &str,
    method: &str,
    (params, can): (Value, Value),
    more: &[(&str, &str)],
) -> Vec<Value> {
    const MODERN: &str = "2026-07-28";
    let mut params = params;
    let meta = &mut params["_meta"];
    meta["io.modelcontextprotocol/protocolVersion"] = json!(MODERN);
    meta["io.modelcontextprotocol/clientCapabilities"] = can;
    let name = ["name", "taskId", "uri"];
    let name = name.iter().find_map(|name| params[name].as_str());
    let name = name.unwrap_or_default().to_owned();
    let mut request = Request::post("/nexus/mcp")
        .header("host", "localhost")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", MODERN)
        .header("mcp-method", method)
        .header("authorization", format!("Bearer {key}"));
    if !name.is_empty() {
        request = request.header("mcp-name", name);
    }
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    let body = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
    let request = request.body(Body::from(body.to_string())).unwrap();
    let response = world.router.clone().oneshot(request).await.unwrap();
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 26).await;
    let bytes = bytes.unwrap();
    if let Ok(answer) = serde_json::from_slice(&bytes) {
        return vec![answer];
    }
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    text.lines().filter_map(told).collect()
}

/// Of a line of events.
fn told(line: &str) -> Option<Value> {
    serde_json::from_str(line.strip_prefix("data:")?).ok()
}

async fn ask(world: &World, method: &str, params: Value, can: Value) -> Value {
    let mut message = message(world, &world.admin, method, params, can).await;
    assert!(message["error"].is_null(), "{message}");
    message["result"].take()
}

async fn call(world: &World, name: &str, arguments: Value, can: Value) -> Value {
    let params = json!({"name": name, "arguments": arguments});
    ask(world, "tools/call", params, can).await
}

#[tokio::test(flavor = "multi_thread")]
async fn workflows_are_tools_for_who_may_start_them() {
    everywhere(ALL, async |world| {
        let names = async |key: &str| {
            let listed = message(world, key, "tools/list", json!({}), json!({})).await;
            let tools = listed["result"]["tools"].as_array().unwrap().clone();
            tools
                .iter()
                .map(|tool| tool["name"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        let of_admin = names(&world.admin).await;
        for name in [
            "run_read",
            "run_approve",
            "session_open",
            "greet",
            "review",
            "workflow_run_about",
        ] {
            assert!(
                of_admin.iter().any(|known| known == name),
                "{name}: {of_admin:?}"
            );
        }
        assert!(
            of_admin.iter().all(|name| !name.starts_with("records_")),
            "{of_admin:?}"
        );
        let of_editor = names(&world.editor).await;
        assert!(
            !of_editor.contains(&"workflow_run_about".to_owned()),
            "{of_editor:?}"
        );

        let listed = ask(world, "tools/list", json!({}), json!({})).await;
        let greet = listed["tools"]
            .as_array()
            .unwrap()
            .iter()
            .find(|tool| tool["name"] == "greet");
        let schema = &greet.unwrap()["inputSchema"];
        assert_eq!(
            schema["properties"]["name"]["description"],
            "Who is greeted."
        );
        assert_eq!(schema["required"], json!(["name"]));
        assert!(
            schema["properties"]["idempotency_key"].is_object(),
            "{schema}"
        );

        let params = json!({"name": "greeet", "arguments": {}});
        let unknown = message(world, &world.admin, "tools/call", params, json!({})).await;
        assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
        let found = ask(world, "server/discover", json!({}), json!({})).await;
        let extensions = &found["capabilities"]["extensions"];
        assert!(
            extensions["io.modelcontextprotocol/tasks"].is_object(),
            "{found}"
        );
        assert!(
            found["instructions"]
                .as_str()
                .unwrap()
                .contains("run_approve"),
            "{found}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_run_is_answered_as_rest_answers_it() {
    everywhere(ALL, async |world| {
        let input = json!({"name": "World"});
        for can in [json!({}), tasks()] {
            let answered = call(world, "greet", input.clone(), can).await;
            assert_eq!(answered["resultType"], "complete", "{answered}");
            let told = &answered["structuredContent"];
            let id = told["run"].as_str().unwrap();
            let at_rest = world
                .ask(&format!("GET /runs/{id}"), &[], &Value::Null)
                .await;
            let output = format!("\"output\":{}", told["output"]);
            assert!(
                at_rest.text.contains(&output),
                "{output} in {}",
                at_rest.text
            );
            assert_eq!(answered["content"][0]["text"], told["output"].to_string());
            assert_eq!(answered["content"][0]["_meta"]["gantry/untrusted"], true);
        }

        let wrong = call(
            world,
            "greet",
            json!({"name": "x", "lout": true}),
            json!({}),
        )
        .await;
        assert_eq!(wrong["isError"], true, "{wrong}");
        let problem = &wrong["structuredContent"]["problem"];
        assert_eq!(problem["errors"][0]["pointer"], "/lout", "{wrong}");

        let once = json!({"name": "Once", "idempotency_key": "k-1"});
        let first = call(world, "greet", once.clone(), json!({})).await;
        let second = call(world, "greet", once, json!({})).await;
        assert_eq!(first["structuredContent"], second["structuredContent"]);
        assert_eq!(
            world
                .get("/runs?workflow=greet")
                .await
                .as_array()
                .unwrap()
                .len(),
            3
        );

        let open = call(world, "session_open", json!({"state": {"a": 1}}), json!({})).await;
        let session = open["structuredContent"]["id"].as_str().unwrap();
        let within = json!({"session": session});
        let told = call(world, "workflow_run_about", within, json!({})).await;
        assert_eq!(told["content"][0]["text"], session, "{told}");
        let after = call(world, "session_read", json!({"id": session}), json!({})).await;
        assert_eq!(
            after["structuredContent"]["state"],
            json!({"a": 1, "seen": 1})
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_that_were_left_out_are_asked_for() {
    everywhere(&[GREET], async |world| {
        let asked = call(
            world,
            "greet",
            json!({"loud": true}),
            json!({"elicitation": {}}),
        )
        .await;
        assert_eq!(asked["resultType"], "input_required", "{asked}");
        let form = &asked["inputRequests"]["inputs"]["params"]["requestedSchema"];
        assert_eq!(form["required"], json!(["name"]), "{asked}");
        assert!(
            form["properties"]["loud"].is_null(),
            "it was given: {asked}"
        );
        let answer = json!({"inputs": {"action": "accept", "content": {"name": "Ann"}}});
        let params =
            json!({"name": "greet", "arguments": {"loud": true}, "inputResponses": answer});
        let told = ask(world, "tools/call", params, json!({"elicitation": {}})).await;
        let output = &told["structuredContent"]["output"];
        assert_eq!(
            (&output["text"], &output["loud"]),
            (&json!("Hello, Ann!"), &json!(true))
        );
        let asked = call(world, "greet", json!({}), json!({"elicitation": {}})).await;
        let form = &asked["inputRequests"]["inputs"]["params"]["requestedSchema"];
        let loud = json!({"type": "boolean", "default": false});
        assert_eq!(form["properties"]["loud"], loud, "{asked}");
        assert_eq!(form["required"], json!(["name"]), "{asked}");
        let answer = json!({"inputs": {"action": "decline"}});
        let params = json!({"name": "greet", "arguments": {}, "inputResponses": answer});
        let told = ask(world, "tools/call", params, json!({"elicitation": {}})).await;
        assert_eq!(
            told["structuredContent"]["problem"]["code"], "forbidden",
            "{told}"
        );
        // Who cannot be asked is told.
        let told = call(world, "greet", json!({}), json!({})).await;
        assert_eq!(
            told["structuredContent"]["problem"]["errors"][0]["code"],
            "required"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_shown_as_one() {
    everywhere(&[PICTURE], async |world| {
        let told = call(world, "picture", json!({"data": "iVBO"}), json!({})).await;
        let shown = &told["content"];
        let text = r#"{"title":"A chart","chart":"(image/png, 3 bytes)"}"#;
        assert_eq!(shown[0]["text"], text, "{told}");
        let image = json!({
            "type": "image", "data": "iVBO", "mimeType": "image/png", "_meta": {"gantry/untrusted": true},
        });
        assert_eq!(shown[1], image);
        // What programs read is what REST answers.
        let output = &told["structuredContent"]["output"];
        assert_eq!(output["chart"], "data:image/png;base64,iVBO");
        let told = call(world, "picture", json!({"data": "?"}), json!({})).await;
        assert_eq!(told["content"].as_array().unwrap().len(), 1, "{told}");
    })
    .await;
}
