//! What starters and admins see of runs, and what they may do to them.

use serde_json::{Value, json};
use testkit::on_both_engines;
use wire::run::{Advance, Note, StepRow, StepState, Then, approval};
use wire::{Caller, Calls as _, Code, Options, Problem};

use super::{RATE, advance, raw, world};
use crate::world::refused;

const FOR_ADMINS: &str =
    "workflow: purge\nrun_as: editor\nsteps:\n  - { id: all, node: Film.list }\n";
const FOR_MEMBERS: &str =
    "workflow: count\nstart: [member]\nsteps:\n  - { id: all, node: Film.count }\n";

#[tokio::test]
async fn runs_are_their_starters_and_admins_see_all() {
    on_both_engines(async |database| {
        let world = world(&database, &[RATE]).await;
        let other = world.someone(&["editor"], None).await;
        let tenant = world.someone(&["admin"], Some("acme")).await;
        let run = world
            .start(&world.editor, "rate", json!({"film": "Alien"}))
            .await;
        let id = json!({"id": run["id"]});
        for node in [
            "run.read",
            "run.steps",
            "run.cancel",
            "run.retry",
            "run.replay",
        ] {
            for who in [&other, &tenant, &Caller::Anonymous] {
                let foreign = world.call(who, node, "", id.clone()).await;
                assert_eq!(refused(&foreign).0, Code::NotFound, "{node}");
            }
        }
        let ids = async |who: &Caller, input: Value| {
            let (_, runs) = world.call(who, "run.list", "", input).await.unwrap();
            let runs = runs.as_array().unwrap().iter();
            runs.map(|run| run["id"].clone()).collect::<Vec<_>>()
        };
        let opened = world.call(&other, "session.open", "", json!({})).await;
        let session = opened.unwrap().1["id"].as_str().unwrap().to_owned();
        let options = Options {
            session: Some(session.clone()),
            ..Options::default()
        };
        let second = world
            .call_with(&other, "workflow.rate", "", json!({"film": "B"}), options)
            .await
            .unwrap()
            .1;
        assert_eq!(second["session"], session);
        assert_eq!(ids(&world.editor, json!({})).await, [run["id"].clone()]);
        assert_eq!(
            ids(&world.admin, json!({})).await,
            [second["id"].clone(), run["id"].clone()]
        );
        assert!(ids(&tenant, json!({})).await.is_empty());
        assert_eq!(
            ids(
                &world.admin,
                json!({"session": session, "state": "queued", "workflow": "rate"})
            )
            .await,
            [second["id"].clone()]
        );
        assert!(
            ids(&world.admin, json!({"state": "failed"}))
                .await
                .is_empty()
        );
        let (meta, _) = world
            .call(&world.admin, "run.list", "", json!({"limit": 1}))
            .await
            .unwrap();
        assert_eq!(
            ids(
                &world.admin,
                json!({"limit": 1, "cursor": meta.cursor.unwrap()})
            )
            .await,
            [run["id"].clone()]
        );
        let bad = world
            .call(&world.admin, "run.list", "", json!({"limit": 0}))
            .await;
        assert_eq!(refused(&bad), (Code::InvalidInput, "/limit".to_owned()));
        let bad = world
            .call(&world.admin, "run.list", "", json!({"cursor": "x"}))
            .await;
        assert_eq!(refused(&bad).0, Code::InvalidCursor);
        let stranger = world
            .call(&Caller::Anonymous, "run.list", "", json!({}))
            .await;
        assert_eq!(refused(&stranger).0, Code::Unauthenticated);
    })
    .await;
}

#[tokio::test]
async fn a_workflow_is_started_by_those_who_may() {
    on_both_engines(async |database| {
        let world = world(&database, &[RATE, FOR_ADMINS, FOR_MEMBERS]).await;
        let member = world.someone(&["member"], None).await;
        for (who, expected) in [
            (&Caller::Anonymous, [Some(Code::Unauthenticated); 3]),
            (&member, [None, Some(Code::Forbidden), None]),
            (
                &world.editor,
                [None, Some(Code::Forbidden), Some(Code::Forbidden)],
            ),
            (&world.admin, [None, None, None]),
        ] {
            let catalogue = world.nodes.catalogue(who).await.unwrap();
            for (name, expected) in ["rate", "purge", "count"].into_iter().zip(expected) {
                let node = format!("workflow.{name}");
                let input = if name == "rate" {
                    json!({"film": "A"})
                } else {
                    Value::Null
                };
                let started = world.call(who, &node, "", input).await;
                assert_eq!(
                    started.err().map(|problem| problem.code),
                    expected,
                    "{node}"
                );
                let known = catalogue
                    .nodes
                    .iter()
                    .any(|known| known.name.as_str() == node);
                assert_eq!(known, expected.is_none(), "{node}");
            }
        }
        let bad = world
            .call(&world.admin, "workflow.rate", "", json!({"stars": "x"}))
            .await;
        assert_eq!(refused(&bad), (Code::InvalidInput, "/film".to_owned()));
        let none = world
            .call(&world.admin, "workflow.none", "", json!({}))
            .await;
        assert_eq!(refused(&none).0, Code::NoSuchNode);
        // As the role that it says, whoever started it.
        let held = world.claim(100, 1_000).await;
        let held = held
            .iter()
            .find(|held| held.run.workflow == "purge")
            .unwrap();
        world
            .step(held, "a", "Film.create", json!({"title": "By role"}))
            .await
            .unwrap();
        let by = world.list(&world.admin, "Film", "", "created_by").await;
        assert_eq!(by, ["workflow:purge"]);
    })
    .await;
}

