//! Sessions that are carried between channels: whose they are, and that no write of theirs is lost or done twice.

use std::time::Duration;

use access::Scope;
use futures_util::future::join_all;
use jiff::Timestamp;
use model::Workflow;
use serde_json::{Value, json};
use store::{SessionName, SessionPut, SessionRow};
use testkit::on_both_engines;
use wire::run::{Held, Then};
use wire::{Caller, Code, Options};

use crate::runs::{RATE, caller, expire, meddle, step, workflow, world};
use crate::world::{Answered, World, refused};

fn within(session: &Value) -> Options {
    Options {
        session: Some(session.as_str().unwrap().to_owned()),
        ..Options::default()
    }
}

impl World {
    async fn open_session(&self, who: &Caller, input: Value) -> Value {
        let opened = self.call(who, "session.open", "", input).await;
        opened.unwrap_or_else(|problem| panic!("{problem:?}")).1
    }

    async fn state_of(&self, who: &Caller, id: &Value) -> Value {
        let read = self.call(who, "session.read", "", json!({"id": id})).await;
        read.unwrap_or_else(|problem| panic!("{problem:?}")).1["state"].clone()
    }

    async fn set(&self, who: &Caller, id: &Value, set: Value) -> Answered {
        let input = json!({"id": id, "set": set});
        self.call(who, "session.write", "", input).await
    }

    async fn step_in(&self, held: &Held, path: &str, node: &str, input: Value) -> Answered {
        let options = Options {
            step: Some(step(held, path)),
            session: held.run.session.clone(),
            ..Options::default()
        };
        let who = caller(held);
        self.call_with(&who, node, "", input, options).await
    }
}

#[tokio::test]
async fn a_shared_session_is_whose_who_opened_it() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let other = world.someone(&["editor"], None).await;
        let (meta, opened) = world
            .call(&world.editor, "session.open", "", Value::Null)
            .await
            .unwrap();
        assert!(meta.created);
        assert_eq!(opened["state"], json!({}));
        let id = &opened["id"];
        assert_eq!(id.as_str().unwrap().len(), 22);
        let at = |name: &str| opened[name].as_str().unwrap().parse::<Timestamp>().unwrap();
        let lives = at("expires_at").duration_since(at("created_at"));
        assert_eq!(lives.as_secs(), 86_400);

        let own = world.call_with(&world.editor, "session.read", "", json!({}), within(id));
        assert_eq!(own.await.unwrap().1, opened);
        let set = json!({"set": {"film": "Alien"}});
        let (meta, written) = world
            .call_with(&world.editor, "session.write", "", set, within(id))
            .await
            .unwrap();
        assert_eq!(meta.affected, Some(1));
        assert_eq!(written["state"], json!({"film": "Alien"}));
        assert_eq!(world.state_of(&world.editor, id).await, written["state"]);

        // Not even an administrator's.
        for who in [&other, &world.admin] {
            for (node, input) in [
                ("session.read", json!({"id": id})),
                ("session.write", json!({"id": id, "set": {}})),
                ("session.close", json!({"id": id})),
            ] {
                let theirs = world.call(who, node, "", input).await;
                assert_eq!(refused(&theirs).0, Code::NotFound, "{node}");
            }
            let (_, listed) = world
                .call(who, "session.list", "", Value::Null)
                .await
                .unwrap();
            assert_eq!(listed, json!([]));
        }
        for node in ["open", "read", "write", "list", "close"] {
            let input = if node == "write" {
                json!({"set": {}})
            } else {
                json!({})
            };
            let node = format!("session.{node}");
            let strange = world.call_with(&Caller::Anonymous, &node, "", input.clone(), within(id));
            assert_eq!(refused(&strange.await).0, Code::Unauthenticated, "{node}");
            if !matches!(&*node, "session.open" | "session.list") {
                let nowhere = world.call(&world.editor, &node, "", input).await;
                assert_eq!(refused(&nowhere), (Code::InvalidInput, "/id".to_owned()));
                assert_eq!(nowhere.unwrap_err().errors[0].code, "required");
            }
        }
        let hidden = json!({"id": id, "kind": "shared"});
        let hidden = world.call(&world.editor, "session.get", "", hidden).await;
        assert_eq!(refused(&hidden), (Code::InvalidInput, "/kind".to_owned()));
        let reader = world.limited(&[Scope::Read]).await;
        let denied = world.call(&reader, "session.open", "", json!({})).await;
        assert_eq!(refused(&denied).0, Code::InsufficientScope);

        let second = world
            .open_session(&world.editor, json!({"state": {"n": 2}}))
            .await;
        let list = async |input: Value| {
            let (meta, listed) = world
                .call(&world.editor, "session.list", "", input)
                .await
                .unwrap();
            let listed = listed.as_array().unwrap().clone();
            assert_eq!(meta.rows, Some(listed.len() as u64));
            assert!(listed.iter().all(|session| session.get("state").is_none()));
            listed
                .iter()
                .map(|session| session["id"].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(list(json!({})).await, [second["id"].clone(), id.clone()]);
        for limit in [json!(1), json!(1.0)] {
            assert_eq!(list(json!({"limit": limit})).await, [second["id"].clone()]);
        }
        let (_, closed) = world
            .call_with(&world.editor, "session.close", "", json!({}), within(id))
            .await
            .unwrap();
        assert_eq!(closed, json!({"affected": 1}));
        assert_eq!(list(json!({})).await, [second["id"].clone()]);
        let gone = world
            .call(&world.editor, "session.close", "", json!({"id": id}))
            .await;
        assert_eq!(refused(&gone).0, Code::NotFound);
    })
    .await;
}

