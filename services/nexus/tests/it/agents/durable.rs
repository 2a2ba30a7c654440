//! Agents follow long runs as tasks, and decide what these ask.

use std::time::Duration;

use serde_json::{Value, json};

use super::{ALL, ask, call, message, tasks};
use crate::world::{Running, World, everywhere, without_engine};

const FAR: &str = "2999-01-01T00:00:00Z";

async fn task(world: &World, id: &Value) -> Value {
    ask(world, "tasks/get", json!({"taskId": id}), tasks()).await
}

async fn task_once(world: &World, id: &Value, status: &str) -> Value {
    let looking = async {
        loop {
            let task = task(world, id).await;
            if task["status"] == status {
                return task;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let looked = tokio::time::timeout(Duration::from_secs(40), looking).await;
    looked.unwrap_or_else(|_| panic!("the task does not become {status}"))
}

/// Of a call, or of the task that it became.
async fn result(world: &World, answered: Value) -> Value {
    if answered["taskId"].is_null() {
        return answered;
    }
    let mut task = task_once(world, &answered["taskId"], "completed").await;
    task["result"].take()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_run_is_a_task_that_outlives_every_process() {
    without_engine(ALL, async |stage| {
        let engine = Running::of(stage.engine());
        let world = stage.world();
        let begun = call(&world, "nap", json!({"until": FAR}), tasks()).await;
        assert_eq!(begun["resultType"], "task", "{begun}");
        let id = &begun["taskId"];
        assert!(
            begun["ttlMs"].is_null() && begun["pollIntervalMs"].is_u64(),
            "{begun}"
        );
        world.until(id.as_str().unwrap(), "waiting").await;
        let working = task(&world, id).await;
        let said = working["statusMessage"].as_str().unwrap();
        assert!(said.contains("nap waits until 2999"), "{working}");
        engine.stop().await;
        // Another process, with nothing in memory.
        let world = stage.world();
        assert_eq!(task(&world, id).await["status"], "working");
        let foreign = message(
            &world,
            &world.editor,
            "tasks/get",
            json!({"taskId": id}),
            tasks(),
        );
        assert_eq!(foreign.await["error"]["code"], -32602);
        let ack = ask(&world, "tasks/cancel", json!({"taskId": id}), tasks()).await;
        assert_eq!(ack, json!({"resultType": "complete"}));
        let engine = Running::of(stage.engine());
        let ended = task_once(&world, id, "cancelled").await;
        assert!(ended["result"].is_null(), "{ended}");
        // Once more changes nothing.
        ask(&world, "tasks/cancel", json!({"taskId": id}), tasks()).await;

        let soon = json!({"until": "2020-01-01T00:00:00Z"});
        let done = call(&world, "nap", soon, tasks()).await;
        let done = result(&world, done).await;
        assert_eq!(done["content"][0]["text"], "napping", "{done}");

        let params = json!({"name": "must_follow", "arguments": {}});
        let refused = message(&world, &world.admin, "tools/call", params, json!({})).await;
        assert_eq!(refused["error"]["code"], -32021, "{refused}");
        let begun = call(&world, "must_follow", json!({}), tasks()).await;
        let failed = result(&world, begun).await;
        assert_eq!(failed["isError"], true, "{failed}");
        assert_eq!(failed["structuredContent"]["problem"]["code"], "not_found");

        let unknown = json!({"taskId": "no-such-task"});
        let unknown = message(&world, &world.admin, "tasks/get", unknown, tasks()).await;
        assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
        engine.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_are_asked_of_who_may_decide() {
    everywhere(ALL, async |world| {
        let begun = call(world, "review", json!({}), tasks()).await;
        let id = &begun["taskId"];
        let waiting = task_once(world, id, "input_required").await;
        let asked = waiting["inputRequests"].as_object().unwrap();
        assert_eq!(
            asked.keys().collect::<Vec<_>>(),
            ["both.left.a", "both.right.b"]
        );
        let answer = async |step: &str, answer: Value| {
            let params = json!({"taskId": id, "inputResponses": {step: answer}});
            ask(world, "tasks/update", params, tasks()).await
        };
        answer("both.right.c", json!({"action": "accept"})).await;
        let said = json!({"confirm": true, "note": "well done"});
        answer("both.right.b", json!({"action": "accept", "content": said})).await;
        let waiting = task_once(world, id, "input_required").await;
        let asked = waiting["inputRequests"].as_object().unwrap();
        assert_eq!(asked.keys().collect::<Vec<_>>(), ["both.left.a"]);
        answer("both.left.a", json!({"action": "cancel"})).await;
        assert_eq!(task(world, id).await["status"], "input_required");
        answer(
            "both.left.a",
            json!({"action": "accept", "content": {"confirm": true}}),
        )
        .await;
        let done = task_once(world, id, "completed").await;
        let output = &done["result"]["structuredContent"]["output"];
        assert_eq!(*output, json!({"left": true, "note": "well done"}));

        // Without tasks the call itself asks, and goes on where it was.
        let can = json!({"elicitation": {}});
        let asked = call(world, "review", json!({}), can.clone()).await;
        assert_eq!(asked["resultType"], "input_required", "{asked}");
        let yes = json!({"action": "accept", "content": {"confirm": true}});
        let no = json!({"action": "decline"});
        let params = json!({
            "name": "review", "arguments": {}, "requestState": asked["requestState"],
            "inputResponses": {"both.left.a": yes, "both.right.b": no},
        });
        let told = ask(world, "tools/call", params, can.clone()).await;
        assert_eq!(
            told["structuredContent"]["problem"]["code"], "not_approved",
            "{told}"
        );
        // The first no ends the run; that nobody waits for the second is no mistake.
        let asked = call(world, "review", json!({}), can.clone()).await;
        let params = json!({
            "name": "review", "arguments": {}, "requestState": asked["requestState"],
            "inputResponses": {"both.left.a": no, "both.right.b": no},
        });
        let told = ask(world, "tools/call", params, can).await;
        assert_eq!(
            told["structuredContent"]["problem"]["code"], "not_approved",
            "{told}"
        );
        assert_eq!(
            world
                .get("/runs?workflow=review")
                .await
                .as_array()
                .unwrap()
                .len(),
            3
        );

        // Who can neither follow a task nor be asked is told at once what it waits for.
        let told = call(world, "review", json!({}), json!({})).await;
        assert_eq!(told["structuredContent"]["state"], "waiting", "{told}");
        let waits = told["structuredContent"]["waits"].as_array().unwrap();
        let told_of = |what| {
            waits
                .iter()
                .any(|wait| wait.as_str().unwrap().contains(what))
        };
        assert!(told_of("Left?") && told_of("Right?"), "{told}");
        assert!(
            told["content"][0]["text"]
                .as_str()
                .unwrap()
                .contains("run_approve")
        );

        // For others than the caller it only waits.
        let params = json!({"name": "for_admins", "arguments": {}});
        let begun = message(world, &world.editor, "tools/call", params, tasks()).await;
        let id = &begun["result"]["taskId"];
        world.until(id.as_str().unwrap(), "waiting").await;
        let of_editor = message(
            world,
            &world.editor,
            "tasks/get",
            json!({"taskId": id}),
            tasks(),
        );
        let of_editor = of_editor.await["result"].take();
        assert_eq!(of_editor["status"], "working", "{of_editor}");
        let said = of_editor["statusMessage"].as_str().unwrap();
        assert!(said.contains("of the role chief"), "{said}");
        assert_eq!(task(world, id).await["status"], "input_required");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_filled_in_round_by_round() {
    const SHOP: &str = "
workflow: shop
steps:
  - id: price
    approve:
      message: What does it cost?
      form:
        amount: { type: int, min: 1, required: true }
        currency: { type: enum, values: [EUR, USD], default: EUR }
        tags: { type: enum, values: [new, sale], array: true }
  - { id: sure, approve: { message: '{{ price.form.amount }} {{ price.form.currency }}?' } }
outputs: { price: '{{ price.form }}', note: '{{ sure.note }}' }
";
    const OTHER: &str = "
workflow: other
steps: [{ wait: 10ms }]
";
    everywhere(&[SHOP, OTHER], async |world| {
        let can = json!({"elicitation": {}});
        let asked = call(world, "shop", json!({}), can.clone()).await;
        let form = &asked["inputRequests"]["price"]["params"]["requestedSchema"];
        let expected = json!({
            "amount": {"type": "integer", "minimum": 1},
            "currency": {"type": "string", "enum": ["EUR", "USD"], "default": "EUR"},
            "tags": {"type": "array", "items": {"type": "string", "enum": ["new", "sale"]}},
        });
        assert_eq!(form["properties"], expected, "{asked}");
        let state = &asked["requestState"];
        let answer = async |name: &str, state: &Value, responses: Value| {
            let params = json!({
                "name": name, "arguments": {}, "requestState": state, "inputResponses": responses,
            });
            message(world, &world.admin, "tools/call", params, can.clone()).await
        };
        let filled = |content: Value| json!({"price": {"action": "accept", "content": content}});
        // What does not fit is told, and changes nothing.
        let told = answer("shop", state, filled(json!({"amount": 0}))).await;
        let problem = &told["result"]["structuredContent"]["problem"];
        assert_eq!(problem["errors"][0]["pointer"], "/form/amount", "{told}");
        // A state that was made up is no reason to begin anew.
        let forged = json!(format!("{}x", state.as_str().unwrap()));
        for (name, state, code) in [("shop", &forged, -32602), ("other", state, 0)] {
            let told = answer(name, state, filled(json!({"amount": 1}))).await;
            if code == 0 {
                assert_eq!(told["result"]["isError"], true, "{told}");
            } else {
                assert_eq!(told["error"]["code"], code, "{told}");
            }
        }
        let amount = json!({"amount": 5, "tags": ["sale"]});
        let asked = answer("shop", state, filled(amount)).await["result"].take();
        let question = &asked["inputRequests"]["sure"]["params"];
        assert_eq!(question["message"], "5 EUR?", "{asked}");
        assert_ne!(asked["requestState"], *state);
        let yes = json!({"action": "accept", "content": {"confirm": true, "note": "ok"}});
        let told = answer("shop", &asked["requestState"], json!({"sure": yes})).await;
        let output = &told["result"]["structuredContent"]["output"];
        let price = json!({"amount": 5, "currency": "EUR", "tags": ["sale"]});
        assert_eq!(*output, json!({"price": price, "note": "ok"}), "{told}");
        let runs = world.get("/runs?limit=10").await;
        assert_eq!(runs.as_array().unwrap().len(), 1, "{runs}");
    })
    .await;
}