#[tokio::test]
async fn a_start_under_a_key_is_one() {
    on_both_engines(async |database| {
        let world = world(&database, &[RATE]).await;
        let start = async || {
            let options = Options {
                idempotency_key: Some("k".to_owned()),
                ..Options::default()
            };
            world
                .call_with(
                    &world.editor,
                    "workflow.rate",
                    "",
                    json!({"film": "A"}),
                    options,
                )
                .await
                .unwrap()
        };
        let ((_, first), (meta, second)) = (start().await, start().await);
        assert!(meta.replayed);
        assert_eq!(first, second);
        assert_eq!(world.claim(10, 1_000).await.len(), 1);
        let options = Options {
            dry_run: true,
            ..Options::default()
        };
        let (meta, _) = world
            .call_with(
                &world.editor,
                "workflow.rate",
                "",
                json!({"film": "A"}),
                options,
            )
            .await
            .unwrap();
        assert!(meta.rolled_back);
        assert!(world.claim(10, 0).await.is_empty());
    })
    .await;
}

fn row(path: &str, state: StepState) -> StepRow {
    let done = state == StepState::Done;
    StepRow {
        path: path.to_owned(),
        what: "each".to_owned(),
        state,
        output: done.then(|| raw("1")),
        problem: (state == StepState::Failed).then(|| Problem::new(Code::Timeout)),
        attempts: 1,
        note: None,
        started_at: "2026-01-01T00:00:00Z".to_owned(),
        ended_at: Some("2026-01-01T00:00:01Z".to_owned()),
    }
}