#[tokio::test]
async fn a_shared_session_lives_as_long_as_it_is_used() {
    on_both_engines(async |database| {
        let world = world(&database, &[RATE]).await;
        // Left alone for so many seconds.
        let made = async |id: &str, ago: u64| {
            let name = SessionName {
                kind: "shared".to_owned(),
                id: id.to_owned(),
                owner: "local".to_owned(),
            };
            let created_at = Timestamp::from_second(Timestamp::now().as_second()).unwrap()
                - Duration::from_secs(ago);
            let row = SessionRow {
                state: "{}".to_owned(),
                ttl: 3600,
                created_at,
                expires_at: created_at + Duration::from_hours(1),
            };
            let put = world.store.put_session(&name, &row).await.unwrap();
            assert_eq!(put, SessionPut::Kept);
            row.expires_at
        };
        let until = |session: &Value| session["expires_at"].as_str().unwrap().parse().unwrap();
        for (node, input) in [
            ("session.read", json!({})),
            ("session.write", json!({"set": {"a": 1}})),
            ("workflow.rate", json!({"film": "Alien"})),
        ] {
            let id = json!(node);
            let was = made(node, 600).await;
            world
                .call_with(&world.admin, node, "", input.clone(), within(&id))
                .await
                .unwrap();
            let read = world.call(&world.admin, "session.read", "", json!({"id": id}));
            let is: Timestamp = until(&read.await.unwrap().1);
            assert!(is >= was + Duration::from_mins(10), "{node}: {is}");

            made(node, 3601).await;
            let over = world
                .call_with(&world.admin, node, "", input, within(&id))
                .await;
            assert_eq!(refused(&over).0, Code::NotFound, "{node}");
        }
        let (_, listed) = world
            .call(&world.admin, "session.list", "", json!({}))
            .await
            .unwrap();
        assert_eq!(listed, json!([]));
    })
    .await;
}

