//! What becomes of all runs, as whoever listens hears it.

use jiff::Timestamp;
use serde_json::{Value, json};
use testkit::on_both_engines;
use wire::run::{Advance, Changed, Changes, Held, Note, Place, StepRow, StepState, Then};
use wire::{Caller, Code, Problem};

use super::{RATE, advance, meddle, raw, world};
use crate::world::{World, refused};

/// Of whom nothing was told yet.
fn long_ago() -> Place {
    Place {
        at: (Timestamp::now() - jiff::SignedDuration::from_mins(1)).to_string(),
        ..Place::default()
    }
}

async fn hear(world: &World, who: &Caller, input: Value) -> Changes {
    let heard = world.call(who, "run.changes", "", input).await;
    let (_, heard) = heard.unwrap_or_else(|problem| panic!("{problem:?}"));
    serde_json::from_value(heard).unwrap()
}

/// `film epoch state` of a run, `emit name payload` of what was emitted.
fn words(changes: &Changes) -> Vec<String> {
    let told = changes.changes.iter().map(|change| match &change.what {
        Changed::Run(run) => {
            let input: Value = serde_json::from_str(run.input.get()).unwrap();
            let film = input["film"].as_str().unwrap();
            format!("{film} {} {}", run.epoch, run.state.as_str())
        }
        Changed::Emit(said) => format!("{} {} {}", said.step, said.name, said.payload),
    });
    told.collect()
}

fn row(path: &str, what: &str, state: StepState) -> StepRow {
    let now = Timestamp::now().to_string();
    StepRow {
        path: path.to_owned(),
        what: what.to_owned(),
        state,
        output: None,
        problem: None,
        attempts: 1,
        note: None,
        started_at: now.clone(),
        ended_at: (state != StepState::Waiting).then_some(now),
    }
}

async fn wait(world: &World, held: &Held) {
    let note = Note {
        signal: Some("go".to_owned()),
        ..Note::default()
    };
    let waits = StepRow {
        note: Some(note),
        ..row("pause", "wait", StepState::Waiting)
    };
    let then = Then::Wait {
        until: None,
        signals_seen: 0,
    };
    let told = Advance {
        steps: vec![waits],
        then,
        ..advance(held)
    };
    world.tell(&told).await.unwrap();
}

async fn emit(world: &World, held: &Held, path: &str, answer: &str) {
    let said = StepRow {
        output: Some(raw(answer)),
        ..row(path, "emit", StepState::Done)
    };
    let told = Advance {
        steps: vec![said],
        ..advance(held)
    };
    world.tell(&told).await.unwrap();
}

