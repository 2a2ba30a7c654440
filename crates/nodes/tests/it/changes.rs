//! `changes`: who hears what, from where, and until when.

mod ear;
mod sweep;

use std::time::Duration;

use model::Limits;
use serde_json::{Value, json};
use testkit::on_both_engines;
use wire::{Caller, Code, Options};

use crate::world::{World, id, refused};
use ear::{Ear, Heard};

fn told(change: &Value) -> String {
    let text = |name: &str| change[name].as_str().unwrap().to_owned();
    let members: Vec<_> = change.as_object().unwrap().keys().collect();
    assert_eq!(members, ["model", "id", "op", "version", "at"]);
    text("at").parse::<jiff::Timestamp>().unwrap();
    format!("{} {} {}", text("model"), text("op"), change["version"])
}

/// All that the caller is told from there up to the person with this id.
async fn story(world: &World, who: &Caller, query: &str, end: &str) -> Vec<String> {
    let mut ear = Ear::open(world, who, query).await.unwrap();
    let mut story = Vec::new();
    loop {
        let change = ear.change().await;
        if change["id"] == end {
            return story;
        }
        story.push(told(&change));
    }
}

async fn done(world: &World, who: &Caller, node: &str, input: Value) -> Value {
    let answered = world.call(who, node, "", input).await;
    let (_, record) = answered.unwrap_or_else(|problem| panic!("{node}: {problem:?}"));
    record
}

/// Where the changes are now.
async fn place(world: &World) -> String {
    Ear::open(world, &world.admin, "").await.unwrap().last
}

#[tokio::test]
async fn each_hears_of_the_records_that_they_may_read() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let (admin, editor) = (world.admin.clone(), world.editor.clone());
        let ann = world.someone(&["writer"], None).await;
        let bob = world.someone(&["writer"], None).await;
        let acme = world.someone(&["member"], Some("acme")).await;
        let other = world.someone(&["member"], Some("other")).await;
        let acmes = world.someone(&["admin"], Some("acme")).await;
        let since = format!("since={}", place(&world).await);

        let film = done(&world, &editor, "Film.create", json!({"title": "A"})).await;
        let film = json!({"id": film["id"]});
        done(&world, &editor, "Film.delete", film.clone()).await;
        done(&world, &editor, "Film.restore", film.clone()).await;
        let review = json!({"film": film["id"], "text": "b"});
        done(&world, &editor, "Review.create", review).await;
        // The film goes softly, and takes its review along for good.
        done(&world, &editor, "Film.delete", film).await;
        let note = done(&world, &ann, "Note.create", json!({"slug": "a", "rank": 1})).await;
        let change = json!({"id": note["id"], "rank": 2});
        done(&world, &ann, "Note.update", change).await;
        done(&world, &ann, "Note.delete", json!({"id": note["id"]})).await;
        done(&world, &bob, "Note.create", json!({"slug": "b", "rank": 1})).await;
        let ticket = done(&world, &acme, "Ticket.create", json!({"title": "t"})).await;
        done(&world, &acme, "Ticket.delete", json!({"id": ticket["id"]})).await;
        let end = id(&world.make("Person", json!({"name": "end"})).await);

        let films = ["Film create 1", "Film delete 2", "Film restore 3"];
        let film = ["Film delete 4"];
        let reviews = [&films[..], &["Review create 1", "Review delete 1"], &film].concat();
        let tickets = ["Ticket create 1", "Ticket delete 1"];
        let notes = [
            "Note create 1",
            "Note update 2",
            "Note delete 2",
            "Note create 1",
        ];
        let all = [&reviews[..], &notes, &tickets].concat();
        let films = [&films[..], &film].concat();
        let cases = [
            ("anyone", &Caller::Anonymous, "", films.clone()),
            ("the editor", &editor, "", reviews.clone()),
            // A record that is gone is told when it goes: how it came to be is nobody's to see any more.
            ("ann", &ann, "", [&films[..], &["Note delete 2"]].concat()),
            ("bob", &bob, "", [&films[..], &["Note create 1"]].concat()),
            ("acme", &acme, "", [&films[..], &tickets].concat()),
            ("another tenant", &other, "", films.clone()),
            ("acme's admin", &acmes, "", all.clone()),
            ("the admin", &admin, "", all),
            (
                "the admin of some",
                &admin,
                "&model=Ticket,Person",
                tickets.to_vec(),
            ),
        ];
        for (name, who, models, expected) in cases {
            let query = format!("{since}{models}");
            assert_eq!(story(&world, who, &query, &end).await, expected, "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn who_listens_hears_own_records_as_they_are_written() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let ann = world.someone(&["writer"], None).await;
        let bob = world.someone(&["writer"], None).await;
        let mut ear = Ear::open(&world, &ann, "model=Note").await.unwrap();
        for slug in ["a", "c"] {
            done(
                &world,
                &bob,
                "Note.create",
                json!({"slug": format!("b{slug}"), "rank": 1}),
            )
            .await;
            let note = done(
                &world,
                &ann,
                "Note.create",
                json!({"slug": slug, "rank": 1}),
            )
            .await;
            world.make("Person", json!({"name": slug})).await;
            assert_eq!(ear.change().await["id"], note["id"]);
        }
    })
    .await;
}