#[tokio::test]
async fn writes_to_a_session_are_merged_and_none_is_lost() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let state = json!({"cart": {"film": 1, "stars": [1, 2]}, "step": "pay", "none": null});
        let id = &world.open_session(&world.editor, json!({"state": state})).await["id"];
        let patch = json!({"cart": {"film": null, "seat": {"row": 4, "gone": null}}, "step": ["x"], "none": 0});
        let (_, written) = world.set(&world.editor, id, patch).await.unwrap();
        let expected = json!({"cart": {"stars": [1, 2], "seat": {"row": 4}}, "step": ["x"], "none": 0});
        assert_eq!(written["state"], expected);
        assert_eq!(world.state_of(&world.editor, id).await, expected);

        let id = &world.open_session(&world.editor, json!({})).await["id"];
        let writes = (0..24).map(|n| {
            let set = json!({ format!("n{n}"): n, "all": { format!("n{n}"): n } });
            world.set(&world.editor, id, set)
        });
        for written in join_all(writes).await {
            written.unwrap();
        }
        let state = world.state_of(&world.editor, id).await;
        for n in 0..24 {
            let name = format!("n{n}");
            assert_eq!((&state[&name], &state["all"][&name]), (&json!(n), &json!(n)), "{state}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_step_writes_to_its_runs_session_once_and_with_its_lease_only() {
    on_both_engines(async |database| {
        let purge = "workflow: purge\nrun_as: editor\nstart: [anyone]\nsteps:\n  - { id: all, node: session.read }\n";
        let world = world(&database, &[RATE, purge]).await;
        let opened = world.open_session(&world.editor, json!({"state": {"n": 1}})).await;
        let id = &opened["id"];
        let film = json!({"film": "Alien"});
        let other = world.someone(&["editor"], None).await;
        for who in [&other, &Caller::Anonymous] {
            for node in ["workflow.rate", "workflow.purge"] {
                if *who == Caller::Anonymous && node == "workflow.rate" {
                    continue;
                }
                let input = if node == "workflow.rate" { film.clone() } else { json!({}) };
                let theirs = world.call_with(who, node, "", input, within(id)).await;
                assert_eq!(refused(&theirs).0, Code::NotFound, "{node}");
            }
        }
        assert!(world.claim(1, 0).await.is_empty());

        for (workflow, input) in [("rate", film), ("purge", json!({}))] {
            world.set(&world.editor, id, json!({"n": 1, "late": null})).await.unwrap();
            let node = format!("workflow.{workflow}");
            let started = world.call_with(&world.editor, &node, "", input, within(id)).await;
            let run = started.unwrap().1;
            assert_eq!(run["session"], *id);
            let held = world.hold().await;
            assert_eq!(json!(held.run.session), *id);
            let (_, read) = world.step_in(&held, "read", "session.read", json!({})).await.unwrap();
            assert_eq!(read["state"], json!({"n": 1}));
            let named = world.step_in(&held, "named", "session.read", json!({"id": id})).await;
            assert_eq!(named.unwrap().1["state"], json!({"n": 1}));

            let write = async || {
                let input = json!({"set": {"n": 2}});
                world.step_in(&held, "write", "session.write", input).await.unwrap()
            };
            let (meta, first) = write().await;
            assert!(!meta.replayed);
            assert_eq!(first["state"], json!({"n": 2}));
            world.set(&world.editor, id, json!({"n": 3})).await.unwrap();
            let (meta, again) = write().await;
            assert!(meta.replayed);
            assert_eq!(again, first);
            let (meta, again) = world.step_in(&held, "read", "session.read", json!({})).await.unwrap();
            assert!(meta.replayed);
            assert_eq!(again["state"], json!({"n": 1}));
            assert_eq!(world.state_of(&world.editor, id).await, json!({"n": 3}));

            expire(&database).await;
            let taken = world.hold().await;
            for node in ["session.write", "session.read"] {
                let input = if node == "session.read" { json!({}) } else { json!({"set": {"late": true}}) };
                let late = world.step_in(&held, "late", node, input).await;
                assert_eq!(refused(&late).0, Code::LeaseLost, "{node}");
            }
            assert_eq!(world.state_of(&world.editor, id).await, json!({"n": 3}));
            let opens = world.step_in(&taken, "open", "session.open", json!({})).await;
            assert_eq!(refused(&opens).0, Code::BadRequest);
            world.advance(&taken, Then::Succeed(crate::runs::raw("null"))).await.unwrap();
            assert_eq!(
                world.steps(&run["id"]).await,
                ["read done", "named done", "write done"]
            );
            let replayed = world
                .call_with(&other, "run.replay", "", json!({"id": run["id"]}), within(id))
                .await;
            assert_eq!(refused(&replayed).0, Code::NotFound);
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_no_session_or_too_much_is_refused() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let most = 64 * 1024 - "{\"a\":\"\"}".len();
        let full = |more: usize| json!({"a": "x".repeat(most + more)});
        let long = "~".repeat(129);
        for (node, input, pointer) in [
            ("open", json!({"state": []}), "/state"),
            ("open", json!({"state": full(1)}), "/state"),
            ("open", json!({"ttl": 0}), "/ttl"),
            ("open", json!({"ttl": 1.5}), "/ttl"),
            ("open", json!({"ttl": 2_592_001}), "/ttl"),
            ("open", json!({"id": "mine"}), "/id"),
            ("read", json!({"id": ""}), "/id"),
            ("read", json!({"id": 1}), "/id"),
            ("read", json!({"id": "a b"}), "/id"),
            ("close", json!({"id": long}), "/id"),
            ("write", json!({"id": "a"}), "/set"),
            ("write", json!({"id": "a", "set": 1}), "/set"),
            ("list", json!({"limit": 0}), "/limit"),
            ("list", json!({"limit": 1001}), "/limit"),
            ("list", json!({"cursor": "x"}), "/cursor"),
        ] {
            let node = format!("session.{node}");
            let answered = world.call(&world.admin, &node, "", input.clone()).await;
            let expected = (Code::InvalidInput, pointer.to_owned());
            assert_eq!(refused(&answered), expected, "{node} {input}");
        }
        let opened = world.open_session(&world.admin, json!({"state": full(0), "ttl": 2_592_000.0})).await;
        let id = &opened["id"];
        let over = world.set(&world.admin, id, json!({"b": 1})).await;
        assert_eq!(refused(&over), (Code::InvalidInput, "/set".to_owned()));
        assert_eq!(world.state_of(&world.admin, id).await, full(0));
        world.set(&world.admin, id, json!({"a": null, "b": 1})).await.unwrap();

        let keyed = || Options {
            idempotency_key: Some("once".to_owned()),
            ..Options::default()
        };
        let open = || world.call_with(&world.admin, "session.open", "", json!({}), keyed());
        let (first, again) = (open().await.unwrap(), open().await.unwrap());
        assert!(again.0.replayed && !first.0.replayed);
        assert_eq!(again.1, first.1);
        let tried = Options {
            dry_run: true,
            ..Options::default()
        };
        let set = json!({"id": id, "set": {"b": 2}});
        let (meta, written) = world
            .call_with(&world.admin, "session.write", "", set.clone(), tried)
            .await
            .unwrap();
        assert!(meta.rolled_back);
        assert_eq!(written["state"], json!({"b": 2}));
        let none = Options {
            max_affected: Some(0),
            ..Options::default()
        };
        let none = world.call_with(&world.admin, "session.write", "", set, none).await;
        assert_eq!(refused(&none).0, Code::MaxAffected);
        assert_eq!(world.state_of(&world.admin, id).await, json!({"b": 1}));

        let many = "INSERT INTO gantry_session (kind, id, owner, state, ttl, created_at, expires_at) \
             WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < 9999) \
             SELECT 'mcp', 's' || n, 'local', '{}', 1, '2020-01-01T00:00:00.000000Z', '2999-01-01T00:00:00.000000Z' FROM g";
        let timed = many.replace("Z'", "Z'::timestamptz");
        let postgres = database.engine() == testkit::Engine::Postgres;
        meddle(&database, if postgres { &timed } else { many }).await;
        let full = world.call(&world.admin, "session.open", "", json!({})).await;
        assert_eq!(refused(&full).0, Code::LimitExceeded);
    })
    .await;
}

/// Steps read and write the session of their run; they open none.
#[test]
fn a_workflows_steps_know_the_nodes_of_sessions() {
    let _: Workflow = workflow(
        "workflow: seat\nsteps:\n  - { id: read, node: session.read }\n  - { id: write, node: session.write, with: { set: { seat: 4 } } }\n",
    );
    for (step, told) in [
        ("node: session.open", "`session.open` is no node for a step"),
        ("node: session.write", "session.write needs `set`"),
        (
            "node: session.read, with: { set: { a: 1 } }",
            "session.read takes no `set`",
        ),
    ] {
        let text = format!("workflow: seat\nsteps:\n  - {{ id: a, {step} }}\n");
        let mistakes = Workflow::parse(std::path::Path::new("seat.yaml"), &text).unwrap_err();
        assert!(format!("{mistakes:?}").contains(told), "{mistakes:?}");
    }
}
