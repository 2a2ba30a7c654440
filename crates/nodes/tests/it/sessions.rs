//! Sessions: whose they are, and how long they live.

mod hot;
mod shared;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use store::{SessionName, SessionPut, SessionRow};
use testkit::on_both_engines;
use wire::{Caller, Code};

use crate::world::{World, refused};

fn put(id: &str, state: &Value) -> Value {
    json!({"id": id, "kind": "mcp", "state": state, "ttl": 3600})
}

fn name(id: &str) -> Value {
    json!({"id": id, "kind": "mcp"})
}

#[tokio::test]
async fn a_session_is_its_makers_alone() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let call =
            async |who: &Caller, node: &str, input: Value| world.call(who, node, "", input).await;
        // Digits, order and spaces of a state are its maker's as well.
        let state: Value = serde_json::from_str("{\"z\": 1.50, \"a\": [null]}").unwrap();
        for owner in [&world.editor, &Caller::Anonymous] {
            let other = if *owner == Caller::Anonymous {
                &world.editor
            } else {
                &Caller::Anonymous
            };
            let (meta, _) = call(owner, "session.put", put("a!~", &state))
                .await
                .unwrap();
            assert_eq!(meta.affected, Some(1));
            let (_, first) = call(owner, "session.get", name("a!~")).await.unwrap();
            assert_eq!(
                (&first["id"], &first["kind"]),
                (&json!("a!~"), &json!("mcp"))
            );
            assert_eq!(first["state"], state);
            let lives = |row: &Value| {
                let at = |name: &str| row[name].as_str().unwrap().parse::<Timestamp>().unwrap();
                at("expires_at").duration_since(at("created_at")).as_secs()
            };
            assert_eq!(lives(&first), 3600);

            let theirs = call(other, "session.put", put("a!~", &json!("taken"))).await;
            assert_eq!(refused(&theirs).0, Code::NotFound);
            let theirs = call(other, "session.get", name("a!~")).await;
            assert_eq!(refused(&theirs).0, Code::NotFound);
            let (meta, _) = call(other, "session.delete", name("a!~")).await.unwrap();
            assert_eq!(meta.affected, Some(0));

            call(owner, "session.put", put("a!~", &json!(null)))
                .await
                .unwrap();
            let (_, second) = call(owner, "session.get", name("a!~")).await.unwrap();
            assert_eq!(second["state"], Value::Null);
            assert_eq!(second["created_at"], first["created_at"]);
            let (meta, told) = call(owner, "session.delete", name("a!~")).await.unwrap();
            assert_eq!((meta.affected, told), (Some(1), json!({"affected": 1})));
            let gone = call(owner, "session.get", name("a!~")).await;
            assert_eq!(refused(&gone).0, Code::NotFound);
            let (meta, _) = call(owner, "session.delete", name("a!~")).await.unwrap();
            assert_eq!(meta.affected, Some(0));
        }
    })
    .await;
}

#[tokio::test]
async fn a_session_that_is_used_lives_on_and_is_seldom_written_to() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
        // Of a stranger, whose name is empty; left alone for so many seconds, which its ttl is from its end.
        let made = async |id: &str, ttl: u32, ago: u64| {
            let name = SessionName {
                kind: "mcp".to_owned(),
                id: id.to_owned(),
                owner: String::new(),
            };
            let created_at = now - Duration::from_secs(ago);
            let row = SessionRow {
                state: "{}".to_owned(),
                ttl,
                created_at,
                expires_at: created_at + Duration::from_secs(ttl.into()),
            };
            let put = world.store.put_session(&name, &row).await.unwrap();
            assert_eq!(put, SessionPut::Kept);
            row.expires_at
        };
        let expires = async |id: &str| {
            let got = world.call(&Caller::Anonymous, "session.get", "", name(id));
            let (_, row) = got.await?;
            Ok(row["expires_at"]
                .as_str()
                .unwrap()
                .parse::<Timestamp>()
                .unwrap())
        };
        let hour = 3600;
        let was = made("fresh", hour, 20).await;
        assert_eq!(expires("fresh").await, Ok(was));

        let was = made("used", hour, 61).await;
        let first = expires("used").await.unwrap();
        assert!(first >= was + Duration::from_secs(61), "{first}");
        assert_eq!(expires("used").await, Ok(first), "no write so soon");

        let was = made("short", 40, 21).await;
        assert!(expires("short").await.unwrap() > was);

        made("over", hour, 3601).await;
        let over: Result<_, wire::Problem> = expires("over").await;
        assert_eq!(over.unwrap_err().code, Code::NotFound);
        let (meta, _) = world
            .call(&Caller::Anonymous, "session.delete", "", name("over"))
            .await
            .unwrap();
        assert_eq!(meta.affected, Some(0));
        // What is over is in nobody's way.
        let again = world.call(&world.editor, "session.put", "", put("over", &json!(1)));
        again.await.unwrap();
        let (_, row) = world
            .call(&world.editor, "session.get", "", name("over"))
            .await
            .unwrap();
        let created: Timestamp = row["created_at"].as_str().unwrap().parse().unwrap();
        assert!(created >= now);
    })
    .await;
}

#[tokio::test]
async fn what_is_no_session_is_refused_with_each_mistake() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let large = json!("x".repeat(64 * 1024));
        for (input, pointers) in [
            (json!({}), &["/id", "/kind", "/state", "/ttl"][..]),
            (json!({"id": "", "kind": "MCP", "state": large, "ttl": 0}), &["/id", "/kind", "/state", "/ttl"]),
            (json!({"id": "a b", "kind": "mcp", "state": 1, "ttl": 2_592_001}), &["/id", "/ttl"]),
            (json!({"id": "é", "kind": "mcp", "state": 1, "ttl": 1.5}), &["/id", "/ttl"]),
            (json!({"id": "a".repeat(129), "kind": "mcp", "state": 1, "ttl": 1}), &["/id"]),
            (json!({"id": "a", "kind": "mcp", "state": 1, "ttl": 1, "owner": "me"}), &["/owner"]),
        ] {
            let answered = world.call(&world.editor, "session.put", "", input.clone()).await;
            let problem = answered.unwrap_err();
            let told: Vec<_> = problem.errors.iter().map(|fault| fault.pointer.as_str()).collect();
            assert_eq!((problem.code, &told[..]), (Code::InvalidInput, pointers), "{input}");
        }
        let longest = json!({"id": "~".repeat(128), "kind": "mcp", "state": "x".repeat(64 * 1024 - 2), "ttl": 2_592_000});
        world.call(&world.editor, "session.put", "", longest).await.unwrap();
        for node in ["session.get", "session.delete"] {
            let answered = world.call(&world.editor, node, "", json!({"id": 1, "ttl": 1})).await;
            assert_eq!(refused(&answered), (Code::InvalidInput, "/ttl".to_owned()));
        }
    })
    .await;
}