#[tokio::test]
async fn what_another_replica_writes_is_heard_too() {
    on_both_engines(async |database| {
        let (world, other) = (World::new(&database).await, World::new(&database).await);
        let mut ear = Ear::open(&world, &Caller::Anonymous, "").await.unwrap();
        for name in ["a", "b"] {
            let person = other.make("Person", json!({"name": name})).await;
            assert_eq!(ear.change().await["id"], person["id"]);
        }
    })
    .await;
}

#[tokio::test]
async fn a_listener_goes_on_from_where_it_broke_off() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let mut ear = Ear::open(&world, &Caller::Anonymous, "").await.unwrap();
        let begin = ear.last.clone();
        let mut made = Vec::new();
        for number in 0..4 {
            let person = json!({"name": format!("p{number}")});
            made.push(id(&world.make("Person", person).await));
        }
        assert_eq!(ear.change().await["id"], made[0].as_str());
        let first = ear.last.clone();
        assert_eq!(ear.change().await["id"], made[1].as_str());
        drop(ear);
        // A place is nobody's own: what is told from there depends on who asks.
        for (since, who, expected) in [
            (&first, &world.admin, &made[1..]),
            (&first, &Caller::Anonymous, &made[1..]),
            (&begin, &Caller::Anonymous, &made[..]),
        ] {
            let query = format!("since={since}");
            let mut ear = Ear::open(&world, who, &query).await.unwrap();
            assert_eq!(ear.last, *since);
            for id in expected {
                assert_eq!(ear.change().await["id"], id.as_str());
            }
        }
    })
    .await;
}

#[tokio::test]
async fn who_was_away_too_long_is_told_to_read_again() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let mut ear = Ear::open(&world, &Caller::Anonymous, "").await.unwrap();
        let since = format!("since={}", ear.last);
        let missed = world.make("Person", json!({"name": "missed"})).await;
        // What cannot be told yet is not pruned either.
        assert_eq!(ear.change().await["id"], missed["id"]);
        let later = jiff::Timestamp::now() + Duration::from_hours(1);
        world.store.prune(later).await.unwrap();
        let mut ear = Ear::open(&world, &Caller::Anonymous, &since).await.unwrap();
        assert_eq!(ear.word().await, Heard::Resync);
        let place = ear.last.clone();
        let person = world.make("Person", json!({"name": "new"})).await;
        assert_eq!(ear.change().await["id"], person["id"]);
        // The place that came with the word is one to go on from.
        let since = format!("since={place}");
        let mut ear = Ear::open(&world, &Caller::Anonymous, &since).await.unwrap();
        assert_eq!(ear.change().await["id"], person["id"]);
    })
    .await;
}

/// A listener that does not read keeps nothing in memory, and reads on by itself later.
#[tokio::test]
async fn a_slow_listener_misses_nothing() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let mut slow = Ear::open(&world, &world.admin, "model=Person")
            .await
            .unwrap();
        let mut fast = Ear::open(&world, &world.admin, "model=Person")
            .await
            .unwrap();
        let mut made = Vec::new();
        // Each is told to the one before the next is written, which makes more batches than are kept for the other.
        for number in 0..40 {
            let person = json!({"name": format!("p{number}")});
            made.push(id(&world.make("Person", person).await));
            assert_eq!(fast.change().await["id"], made[number].as_str());
        }
        for id in made {
            assert_eq!(slow.change().await["id"], id.as_str());
        }
    })
    .await;
}

