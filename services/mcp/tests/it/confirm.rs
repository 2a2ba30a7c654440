//! Many records are changed after their number was confirmed, by argument or by a person.

use serde_json::{Value, json};

use crate::world::{World, everywhere};

async fn filled(world: &World) {
    let ops: Vec<Value> = (0..12)
        .map(|n| json!({"op": "create", "values": {"title": format!("F{n}"), "gross": n}}))
        .collect();
    world
        .done("records_bulk", json!({"model": "Film", "ops": ops}))
        .await;
}

async fn count(world: &World) -> u64 {
    world.done("records_count", json!({"model": "Film"})).await["count"]
        .as_u64()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_is_told_and_must_be_given() {
    everywhere(async |world| {
        filled(world).await;
        let mut sweep = json!({"model": "Film", "where": {"gross": {"gte": 2}}});
        let (value, failed) = world
            .tool(&world.writer, "records_delete_many", sweep.clone())
            .await;
        assert!(failed);
        assert_eq!(value["problem"]["code"], "max_affected_exceeded");
        assert!(
            value["problem"]["hint"]
                .as_str()
                .unwrap()
                .contains("`confirm`: 10"),
            "{value}"
        );
        sweep["confirm"] = json!(3);
        assert_eq!(
            world.refused("records_delete_many", sweep.clone()).await.0,
            "max_affected_exceeded"
        );
        assert_eq!(count(world).await, 12);
        sweep["confirm"] = json!(10);
        assert_eq!(
            world.done("records_delete_many", sweep).await["changed"],
            10
        );
        assert_eq!(count(world).await, 2);
        let many = json!({"model": "Film", "where": {"gross": 0}, "values": {"gross": 99}});
        assert_eq!(world.done("records_update_many", many).await["changed"], 1);
    })
    .await;
}

const CAN_ASK: &str = r#"{"elicitation": {"form": {}}}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_asked_and_their_answer_is_about_this_call_only() {
    everywhere(async |world| {
        filled(world).await;
        let can_ask: Value = serde_json::from_str(CAN_ASK).unwrap();
        let arguments = json!({"model": "Film", "where": {"gross": {"lt": 5}}});
        let ask = async |params: Value| {
            let told = world.request(&world.writer, "tools/call", params, can_ask.clone()).await;
            told.json()["result"].take()
        };
        let asked = ask(json!({"name": "records_delete_many", "arguments": arguments})).await;
        assert_eq!(asked["resultType"], "input_required", "{asked}");
        let question = &asked["inputRequests"]["confirm"];
        assert_eq!(question["method"], "elicitation/create");
        assert!(question["params"]["message"].as_str().unwrap().contains("5 records"), "{question}");
        let state = asked["requestState"].clone();
        let yes = json!({"confirm": {"action": "accept", "content": {"confirm": true}}});
        let others = json!({"model": "Film", "where": {"gross": {"lt": 9}}});
        let altered = ask(json!({"name": "records_delete_many", "arguments": others, "requestState": state, "inputResponses": yes})).await;
        assert_eq!(altered["isError"], true, "{altered}");
        let answered = ask(json!({"name": "records_delete_many", "arguments": arguments, "requestState": state, "inputResponses": yes})).await;
        assert_eq!(answered["isError"], true, "a question is good for one answer: {answered}");
        assert_eq!(count(world).await, 12);

        let asked = ask(json!({"name": "records_delete_many", "arguments": arguments})).await;
        let state = asked["requestState"].clone();
        let done = ask(json!({"name": "records_delete_many", "arguments": arguments, "requestState": state, "inputResponses": yes})).await;
        assert_eq!(done["structuredContent"]["changed"], 5, "{done}");

        let asked = ask(json!({"name": "records_delete_many", "arguments": {"model": "Film", "all": true}})).await;
        let no = json!({"confirm": {"action": "decline"}});
        let declined = ask(json!({"name": "records_delete_many", "arguments": {"model": "Film", "all": true}, "requestState": asked["requestState"], "inputResponses": no})).await;
        assert_eq!(declined["structuredContent"]["problem"]["code"], "forbidden", "{declined}");
        assert_eq!(count(world).await, 7);
    })
    .await;
}
