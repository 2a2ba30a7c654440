//! What starters and admins see of runs, and what they may do to them.

use serde_json::{Value, json};
use wire::run::{Advance, Note, StepRow, StepState, approval};
use wire::{Caller, Calls as _, Code, Options};

use super::{RATE, advance, everywhere, for_signals, row};
use crate::world::refused;

const FOR_ADMINS: &str =
    "workflow: purge\nrun_as: editor\nsteps:\n  - { id: all, node: Film.list }\n";
const FOR_MEMBERS: &str =
    "workflow: count\nstart: [member]\nsteps:\n  - { id: all, node: Film.count }\n";

#[tokio::test]
async fn runs_are_their_starters_and_admins_see_all() {
    everywhere(&[RATE], async |world| {
        let other = world.someone(&["editor"], None).await;
        let tenant = world.someone(&["admin"], Some("acme")).await;
        let run = world.rate("Alien").await;
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
    everywhere(&[RATE, FOR_ADMINS, FOR_MEMBERS], async |world| {
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
    everywhere(&[RATE], async |world| {
        let start = async |options: Options| {
            let film = json!({"film": "A"});
            let started = world.call_with(&world.editor, "workflow.rate", "", film, options);
            started.await.unwrap()
        };
        let under_key = Options {
            idempotency_key: Some("k".to_owned()),
            ..Options::default()
        };
        let (_, first) = start(under_key.clone()).await;
        let (meta, second) = start(under_key).await;
        assert!(meta.replayed);
        assert_eq!(first, second);
        assert_eq!(world.claim(10, 1_000).await.len(), 1);
        let tried = Options {
            dry_run: true,
            ..Options::default()
        };
        let (meta, _) = start(tried).await;
        assert!(meta.rolled_back);
        assert!(world.claim(10, 0).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_person_of_the_role_decides() {
    everywhere(&[RATE], async |world| {
        let boss = world.someone(&["boss"], None).await;
        let run = world.rate("A").await;
        let held = world.hold().await;
        let note = Note {
            signal: Some(approval("ok")),
            role: Some("boss".to_owned()),
            ..Note::default()
        };
        let waits = StepRow {
            note: Some(note),
            ..row("ok", StepState::Waiting)
        };
        world
            .tell(&Advance {
                steps: vec![waits],
                then: for_signals(0),
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
async fn a_yes_fills_the_form_in() {
    const PLACE: &str = "each.1.both.left.guarded.price";
    let priced = "workflow: priced
steps:
  - id: each
    each: '{{ [1, 2] }}'
    steps:
      - id: both
        parallel:
          left:
            - id: guarded
              try: [{ node: log, with: { message: x } }]
              catch:
                - id: price
                  approve:
                    message: How much?
                    form:
                      amount: { type: decimal, precision: 9, scale: 2, min: 0, required: true }
                      currency: { type: enum, values: [EUR, USD], default: EUR }
";
    everywhere(&[priced], async |world| {
        let run = world.start(&world.editor, "priced", json!({})).await;
        let held = world.hold().await;
        let waits = |path: &str, form: Option<Value>| StepRow {
            note: Some(Note {
                signal: Some(approval(path)),
                form,
                ..Note::default()
            }),
            ..row(path, StepState::Waiting)
        };
        let told = Advance {
            steps: vec![waits(PLACE, Some(json!({}))), waits("plain", None)],
            then: for_signals(0),
            ..advance(&held)
        };
        world.tell(&told).await.unwrap();
        let say = async |step: &str, approved: bool, form: Value| {
            let input = json!({"id": run["id"], "step": step, "approved": approved, "form": form});
            world.call(&world.editor, "run.approve", "", input).await
        };
        let yes = async |form: Value| refused(&say(PLACE, true, form).await);
        for (form, pointer) in [
            (Value::Null, "/form/amount"),
            (json!({}), "/form/amount"),
            (json!({"amount": "-1"}), "/form/amount"),
            (json!({"amount": "1", "currency": "GBP"}), "/form/currency"),
            (json!({"amount": "1", "curency": "EUR"}), "/form/curency"),
            (json!([1]), "/form"),
        ] {
            let expected = (Code::InvalidInput, pointer.to_owned());
            assert_eq!(yes(form.clone()).await, expected, "{form}");
        }
        let nowhere = (Code::InvalidInput, "/form".to_owned());
        let filled = json!({"amount": "1"});
        let no = say(PLACE, false, filled.clone()).await;
        assert_eq!(refused(&no), nowhere);
        assert_eq!(refused(&say("plain", true, filled).await), nowhere);
        assert!(world.claim(1, 0).await.is_empty());

        let said = json!({"amount": 12.5});
        say(PLACE, true, said).await.unwrap();
        let held = world.hold().await;
        assert_eq!(
            held.signals[0].payload.get(),
            r#"{"approved":true,"note":null,"form":{"amount":"12.5","currency":"EUR"}}"#
        );
    })
    .await;
}

#[tokio::test]
async fn what_a_schema_refuses_changes_nothing() {
    const SENT: &str = r##"workflow: sent
inputs:
  $schema: https://json-schema.org/draft/2020-12/schema
  type: object
  required: [to]
  properties: { to: { $ref: "#/$defs/place" }, copies: { type: integer, default: 1 } }
  $defs: { place: { type: object, required: [city], properties: { city: { type: string } } } }
steps:
  - id: ok
    approve:
      message: Send it?
      form: { $schema: "https://json-schema.org/draft/2020-12/schema", type: object, properties: { by: { enum: [air, sea] } } }
"##;
    everywhere(&[SENT], async |world| {
        let start = async |input: Value| {
            let node = "workflow.sent";
            world.call(&world.editor, node, "", input).await
        };
        for (input, pointer) in [
            (json!({}), "/to"),
            (json!({"to": "Rome"}), "/to"),
            (json!({"to": {"city": 1}}), "/to/city"),
            (json!({"to": {}}), "/to/city"),
            (json!({"to": {"city": "Rome"}, "copies": 1.5}), "/copies"),
            (json!({"to": {"city": "Rome"}, "copy": 1}), "/copy"),
        ] {
            let expected = (Code::InvalidInput, pointer.to_owned());
            assert_eq!(refused(&start(input.clone()).await), expected, "{input}");
        }
        assert!(world.claim(1, 0).await.is_empty());

        let run = world
            .start(&world.editor, "sent", json!({"to": {"city": "Rome"}}))
            .await;
        assert_eq!(run["input"], json!({"to": {"city": "Rome"}, "copies": 1}));
        let held = world.hold().await;
        let waits = StepRow {
            note: Some(Note {
                signal: Some(approval("ok")),
                form: Some(json!({})),
                ..Note::default()
            }),
            ..row("ok", StepState::Waiting)
        };
        let told = Advance {
            steps: vec![waits],
            then: for_signals(0),
            ..advance(&held)
        };
        world.tell(&told).await.unwrap();
        let yes = async |form: Value| {
            let input = json!({"id": run["id"], "step": "ok", "approved": true, "form": form});
            world.call(&world.editor, "run.approve", "", input).await
        };
        let expected = (Code::InvalidInput, "/form/by".to_owned());
        assert_eq!(refused(&yes(json!({"by": "foot"})).await), expected);
        assert!(world.claim(1, 0).await.is_empty());
        yes(json!({"by": "sea"})).await.unwrap();
        let held = world.hold().await;
        let payload = r#"{"approved":true,"note":null,"form":{"by":"sea"}}"#;
        assert_eq!(held.signals[0].payload.get(), payload);
    })
    .await;
}
