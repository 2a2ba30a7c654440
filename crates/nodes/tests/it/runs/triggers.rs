//! Changes start workflows: each change once, whoever looks, whoever dies.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::on_both_engines;
use wire::Media;
use wire::run::{Held, Then};

use super::{everywhere, raw, world};
use crate::world::{World, id};

fn seen(trigger: &str) -> String {
    format!(
        "workflow: seen\ninputs: {{ record: {{ type: json }}, op: {{ type: text }} }}\nsteps:\n  - {{ id: all, node: Film.count }}\ntriggers:\n  - {trigger}\n"
    )
}

/// What the run was given.
fn given(held: &Held) -> Value {
    serde_json::from_str(held.run.input.get()).unwrap()
}

/// All that there is to do, done; what each was given.
async fn carried_out(world: &World) -> Vec<Value> {
    let mut given = Vec::new();
    world.settled().await;
    loop {
        let held = world.claim(256, 300).await;
        if held.is_empty() {
            return given;
        }
        for held in &held {
            given.push(self::given(held));
            world.advance(held, Then::Succeed(raw("1"))).await.unwrap();
        }
    }
}

/// How many runs each record has.
fn counted(given: &[Value]) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for given in given {
        *counted.entry(id(&given["record"])).or_default() += 1;
    }
    counted
}

fn ops(given: &[Value]) -> Vec<&str> {
    given
        .iter()
        .map(|given| given["op"].as_str().unwrap())
        .collect()
}

impl World {
    async fn done(&self, node: &str, input: Value) -> Value {
        let done = self.call(&self.admin, node, "", input).await;
        done.unwrap_or_else(|problem| panic!("{node}: {problem:?}"))
            .1
    }
}

#[tokio::test]
async fn each_change_starts_one_run_with_the_record_and_what_happened() {
    everywhere(&[&seen("{ change: Film }")], async |world| {
        world.make("Person", json!({"name": "Ridley"})).await;
        let film = world
            .make("Film", json!({"title": "Alien", "rating": "8.50"}))
            .await;
        let film = id(&film);
        let held = world.hold().await;
        assert_eq!(held.run.started_by, "trigger:0");
        let told = given(&held);
        assert_eq!(
            (&told["op"], &told["record"]["id"]),
            (&json!("create"), &json!(film))
        );
        let read = world.done("Film.read", json!({"id": film})).await;
        assert_eq!(told["record"], read);
        world.advance(&held, Then::Succeed(raw("1"))).await.unwrap();

        world
            .done("Film.update", json!({"id": film, "gross": 7}))
            .await;
        let told = carried_out(world).await;
        assert_eq!(ops(&told), ["update"]);
        assert_eq!(told[0]["record"]["gross"], 7);
        world.done("Film.delete", json!({"id": film})).await;
        let told = carried_out(world).await;
        assert_eq!(ops(&told), ["delete"]);
        assert_eq!(told[0]["record"]["title"], "Alien");
        assert!(told[0]["record"]["deleted_at"].is_string());
        world.done("Film.restore", json!({"id": film})).await;
        assert_eq!(ops(&carried_out(world).await), ["restore"]);
        let tx = json!({"ops": [
            {"node": "Film.create", "input": {"title": "Two"}},
            {"node": "Film.update", "input": {"id": film, "gross": 8}},
        ]});
        world.done("tx", tx).await;
        assert_eq!(ops(&carried_out(world).await), ["create", "update"]);
    })
    .await;
}

#[tokio::test]
async fn a_record_that_is_gone_for_good_is_told_as_it_was() {
    everywhere(&[&seen("{ change: Note }")], async |world| {
        let note = json!({"slug": "a", "title": "A", "rank": 3});
        let note = world.make("Note", note).await;
        // Gone before anybody looked.
        world.done("Note.delete", json!({"id": id(&note)})).await;
        let told = carried_out(world).await;
        assert_eq!(ops(&told), ["create", "delete"]);
        for told in &told {
            assert_eq!(told["record"], note);
        }
    })
    .await;
}

