//! Workflows ask the language models of agents' clients, and for the folders that these have open.

use serde_json::{Value, json};

use super::older::Older;
use super::{ask, call, message};
use crate::world::everywhere;

const TALK: &str = "
workflow: talk
task: forbidden
steps:
  - id: all
    parallel:
      said: [{ id: a, approve: { message: 'Say hello.', of: model, tokens: 50 } }]
      open: [{ id: b, approve: { message: 'Where?', of: roots } }]
      sure: [{ id: c, approve: { message: 'Sure?' } }]
outputs: { said: '{{ all.said.form.text }}', open: '{{ all.open.form.roots[0].uri }}' }
";
const WRITE: &str = "
workflow: write
inputs: { about: { type: text, required: true } }
steps: [{ id: said, approve: { message: 'Write about {{ inputs.about }}.', of: model } }]
outputs: '{{ said.form.text }}'
";

fn written(text: &str) -> Value {
    json!({"role": "assistant", "content": {"type": "text", "text": text}, "model": "m"})
}

fn roots() -> Value {
    json!({"roots": [{"uri": "file:///films", "name": "Films"}]})
}

fn methods(asked: &Value) -> Vec<(&str, &str)> {
    let asked = asked["inputRequests"].as_object().unwrap();
    asked
        .iter()
        .map(|(path, request)| (path.as_str(), request["method"].as_str().unwrap()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_asked_what_it_can_do() {
    everywhere(&[TALK, WRITE], async |world| {
        let all = json!({"sampling": {}, "roots": {}, "elicitation": {}});
        let asked = call(world, "talk", json!({}), all.clone()).await;
        let expected = [
            ("all.open.b", "roots/list"),
            ("all.said.a", "sampling/createMessage"),
            ("all.sure.c", "elicitation/create"),
        ];
        assert_eq!(methods(&asked), expected, "{asked}");
        let params = &asked["inputRequests"]["all.said.a"]["params"];
        assert_eq!(params["maxTokens"], 50, "{asked}");
        assert_eq!(params["messages"][0]["content"]["text"], "Say hello.");
        let answer = async |name: &str, asked: &Value, answers: Value, can: &Value| {
            let params = json!({
                "name": name, "arguments": {"about": "x"}, "requestState": asked["requestState"],
                "inputResponses": answers,
            });
            message(world, &world.admin, "tools/call", params, can.clone()).await
        };
        let yes = json!({"action": "accept", "content": {"confirm": true}});
        let answers =
            json!({"all.said.a": written("Hello."), "all.open.b": roots(), "all.sure.c": yes});
        let told = answer("talk", &asked, answers, &all).await;
        let output = &told["result"]["structuredContent"]["output"];
        assert_eq!(
            *output,
            json!({"said": "Hello.", "open": "file:///films"}),
            "{told}"
        );

        // It is asked the rest of what it can do, then told what it lacks.
        let can = json!({"sampling": {}});
        let asked = call(world, "talk", json!({}), can.clone()).await;
        assert_eq!(methods(&asked), [("all.said.a", "sampling/createMessage")]);
        let told = answer("talk", &asked, json!({"all.said.a": written("Hi.")}), &can).await;
        assert_eq!(told["error"]["code"], -32021, "{told}");
        let data = &told["error"]["data"];
        assert_eq!(data["requiredCapabilities"], json!({"roots": {}}), "{told}");
        // The run waits on: whoever may decide answers in its place.
        let id = data["run"].as_str().unwrap();
        let approve = async |step: &str, form: Value| {
            let said = json!({"step": step, "approved": true, "form": form});
            let told = world.post(&format!("/runs/{id}:approve"), said).await;
            (told.status.as_u16(), told.text)
        };
        assert_eq!(approve("all.open.b", json!({})).await.0, 422);
        assert_eq!(approve("all.open.b", roots()).await.0, 200);
        assert_eq!(approve("all.sure.c", Value::Null).await.0, 200);
        let run = world.until(id, "succeeded").await;
        assert_eq!(run["output"]["said"], "Hi.");

        // A person fills in for a model that there is not.
        let can = json!({"elicitation": {}});
        let asked = call(world, "write", json!({"about": "x"}), can.clone()).await;
        assert_eq!(methods(&asked), [("said", "elicitation/create")], "{asked}");
        let filled = json!({"said": {"action": "accept", "content": {"text": "By hand."}}});
        let told = answer("write", &asked, filled, &can).await;
        assert_eq!(
            told["result"]["structuredContent"]["output"], "By hand.",
            "{told}"
        );

        let params = json!({"name": "write", "arguments": {"about": "x"}});
        let told = message(world, &world.admin, "tools/call", params, json!({})).await;
        assert_eq!(told["error"]["code"], -32021, "{told}");
        let needed = &told["error"]["data"]["requiredCapabilities"];
        assert_eq!(*needed, json!({"sampling": {}}), "{told}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_asks_a_model() {
    everywhere(&[WRITE], async |world| {
        let can = json!({"sampling": {}, "extensions": {"io.modelcontextprotocol/tasks": {}}});
        let none = json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
        let begun = call(world, "write", json!({"about": "x"}), can.clone()).await;
        let id = &begun["taskId"];
        world.until(id.as_str().unwrap(), "waiting").await;
        let look =
            async |can: &Value| ask(world, "tasks/get", json!({"taskId": id}), can.clone()).await;
        let task = look(&can).await;
        assert_eq!(
            methods(&task),
            [("said", "sampling/createMessage")],
            "{task}"
        );
        let task = look(&none).await;
        assert_eq!(task["status"], "working", "{task}");
        let said = task["statusMessage"].as_str().unwrap();
        assert!(
            said.contains("said waits for the answer of a client's model"),
            "{said}"
        );
        // What is no text is no answer.
        let picture = json!({
            "role": "assistant", "model": "m",
            "content": {"type": "image", "data": "iVBO", "mimeType": "image/png"},
        });
        for (answer, status) in [(picture, "input_required"), (written("Yes."), "completed")] {
            let params = json!({"taskId": id, "inputResponses": {"said": answer}});
            ask(world, "tasks/update", params, can.clone()).await;
            if status == "completed" {
                world.until(id.as_str().unwrap(), "succeeded").await;
            }
            assert_eq!(look(&can).await["status"], status);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_the_older_protocol_is_asked_within_the_call() {
    everywhere(&[TALK, WRITE], async |world| {
        let can = json!({"sampling": {}, "roots": {}, "elicitation": {}});
        let client = Older::begin(world, can).await;
        let answer = |asked: &Value| match asked["method"].as_str().unwrap() {
            "sampling/createMessage" => json!({"result": written("Hello.")}),
            "roots/list" => json!({"result": roots()}),
            _ => json!({"result": {"action": "accept", "content": {"confirm": true}}}),
        };
        let told = client.call("talk", json!({}), answer).await;
        let output = &told["result"]["structuredContent"]["output"];
        assert_eq!(
            *output,
            json!({"said": "Hello.", "open": "file:///films"}),
            "{told}"
        );
        // A client that does not want to decides nothing.
        let no = json!({"error": {"code": -1, "message": "the user said no"}});
        let told = client
            .call("write", json!({"about": "x"}), |_| no.clone())
            .await;
        let told = &told["result"]["structuredContent"];
        assert_eq!(told["state"], "waiting", "{told}");

        let client = Older::begin(world, json!({})).await;
        let told = client
            .call("write", json!({"about": "x"}), |_| no.clone())
            .await;
        assert_eq!(told["error"]["code"], -32021, "{told}");
    })
    .await;
}
