//! What steps `log` say reaches the agent that waits.

use serde_json::{Value, json};

use super::messages;
use super::older::Older;
use crate::world::{World, everywhere};

const SAID: &str = "
workflow: said
steps:
  - { node: log, with: { message: one, level: debug } }
  - { node: log, with: { message: two } }
  - { wait: 20ms }
  - { if: '{{ false }}', node: log, with: { message: never } }
  - { each: '{{ [3, 4] }}', steps: [{ node: log, with: { message: '{{ item }}', level: warn } }] }
  - { id: ok, approve: { message: 'Go on?' } }
  - { id: last, node: log, with: { message: five, level: error } }
outputs: '{{ last }}'
";

/// `info two`, as many as there are.
fn told(messages: &[Value]) -> Vec<String> {
    let before = messages
        .iter()
        .filter(|message| message["method"] == "notifications/message");
    let params = before.map(|message| &message["params"]);
    params
        .map(|params| {
            assert_eq!(params["logger"], "workflow", "{params}");
            let texts = ["level", "data"].map(|name| params[name].as_str().unwrap());
            texts.join(" ")
        })
        .collect()
}

async fn call(world: &World, level: Option<&str>, more: Value) -> Vec<Value> {
    let mut params = json!({"name": "said", "arguments": {}});
    params
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    if let Some(level) = level {
        params["_meta"] = json!({"io.modelcontextprotocol/logLevel": level});
    }
    let can = json!({"elicitation": {}});
    messages(world, &world.admin, "tools/call", (params, can), &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_come_in_order_and_each_once() {
    everywhere(&[SAID], async |world| {
        for (level, before, after) in [
            (None, vec![], vec![]),
            (
                Some("debug"),
                vec!["debug one", "info two", "warning 3", "warning 4"],
                vec!["error five"],
            ),
            (
                Some("warning"),
                vec!["warning 3", "warning 4"],
                vec!["error five"],
            ),
            (Some("critical"), vec![], vec![]),
        ] {
            let asked = call(world, level, json!({})).await;
            assert_eq!(told(&asked), before, "{level:?}: {asked:?}");
            let state = &asked.last().unwrap()["result"]["requestState"];
            let yes = json!({"ok": {"action": "accept", "content": {"confirm": true}}});
            let more = json!({"requestState": state, "inputResponses": yes});
            let done = call(world, level, more).await;
            assert_eq!(told(&done), after, "{level:?}");
            let output = &done.last().unwrap()["result"]["structuredContent"]["output"];
            assert_eq!(*output, json!({"level": "error", "message": "five"}));
        }
        // In the older protocol nobody has to ask for them.
        let client = Older::begin(world, json!({"elicitation": {}})).await;
        let yes = json!({"result": {"action": "accept", "content": {"confirm": true}}});
        let mut events = client.listen().await;
        client.call("said", json!({}), |_| yes.clone()).await;
        let mut heard = Vec::new();
        while heard.len() < 4 {
            let message = events.next().await.unwrap();
            heard.extend(told(&[message]));
        }
        assert_eq!(heard, ["info two", "warning 3", "warning 4", "error five"]);
    })
    .await;
}
