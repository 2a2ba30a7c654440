//! What a credential is good for, whatever its holder's roles allow.

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