#[tokio::test]
async fn what_becomes_of_runs_is_told_to_those_who_may_see_them() {
    on_both_engines(async |database| {
        let world = world(&database, &[RATE]).await;
        let other = world.someone(&["editor"], None).await;
        let tenant = world.someone(&["admin"], Some("acme")).await;
        let mut at = long_ago();
        world
            .start(&world.editor, "rate", json!({"film": "Alien"}))
            .await;
        world.start(&other, "rate", json!({"film": "Brazil"})).await;
        // What is new, where it is told in the right order to everybody.
        let mut told = async |admin: &[&str], editor: &[&str], others: &[&str]| {
            let input = json!({"after": at});
            for (who, expected) in [
                (&world.editor, editor),
                (&other, others),
                (&tenant, &[]),
                (&world.admin, admin),
            ] {
                let heard = hear(&world, who, input.clone()).await;
                assert!(!heard.more);
                assert_eq!(words(&heard), expected);
                at = heard.last.unwrap_or(at.clone());
            }
        };
        told(
            &["Alien 1 queued", "Brazil 1 queued"],
            &["Alien 1 queued"],
            &["Brazil 1 queued"],
        )
        .await;
        let held = world.claim(10, 5_000).await;
        let [alien, brazil] = ["Alien", "Brazil"].map(|film| {
            let mut held = held.iter();
            let held = held.find(|held| held.run.input.get().contains(film));
            held.unwrap()
        });
        told(
            &["Alien 1 running", "Brazil 1 running"],
            &["Alien 1 running"],
            &["Brazil 1 running"],
        )
        .await;
        wait(&world, alien).await;
        emit(&world, brazil, "said", r#"{"name":"rated","payload":7}"#).await;
        told(
            &["Alien 1 waiting", "said rated 7", "Brazil 1 running"],
            &["Alien 1 waiting"],
            &["said rated 7", "Brazil 1 running"],
        )
        .await;
        // As it was kept before it was told.
        emit(&world, brazil, "older", "null").await;
        let fails = Then::Fail(Problem::new(Code::Timeout));
        world.advance(brazil, fails).await.unwrap();
        told(&["Brazil 1 failed"], &[], &["Brazil 1 failed"]).await;

        let id = json!({"id": brazil.run.id});
        world.call(&other, "run.retry", "", id).await.unwrap();
        let go = json!({"id": alien.run.id, "name": "go"});
        world
            .call(&world.editor, "run.signal", "", go)
            .await
            .unwrap();
        told(&["Brazil 2 queued"], &[], &["Brazil 2 queued"]).await;
        let held = world.claim(10, 5_000).await;
        assert_eq!(held.len(), 2);
        told(
            &["Alien 1 running", "Brazil 2 running"],
            &["Alien 1 running"],
            &["Brazil 2 running"],
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn news_are_read_page_by_page_and_none_is_left_out() {
    on_both_engines(async |database| {
        let world = world(&database, &[RATE]).await;
        let begin = long_ago();
        for film in ["A", "B", "C", "D", "E"] {
            let input = json!({"film": film});
            world.start(&world.editor, "rate", input).await;
        }
        let held = world.claim(10, 5_000).await;
        for (number, held) in held.iter().enumerate() {
            let said = format!(r#"{{"name":"n","payload":{number}}}"#);
            emit(&world, held, "said", &said).await;
            if number < 3 {
                world.advance(held, Then::Succeed(raw("1"))).await.unwrap();
            } else {
                wait(&world, held).await;
            }
        }
        // Some of the same moment.
        let now = Timestamp::now();
        meddle(&database, &format!("UPDATE gantry_run SET finished_at = '{now:.6}' WHERE finished_at IS NOT NULL; UPDATE gantry_step SET ended_at = '{now:.6}' WHERE what = 'emit'")).await;
        let whole = hear(&world, &world.admin, json!({"after": begin})).await;
        let mut expected = words(&whole);
        assert_eq!(expected.len(), 10, "{expected:?}");
        expected.sort();
        for limit in [1, 2, 3] {
            let (mut heard, mut after) = (Vec::new(), begin.clone());
            loop {
                let input = json!({"after": after, "limit": limit, "workflow": "rate"});
                let page = hear(&world, &world.admin, input).await;
                heard.extend(words(&page));
                let Some(last) = page.last else { break };
                assert!(page.changes.len() <= 4 * limit);
                after = last;
                if !page.more {
                    break;
                }
            }
            let emitted = heard.iter().filter(|word| word.starts_with("said"));
            assert_eq!(emitted.count(), 5, "{heard:?}");
            // A run is told once in each page that has news of it.
            heard.sort();
            heard.dedup();
            assert_eq!(heard, expected);
            assert_eq!(Some(after), whole.last);
        }
        let input = json!({"after": begin, "workflow": "other"});
        assert!(hear(&world, &world.admin, input).await.changes.is_empty());
    })
    .await;
}

#[tokio::test]
async fn nobody_hears_of_runs_without_a_credential_or_from_nowhere() {
    on_both_engines(async |database| {
        let world = world(&database, &[RATE]).await;
        let hear = async |who: &Caller, input: Value| {
            refused(&world.call(who, "run.changes", "", input).await)
        };
        let (code, _) = hear(&Caller::Anonymous, json!({})).await;
        assert_eq!(code, Code::Unauthenticated);
        let nothing = world.limited(&[]).await;
        assert_eq!(hear(&nothing, json!({})).await.0, Code::InsufficientScope);
        for (input, pointer) in [
            (json!({"after": 7}), "/after"),
            (json!({"after": {"at": "noon"}}), "/after/at"),
            (
                json!({"after": {"at": "2026-01-01T00:00:00Z", "path": "\0"}}),
                "/after/path",
            ),
            (json!({"limit": 0}), "/limit"),
            (json!({"workflow": ""}), "/workflow"),
            (json!({"since": 1}), "/since"),
        ] {
            let expected = (Code::InvalidInput, pointer.to_owned());
            assert_eq!(hear(&world.admin, input).await, expected);
        }
    })
    .await;
}