#[tokio::test]
async fn only_those_that_the_trigger_wants_start_a_run() {
    let seen = seen("{ change: Film, on: [update], if: \"{{ record.gross > 5 }}\" }");
    everywhere(&[&seen], async |world| {
        let film = id(&world
            .make("Film", json!({"title": "Alien", "gross": 9}))
            .await);
        // Of null the `if` can say nothing: that change is passed over, and those behind it are not.
        for gross in [json!(5), Value::Null, json!(6)] {
            world
                .done("Film.update", json!({"id": film, "gross": gross}))
                .await;
            let told = carried_out(world).await;
            let expected = usize::from(gross == json!(6));
            assert_eq!(told.len(), expected, "{gross}");
        }
        world.done("Film.delete", json!({"id": film})).await;
        assert!(carried_out(world).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_bulk_import_starts_as_many_runs_as_it_has_records() {
    everywhere(&[&seen("{ change: Film, on: [create] }")], async |world| {
        let lines = (0..450).map(|number| format!("{{\"title\":\"Film {number}\"}}\n"));
        let body = wire::Body {
            media: Media::JsonLines,
            ..wire::Body::json(lines.collect::<String>())
        };
        let options = wire::Options::default();
        let imported = world.raw(&world.admin, "Film.bulk_create", "", body, options);
        imported.await.unwrap();
        let films = (0..450).map(|number| json!({"title": format!("Bulk {number}")}));
        world.done("Film.bulk_create", films.collect()).await;
        let counted = counted(&carried_out(world).await);
        assert_eq!(counted.len(), 900);
        assert!(counted.values().all(|count| *count == 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_change_starts_one_run_whoever_looks() {
    let seen = seen("{ change: Film }");
    on_both_engines(async |database| {
        let one = world(&database, &[&seen]).await;
        let other = world(&database, &[&seen]).await;
        let write = async |world: &World| {
            for number in 0..160 {
                world
                    .make("Film", json!({"title": format!("Film {number}")}))
                    .await;
            }
        };
        let claim = async |world: &World| {
            let (mut told, mut idle) = (Vec::new(), 0);
            while idle < 2 {
                let held = world.claim(64, 1_000).await;
                idle = if held.is_empty() { idle + 1 } else { 0 };
                told.extend(held.iter().map(given));
            }
            told
        };
        let ((), (), mut told, more) =
            tokio::join!(write(&one), write(&other), claim(&one), claim(&other));
        told.extend(more);
        told.extend(carried_out(&one).await);
        let counted = counted(&told);
        assert_eq!(counted.len(), 320);
        assert!(counted.values().all(|count| *count == 1), "{counted:?}");
    })
    .await;
}

#[tokio::test]
async fn changes_that_nobody_has_looked_at_wait_for_whoever_comes() {
    let seen = seen("{ change: Film }");
    on_both_engines(async |database| {
        // What was there before the trigger starts nothing.
        let before = world(&database, &[]).await;
        before.make("Film", json!({"title": "Old"})).await;
        before.settled().await;
        let dead = world(&database, &[&seen]).await;
        let mut made = Vec::new();
        for number in 0..20 {
            made.push(id(&dead
                .make("Film", json!({"title": format!("Film {number}")}))
                .await));
        }
        dead.settled().await;
        let half = dead.claim(5, 1_000).await;
        assert_eq!(half.len(), 5);
        // Never ended, as if killed.
        let world = world(&database, &[&seen]).await;
        let mut told = carried_out(&world).await;
        told.extend(half.iter().map(given));
        made.sort();
        let counted = counted(&told);
        assert_eq!(counted.keys().cloned().collect::<Vec<_>>(), made);
        assert_eq!(told.len(), made.len());
    })
    .await;
}

#[tokio::test]
async fn a_workflow_that_comes_later_begins_later() {
    let seen = seen("{ change: Film }");
    let other = seen.replace("workflow: seen", "workflow: other");
    on_both_engines(async |database| {
        let before = world(&database, &[&seen]).await;
        // More than are seen to at once.
        let films = (0..450).map(|number| json!({"title": format!("Film {number}")}));
        before.done("Film.bulk_create", films.collect()).await;
        before.settled().await;
        let world = world(&database, &[&seen, &other]).await;
        let (mut old, mut new) = (0, 0);
        for (old_ones, new_ones) in [(450, 0), (451, 1)] {
            world.settled().await;
            loop {
                let held = world.claim(256, 300).await;
                if held.is_empty() {
                    break;
                }
                for held in held {
                    match held.run.workflow.as_str() {
                        "seen" => old += 1,
                        _ => new += 1,
                    }
                }
            }
            assert_eq!((old, new), (old_ones, new_ones));
            world.make("Film", json!({"title": "New"})).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_workflow_that_changes_what_starts_it_is_held_by_its_condition() {
    let seen = seen("{ change: Film, on: [create, update], if: \"{{ record.gross is none }}\" }");
    everywhere(&[&seen], async |world| {
        let film = id(&world.make("Film", json!({"title": "Alien"})).await);
        let held = world.hold().await;
        let input = json!({"id": film, "gross": 1});
        let by = wire::Options {
            step: Some(super::step(&held, "save")),
            ..wire::Options::default()
        };
        let saved = world
            .call_with(&world.admin, "Film.update", "", input, by)
            .await;
        saved.unwrap();
        world.advance(&held, Then::Succeed(raw("1"))).await.unwrap();
        assert!(carried_out(world).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn changes_that_were_cleared_out_are_passed_over() {
    everywhere(&[&seen("{ change: Film }")], async |world| {
        world.make("Film", json!({"title": "Lost"})).await;
        let later = jiff::Timestamp::now() + Duration::from_mins(1);
        assert!(world.store.prune(later).await.unwrap() > 0);
        let film = world.make("Film", json!({"title": "Kept"})).await;
        let told = carried_out(world).await;
        assert_eq!(told.len(), 1);
        assert_eq!(told[0]["record"]["id"], film["id"]);
    })
    .await;
}

#[tokio::test]
async fn a_run_for_a_tenants_record_is_that_tenants() {
    everywhere(&[&seen("{ change: Ticket }")], async |world| {
        let member = world.someone(&["member"], Some("acme")).await;
        let ticket = world.call(&member, "Ticket.create", "", json!({"title": "T"}));
        ticket.await.unwrap();
        assert_eq!(carried_out(world).await.len(), 1);
        for (tenant, expected) in [("acme", 1), ("other", 0)] {
            let admin = world.someone(&["admin"], Some(tenant)).await;
            let (_, runs) = world.call(&admin, "run.list", "", json!({})).await.unwrap();
            assert_eq!(runs.as_array().unwrap().len(), expected, "{tenant}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_for_runs_is_told_of_a_change_at_once() {
    let seen = seen("{ change: Film }");
    on_both_engines(async |database| {
        let world = world(&database, &[&seen]).await;
        let far = database.engine() == testkit::Engine::Postgres;
        let other = if far {
            Some(self::world(&database, &[&seen]).await)
        } else {
            None
        };
        for writer in [Some(&world), other.as_ref()].into_iter().flatten() {
            let mut fastest = Duration::MAX;
            for number in 0..5 {
                let told = async {
                    let held = world.claim(1, 20_000).await;
                    (held, Instant::now())
                };
                let made = async {
                    // Until it waits.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    let title = json!({"title": format!("Film {number}")});
                    writer.make("Film", title).await;
                    Instant::now()
                };
                let ((held, told), made) = tokio::join!(told, made);
                assert_eq!(held.len(), 1);
                world
                    .advance(&held[0], Then::Succeed(raw("1")))
                    .await
                    .unwrap();
                fastest = fastest.min(told.saturating_duration_since(made));
            }
            // Those who are not told look every two seconds.
            assert!(fastest < Duration::from_millis(300), "{fastest:?}");
        }
    })
    .await;
}