#[tokio::test]
async fn a_retry_keeps_what_was_done_before() {
    on_both_engines(async |database| {
        let world = world(&database, &[RATE]).await;
        let run = world
            .start(&world.editor, "rate", json!({"film": "A"}))
            .await;
        let id = &run["id"];
        let retry = async |input: Value| world.call(&world.editor, "run.retry", "", input).await;
        assert_eq!(
            refused(&retry(json!({"id": id})).await),
            (Code::InvalidInput, "/id".to_owned())
        );
        let held = world.hold().await;
        world
            .step(&held, "one", "Film.create", json!({"title": "One"}))
            .await
            .unwrap();
        let rows = [
            row("caught", StepState::Failed),
            row("all.0.two", StepState::Done),
            row("skipped", StepState::Skipped),
            row("all.1.two", StepState::Failed),
            row("all", StepState::Failed),
        ];
        let told = Advance {
            steps: rows.to_vec(),
            then: Then::Fail(Problem::new(Code::Timeout)),
            ..advance(&held)
        };
        world.tell(&told).await.unwrap();
        let (_, again) = retry(json!({"id": id})).await.unwrap();
        assert_eq!(
            (&again["state"], &again["epoch"], &again["problem"]),
            (&json!("queued"), &json!(2), &Value::Null)
        );
        assert_eq!(
            world.steps(id).await,
            ["one done", "all.0.two done", "skipped skipped"]
        );
        let second = world.hold().await;
        assert_eq!((second.run.epoch, second.steps.len()), (2, 3));
        // The same step of this epoch is kept from the last one.
        assert!(
            world
                .step(&second, "one", "Film.create", json!({"title": "x"}))
                .await
                .unwrap()
                .0
                .replayed
        );
        let late = world
            .step(&held, "two", "Film.create", json!({"title": "x"}))
            .await;
        assert_eq!(refused(&late).0, Code::LeaseLost);
        world
            .advance(&second, Then::Succeed(raw("1")))
            .await
            .unwrap();
        assert_eq!(
            refused(&retry(json!({"id": id})).await),
            (Code::InvalidInput, "/from".to_owned())
        );
        assert_eq!(
            refused(&retry(json!({"id": id, "from": "none"})).await),
            (Code::InvalidInput, "/from".to_owned())
        );
        retry(json!({"id": id, "from": "one"})).await.unwrap();
        let third = world.hold().await;
        assert!(third.steps.is_empty());
        world
            .step(&third, "one", "Film.create", json!({"title": "Again"}))
            .await
            .unwrap();
        let titles = world
            .list(&world.admin, "Film", "order=title", "title")
            .await;
        assert_eq!(titles, ["Again", "One"]);

        let (meta, replayed) = world
            .call(&world.editor, "run.replay", "", json!({"id": id}))
            .await
            .unwrap();
        assert!(meta.created);
        assert_ne!(replayed["id"], *id);
        assert_eq!(replayed["input"], run["input"]);
        assert_eq!(
            world.hold().await.run.input.get(),
            "{\"film\":\"A\",\"stars\":3}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_person_of_the_role_decides() {
    on_both_engines(async |database| {
        let world = world(&database, &[RATE]).await;
        let boss = world.someone(&["boss"], None).await;
        let run = world
            .start(&world.editor, "rate", json!({"film": "A"}))
            .await;
        let held = world.hold().await;
        let note = Note {
            signal: Some(approval("ok")),
            role: Some("boss".to_owned()),
            ..Note::default()
        };
        let waits = StepRow {
            note: Some(note),
            ended_at: None,
            ..row("ok", StepState::Waiting)
        };
        let then = Then::Wait {
            until: None,
            signals_seen: 0,
        };
        world
            .tell(&Advance {
                steps: vec![waits],
                then,
                ..advance(&held)
            })
            .await
            .unwrap();
        let approve = async |who: &Caller, step: &str| {
            let input = json!({"id": run["id"], "step": step, "approved": true, "note": "fine"});
            world.call(who, "run.approve", "", input).await
        };
        let other = world.someone(&["writer"], None).await;
        assert_eq!(refused(&approve(&other, "ok").await).0, Code::NotFound);
        assert_eq!(
            refused(&approve(&world.editor, "ok").await).0,
            Code::Forbidden
        );
        assert_eq!(
            refused(&approve(&world.editor, "no").await),
            (Code::InvalidInput, "/step".to_owned())
        );
        let forged =
            json!({"id": run["id"], "name": approval("ok"), "payload": {"approved": true}});
        let forged = world.call(&world.editor, "run.signal", "", forged).await;
        assert_eq!(refused(&forged), (Code::InvalidInput, "/name".to_owned()));
        assert!(world.claim(1, 0).await.is_empty());
        approve(&boss, "ok").await.unwrap();
        let held = world.hold().await;
        assert_eq!(held.signals[0].name, approval("ok"));
        assert_eq!(
            held.signals[0].payload.get(),
            "{\"approved\":true,\"note\":\"fine\"}"
        );
    })
    .await;
}

#[tokio::test]
async fn ended_runs_are_kept_for_as_long_as_their_file_says() {
    let few = format!("{RATE}retention: {{ age: 1d, runs: 2 }}\n");
    on_both_engines(async |database| {
        let world = world(&database, &[&few]).await;
        let mut ids = Vec::new();
        for film in ["A", "B", "C", "D", "E"] {
            let run = world.start(&world.editor, "rate", json!({"film": film})).await;
            ids.push(run["id"].clone());
        }
        let held = world.claim(10, 1_000).await;
        for held in held.iter().filter(|held| json!(held.run.id) != ids[0]) {
            world.step(held, "save", "Film.create", json!({"title": "x"})).await.unwrap();
            world.advance(held, Then::Succeed(raw("1"))).await.unwrap();
        }
        assert_eq!(world.nodes.forget_runs().await.unwrap(), 2);
        let left = async || {
            let (_, runs) = world.call(&world.admin, "run.list", "", json!({})).await.unwrap();
            runs.as_array().unwrap().iter().map(|run| run["id"].clone()).collect::<Vec<_>>()
        };
        let expected: Vec<_> = [4, 3, 0].map(|at: usize| ids[at].clone()).into();
        assert_eq!(left().await, expected);
        super::meddle(&database, "UPDATE gantry_run SET finished_at = '2020-01-01T00:00:00.000000Z' WHERE finished_at IS NOT NULL").await;
        assert_eq!(world.nodes.forget_runs().await.unwrap(), 2);
        assert_eq!(left().await, [ids[0].clone()], "what has not ended stays");
    })
    .await;
}
