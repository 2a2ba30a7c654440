//! Workflows that are prompts and resources, and tools that only read.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use testkit::Heard;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::{ask, call, message, messages};
use crate::world::{Running, World, everywhere, without_engine};

const COMPARE: &str = "
workflow: compare
about: Begins a talk about a film.
offer: prompt
inputs:
  title: { type: text, required: true, about: The film. }
  tone: { type: enum, values: [calm, calling], default: calm }
  most: { type: int }
steps: [{ id: films, node: Film.list, with: { where: { title: '{{ inputs.title }}' }, select: [title, rating], limit: 3 } }]
outputs:
  - 'We talk about {{ inputs.title }}, {{ inputs.tone }}, {{ inputs.most }}.'
  - { role: assistant, content: 'I know {{ films }}.' }
  - { uri: 'films://sheet', type: text/markdown, text: '# Films' }
";
const ASKS: &str = "
workflow: asks
offer: prompt
steps: [{ id: mood, approve: { message: Which mood?, form: { word: { type: text, required: true } } } }]
outputs: 'The mood is {{ mood.form.word }}.'
";
const TITLED: &str = "
workflow: titled
about: The films of a title.
offer: { resource: 'films://titles/{title}', type: text/plain }
inputs: { title: { type: text, required: true } }
steps: [{ id: films, node: Film.count, with: { where: { title: '{{ inputs.title }}' } } }]
outputs: '{{ films.count }} of {{ inputs.title }}'
";
const ALL_OF_THEM: &str = "
workflow: all_of_them
offer: { resource: 'films://all' }
steps: [{ id: films, node: Film.count }]
outputs: '{{ films }}'
";
const DOT: &str = "
workflow: dot
offer: { resource: 'films://dot', type: image/png }
steps: [{ node: log, with: { message: dot } }]
outputs: data:image/png;base64,iVBO
";
const COUNT: &str = "
workflow: count
steps: [{ id: films, node: Film.count }]
outputs: '{{ films.count }}'
";
const TITLES: &str = "
workflow: titles
inputs: { title: { type: text } }
steps: [{ id: films, node: Film.count, with: { where: { title: '{{ inputs.title }}' } } }]
outputs: '{{ films.count }}'
";
const ADD: &str = "
workflow: add
inputs: { title: { type: text, required: true } }
steps: [{ node: Film.create, with: { title: '{{ inputs.title }}' } }]
";
const ALL: &[&str] = &[COMPARE, ASKS, TITLED, ALL_OF_THEM, DOT, COUNT, TITLES, ADD];

fn names(listed: &Value, member: &str) -> Vec<String> {
    let name = |item: &Value| item["name"].as_str().unwrap().to_owned();
    listed[member]
        .as_array()
        .unwrap()
        .iter()
        .map(name)
        .collect()
}