#[tokio::test]
async fn a_wish_that_cannot_be_met_is_refused() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let dropper = world.someone(&["nobody"], None).await;
        let refusal = async |who: &Caller, query: &str| {
            let problem = Ear::open(&world, who, query).await.err().unwrap();
            (problem.code, problem.hint.unwrap_or_default())
        };
        let anyone = &Caller::Anonymous;
        let (code, hint) = refusal(anyone, "model=Person,Flim").await;
        assert_eq!(code, Code::InvalidQuery);
        assert!(hint.contains("`Film`"), "{hint}");
        // One that is hidden and one that is not there are the same.
        for (who, query, expected) in [
            (anyone, "model=Review", Code::InvalidQuery),
            (&dropper, "model=Review", Code::InvalidQuery),
            (anyone, "model=", Code::InvalidQuery),
            (anyone, "since=", Code::InvalidCursor),
            (anyone, "since=12", Code::InvalidCursor),
            (anyone, "since=a&since=b", Code::InvalidQuery),
            (anyone, "limit=2", Code::InvalidQuery),
        ] {
            assert_eq!(refusal(who, query).await.0, expected, "{query}");
        }
        let answered = async |input: Value, accept| {
            let options = Options {
                accept,
                ..Options::default()
            };
            let told = world.call_with(anyone, "changes", "", input, options).await;
            refused(&told)
        };
        let events = wire::Media::EventStream;
        for (input, expected) in [
            (json!({"model": "Flim"}), "/model"),
            (json!({"model": 7}), "/model"),
            (json!({"since": 7}), "/since"),
            (json!({"limit": 7}), "/limit"),
        ] {
            let expected = (Code::InvalidInput, expected.to_owned());
            assert_eq!(answered(input, events).await, expected);
        }
        let json = answered(Value::Null, wire::Media::Json).await;
        assert_eq!(json.0, Code::NotAcceptable);
        let list = Options {
            accept: events,
            ..Options::default()
        };
        let listed = world
            .call_with(anyone, "Film.list", "", Value::Null, list)
            .await;
        assert_eq!(refused(&listed).0, Code::NotAcceptable);
    })
    .await;
}

#[tokio::test]
async fn no_more_than_the_limit_may_listen() {
    on_both_engines(async |database| {
        let limits = Limits {
            listeners: 2,
            ..Limits::default()
        };
        let world = World::with(&database, limits).await;
        let open = async || Ear::open(&world, &Caller::Anonymous, "").await;
        let (one, two) = (open().await.unwrap(), open().await.unwrap());
        let refused = open().await.err().unwrap();
        assert_eq!(refused.code, Code::Unavailable);
        assert_eq!(refused.retry_after, Some(10));
        drop(one);
        let mut three = open().await.unwrap();
        drop(two);
        let person = world.make("Person", json!({"name": "p"})).await;
        assert_eq!(three.change().await["id"], person["id"]);
    })
    .await;
}

#[tokio::test]
async fn a_heartbeat_moves_past_what_is_hidden_and_a_revoked_key_hears_no_more() {
    on_both_engines(async |database| {
        let limits = Limits {
            heartbeat: Duration::from_millis(50),
            ..Limits::default()
        };
        let world = World::with(&database, limits).await;
        let key = json!({"name": "test", "roles": ["writer"]});
        let key = done(&world, &world.admin, "key.create", key).await;
        let ann = world.verify(key["token"].as_str().unwrap()).await.unwrap();
        let mut ear = Ear::open(&world, &ann, "").await.unwrap();
        let begin = ear.last.clone();
        assert_eq!(ear.next().await, Heard::Place);
        assert_eq!(ear.last, begin, "nothing happened");
        let film = world.make("Film", json!({"title": "A"})).await;
        assert_eq!(ear.change().await["id"], film["id"]);
        let told = ear.last.clone();
        let review = json!({"film": film["id"], "text": "hidden"});
        done(&world, &world.admin, "Review.create", review).await;
        while ear.last == told {
            assert_eq!(ear.next().await, Heard::Place);
        }
        let revoked = json!({"id": key["id"]});
        done(&world, &world.admin, "key.revoke", revoked).await;
        assert_eq!(ear.word().await, Heard::End);
    })
    .await;
}

#[tokio::test]
async fn listeners_end_with_the_process() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let mut ear = Ear::open(&world, &Caller::Anonymous, "").await.unwrap();
        world.nodes.end_changes().await;
        assert_eq!(ear.word().await, Heard::End);
    })
    .await;
}
