//! What a credential is good for, whatever its holder's roles allow.

use std::time::Duration;

use access::Scope;
use serde_json::{Value, json};
use testkit::on_both_engines;
use wire::{AuthServers, Caller, Calls as _, Code, scope};

use crate::world::{World, id, refused};

#[tokio::test]
async fn a_call_needs_a_credential_that_is_good_for_it() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let ann = id(&world.make("Person", json!({"name": "Ann"})).await);
        let [none, reader, writer] = [&[][..], &[Scope::Read], &[Scope::Write]];
        let [none, reader, writer] = [
            world.limited(none).await,
            world.limited(reader).await,
            world.limited(writer).await,
        ];
        let create = json!({"node": "Person.create", "input": {"name": "Eve"}});
        for (node, input, needed) in [
            ("Person.list", Value::Null, scope::READ),
            ("Person.read", json!({"id": ann}), scope::READ),
            ("Diary.count", Value::Null, scope::READ),
            ("key.list", json!({}), scope::READ),
            (
                "Person.update",
                json!({"id": ann, "name": "Eve"}),
                scope::WRITE,
            ),
            ("Person.bulk", json!([]), scope::WRITE),
            ("tx", json!({"ops": [create]}), scope::WRITE),
            (
                "key.create",
                json!({"name": "x", "roles": ["a"]}),
                scope::WRITE,
            ),
            ("Person.delete", json!({"id": ann}), scope::WRITE),
        ] {
            for (who, reads, writes) in [
                (&none, false, false),
                (&reader, true, false),
                (&writer, true, true),
            ] {
                let may = if needed == scope::READ { reads } else { writes };
                match world.call(who, node, "", input.clone()).await {
                    Err(problem) if problem.code == Code::InsufficientScope => {
                        assert!(!may && problem.detail.contains(node), "{problem}");
                        assert_eq!(problem.scope.as_deref(), Some(needed), "{node}");
                    }
                    answered => assert!(may, "{node}: {answered:?}"),
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn the_catalogue_shows_what_the_credential_is_good_for() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let names = async |scopes: &[Scope]| {
            let caller = world.limited(scopes).await;
            let catalogue = world.nodes.catalogue(&caller).await.unwrap();
            let nodes = catalogue.nodes.iter();
            let nodes = nodes.map(|node| (node.name.to_string(), node.hints.read_only));
            nodes.collect::<Vec<_>>()
        };
        let all = world.nodes.catalogue(&world.admin).await.unwrap();
        let read = names(&[Scope::Read]).await;
        assert!(read.iter().all(|(_, reads)| *reads), "{read:?}");
        let reads = all.nodes.iter().filter(|node| node.hints.read_only).count();
        assert_eq!(read.len(), reads);
        assert_eq!(names(&[Scope::Write]).await.len(), all.nodes.len());
        assert_eq!(names(&[]).await, []);
    })
    .await;
}

#[tokio::test]
async fn anyone_may_ask_whose_tokens_are_taken() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        for who in [Caller::Anonymous, world.limited(&[]).await] {
            let answered = world.call(&who, "auth.servers", "", json!({})).await;
            let servers: AuthServers = serde_json::from_value(answered.unwrap().1).unwrap();
            assert_eq!(servers.scopes, scope::KNOWN);
        }
        let wrong = json!({"issuer": "x"});
        let answered = world.call(&world.admin, "auth.servers", "", wrong).await;
        assert_eq!(
            refused(&answered),
            (Code::InvalidInput, "/issuer".to_owned())
        );
    })
    .await;
}

#[tokio::test]
async fn a_key_is_good_for_its_scopes_and_hands_out_no_more() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let make = async |who: &Caller, scopes: Value| {
            let input = json!({"name": "x", "roles": ["admin"], "scopes": scopes});
            world.call(who, "key.create", "", input).await
        };
        for (asked, kept) in [
            (Value::Null, Value::Null),
            (json!([]), json!([])),
            (json!(["gantry:read"]), json!(["gantry:read"])),
            (
                json!(["gantry:write", "gantry:read", "gantry:write"]),
                json!(["gantry:read", "gantry:write"]),
            ),
        ] {
            let (_, key) = make(&world.admin, asked).await.unwrap();
            assert_eq!(key["scopes"], kept);
            let credential = json!({"credential": key["token"]});
            let verified = world.call(&Caller::Anonymous, "auth.verify", "", credential);
            let grant: wire::Grant = serde_json::from_value(verified.await.unwrap().1).unwrap();
            assert_eq!(json!(grant.scopes), kept);
            let caller = Caller::Assertion(grant.assertion);
            let written = world.call(&caller, "Film.create", "", json!({"title": "A"}));
            let may = kept.is_null() || kept.to_string().contains("write");
            let refused = written.await.err().map(|problem| problem.code);
            assert_eq!(refused, (!may).then_some(Code::InsufficientScope), "{kept}");
            let listed = world.call(&world.admin, "key.list", "", json!({})).await;
            let keys = listed.unwrap().1;
            let mut keys = keys.as_array().unwrap().iter();
            let listed = keys.find(|listed| listed["id"] == key["id"]).unwrap();
            assert_eq!(listed["scopes"], kept);
        }
        let writer = world.limited(&[Scope::Write]).await;
        let (_, key) = make(&writer, Value::Null).await.unwrap();
        assert_eq!(key["scopes"], json!(["gantry:write"]));
        let reader = world.limited(&[Scope::Read]).await;
        let refusal = refused(&make(&reader, Value::Null).await);
        assert_eq!(refusal.0, Code::InsufficientScope);
    })
    .await;
}

#[tokio::test]
async fn an_assertion_lasts_no_longer_than_its_credential() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let soon = jiff::Timestamp::now() + Duration::from_secs(5);
        let input = json!({"name": "x", "roles": ["a"], "expires_at": soon.to_string()});
        let key = world.call(&world.admin, "key.create", "", input).await;
        let credential = json!({"credential": key.unwrap().1["token"]});
        let grant = world
            .call(&Caller::Anonymous, "auth.verify", "", credential)
            .await;
        let left = grant.unwrap().1["expires_in"].as_u64().unwrap();
        assert!((1..=5).contains(&left), "{left}");
    })
    .await;
}