async fn read(world: &World, uri: &str) -> Value {
    let mut told = ask(world, "resources/read", json!({"uri": uri}), json!({})).await;
    told["contents"][0].take()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_is_what_its_workflow_answers() {
    everywhere(ALL, async |world| {
        let listed = ask(world, "prompts/list", json!({}), json!({})).await;
        assert_eq!(names(&listed, "prompts"), ["asks", "compare"]);
        let compare = &listed["prompts"][1];
        assert_eq!(compare["description"], "Begins a talk about a film.");
        let title = json!({"name": "title", "description": "The film.", "required": true});
        assert_eq!(compare["arguments"][0], title, "{compare}");

        call(world, "add", json!({"title": "Alien"}), json!({})).await;
        let params = json!({"name": "compare", "arguments": {"title": "Alien", "most": "7"}});
        let told = ask(world, "prompts/get", params, json!({})).await;
        let said = |role: &str, text: &str| json!({"role": role, "content": {"type": "text", "text": text}});
        let messages = &told["messages"];
        assert_eq!(messages[0], said("user", "We talk about Alien, calm, 7."));
        let known = r#"I know [{"title":"Alien","rating":null}]."#;
        assert_eq!(messages[1], said("assistant", known));
        let sheet = json!({"uri": "films://sheet", "mimeType": "text/markdown", "text": "# Films"});
        assert_eq!(messages[2]["content"]["resource"], sheet, "{told}");

        let wrong = async |name: &str, arguments: Value| {
            let params = json!({"name": name, "arguments": arguments});
            let told = message(world, &world.admin, "prompts/get", params, json!({})).await;
            assert_eq!(told["error"]["code"], -32602, "{told}");
            told["error"]["message"].as_str().unwrap().to_owned()
        };
        let near = wrong("compar", json!({})).await;
        assert!(near.contains("did you mean `compare`?"), "{near}");
        let none = wrong("compare", json!({})).await;
        assert!(none.contains("title must be given"), "{none}");
        let few = wrong("compare", json!({"title": "Alien", "most": "few"})).await;
        assert!(few.contains("most"), "{few}");
        // A tool is none, nor is a prompt a tool.
        wrong("count", json!({})).await;
        let listed = ask(world, "tools/list", json!({}), json!({})).await;
        let tools = names(&listed, "tools");
        assert!(!tools.contains(&"compare".to_owned()), "{tools:?}");

        let params = |argument: &str, value: &str| json!({
            "ref": {"type": "ref/prompt", "name": "compare"}, "argument": {"name": argument, "value": value},
        });
        let told = ask(world, "completion/complete", params("tone", "call"), json!({})).await;
        assert_eq!(told["completion"]["values"], json!(["calling"]), "{told}");
        let told = ask(world, "completion/complete", params("title", "A"), json!({})).await;
        assert_eq!(told["completion"]["values"], json!([]), "{told}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_asks_before_it_answers() {
    everywhere(&[ASKS], async |world| {
        let can = json!({"elicitation": {}});
        let params = json!({"name": "asks"});
        let asked = ask(world, "prompts/get", params.clone(), can.clone()).await;
        assert_eq!(asked["resultType"], "input_required", "{asked}");
        let mut again = params.clone();
        again["requestState"] = asked["requestState"].clone();
        again["inputResponses"] =
            json!({"mood": {"action": "accept", "content": {"word": "blue"}}});
        let told = ask(world, "prompts/get", again, can).await;
        assert_eq!(told["messages"][0]["content"]["text"], "The mood is blue.");
        // Who cannot be asked is told what waits.
        let told = message(world, &world.admin, "prompts/get", params, json!({})).await;
        let waits = told["error"]["data"]["waits"][0].as_str();
        assert!(
            waits.is_some_and(|waits| waits.contains("Which mood?")),
            "{told}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_is_read_at_its_address() {
    everywhere(ALL, async |world| {
        let listed = ask(world, "resources/list", json!({}), json!({})).await;
        let mine: Vec<_> = names(&listed, "resources");
        assert!(
            mine.contains(&"all_of_them".to_owned()) && mine.contains(&"dot".to_owned()),
            "{mine:?}"
        );
        assert!(!mine.contains(&"titled".to_owned()), "{mine:?}");
        let listed = ask(world, "resources/templates/list", json!({}), json!({})).await;
        let template = &listed["resourceTemplates"].as_array().unwrap()[0];
        assert_eq!(template["uriTemplate"], "films://titles/{title}");
        assert_eq!(template["mimeType"], "text/plain");

        call(world, "add", json!({"title": "Heat & dust"}), json!({})).await;
        let uri = "films://titles/Heat%20%26%20dust";
        let expected = json!({"uri": uri, "mimeType": "text/plain", "text": "1 of Heat & dust"});
        assert_eq!(read(world, uri).await, expected);
        let all =
            json!({"uri": "films://all", "mimeType": "application/json", "text": r#"{"count":1}"#});
        assert_eq!(read(world, "films://all").await, all);
        let dot = json!({"uri": "films://dot", "mimeType": "image/png", "blob": "iVBO"});
        assert_eq!(read(world, "films://dot").await, dot);

        for uri in [
            "films://titles/",
            "films://titles/a/b",
            "films://titles/%ff",
            "films://nothing",
        ] {
            let told = message(
                world,
                &world.admin,
                "resources/read",
                json!({"uri": uri}),
                json!({}),
            )
            .await;
            assert_eq!(told["error"]["code"], -32602, "{told}");
            assert_eq!(told["error"]["data"]["uri"], uri, "{told}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_reads_is_for_who_may_only_read() {
    everywhere(ALL, async |world| {
        let at = async |method: &str, params: Value| {
            message(world, &world.reader, method, params, json!({})).await
        };
        let listed = at("tools/list", json!({})).await;
        let tools = listed["result"]["tools"].as_array().unwrap();
        let count = tools.iter().find(|tool| tool["name"] == "count").unwrap();
        let hints = &count["annotations"];
        assert_eq!(hints["readOnlyHint"], true, "{count}");
        assert_eq!(hints["destructiveHint"], false, "{count}");
        assert!(tools.iter().all(|tool| tool["name"] != "add"), "{tools:?}");
        let told = at("tools/call", json!({"name": "count", "arguments": {}})).await;
        assert_eq!(told["result"]["structuredContent"]["output"], 0, "{told}");
        let told = at("resources/read", json!({"uri": "films://all"})).await;
        assert_eq!(
            told["result"]["contents"][0]["text"], r#"{"count":0}"#,
            "{told}"
        );
        let told = at(
            "prompts/get",
            json!({"name": "compare", "arguments": {"title": "x"}}),
        )
        .await;
        assert!(told["result"]["messages"].is_array(), "{told}");
        let refused = at(
            "tools/call",
            json!({"name": "add", "arguments": {"title": "x"}}),
        )
        .await;
        assert_eq!(refused["error"]["code"], -32602, "{refused}");
        let reader = format!("Bearer {}", world.reader);
        let headers = [("authorization", reader.as_str())];
        let begun = |name: &str| format!("POST /workflows/{name}/runs");
        let told = world.ask(&begun("count"), &headers, &json!({})).await;
        assert_eq!(told.status, 200, "{}", told.text);
        let told = world
            .ask(&begun("add"), &headers, &json!({"title": "x"}))
            .await;
        assert_eq!(told.problem(), (403, "insufficient_scope".to_owned()));
        assert_eq!(world.get("/runs?workflow=add").await, json!([]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_writing_needs_the_scope_reading_does_not() {
    without_engine(ALL, async |stage| {
        let engine = Running::of(stage.engine());
        let scoped = stage.app.clone().offering(mcp_face::Settings::default());
        let world = World {
            router: nexus::router(&scoped, CancellationToken::new()),
            ..stage.world()
        };
        let at = async |name: &str| {
            let params = json!({"name": name, "arguments": {"title": "x"}});
            message(&world, &world.reader, "tools/call", params, json!({})).await
        };
        let listed = message(&world, &world.reader, "tools/list", json!({}), json!({})).await;
        let tools = names(&listed["result"], "tools");
        assert!(tools.contains(&"titles".to_owned()), "{tools:?}");
        assert!(!tools.contains(&"add".to_owned()), "{tools:?}");
        let told = at("titles").await;
        assert_eq!(told["result"]["structuredContent"]["output"], 0, "{told}");
        let refused = at("add").await;
        assert_eq!(refused["code"], "insufficient_scope", "{refused}");
        engine.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_follows_without_end() {
    everywhere(ALL, async |world| {
        let many: Vec<_> = (0..65)
            .map(|number| format!("films://titles/{number}"))
            .collect();
        let params = json!({"notifications": {"resourceSubscriptions": many}});
        let method = "subscriptions/listen";
        let told = messages(world, &world.editor, method, (params, json!({})), &[]).await;
        let last = told.last().unwrap();
        assert_eq!(last["error"]["code"], -32602, "{told:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_a_resource_hears_of_changes() {
    everywhere(ALL, async |world| {
        let params = json!({
            "notifications": {"resourceSubscriptions": ["films://all", "films://nothing"]},
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        });
        let method = "subscriptions/listen";
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let request = Request::post("/nexus/mcp")
            .header("host", "localhost")
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", method)
            .header("authorization", format!("Bearer {}", world.editor))
            .body(Body::from(body.to_string()))
            .unwrap();
        let response = world.router.clone().oneshot(request).await.unwrap();
        let mut heard = Heard::of(response.into_body().into_data_stream());
        heard
            .until("notifications/subscriptions/acknowledged")
            .await;
        // Changes are heard from a moment on that nobody is told of.
        let adding = async {
            loop {
                call(world, "add", json!({"title": "Alien"}), json!({})).await;
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        };
        tokio::select! {
            () = heard.until("notifications/resources/updated") => {}
            () = adding => {}
        }
        let heard = heard.text;
        assert!(heard.contains("films://all"), "{heard}");
        assert!(!heard.contains(r#""uri":"films://nothing""#), "{heard}");
    })
    .await;
}
