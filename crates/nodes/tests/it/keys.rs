//! Keys and who they make of a caller.

use nodes::Adopted;
use serde_json::{Value, json};
use testkit::on_both_engines;
use wire::{Caller, Code, Options};

use crate::world::{World, refused};

#[tokio::test]
async fn a_key_opens_until_it_is_revoked() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let input =
            json!({"name": "ci", "roles": ["editor"], "expires_at": "2999-01-01T00:00:00Z"});
        let (meta, key) = world
            .call(&world.admin, "key.create", "", input)
            .await
            .unwrap();
        assert!(meta.created);
        let token = key["token"].as_str().unwrap();
        let caller = world.verify(token).await.unwrap();
        let (_, person) = world
            .call(&caller, "Person.create", "", json!({"name": "Ann"}))
            .await
            .unwrap();
        assert_eq!(person["created_by"], key["id"]);
        let (_, keys) = world
            .call(&world.admin, "key.list", "", Value::Null)
            .await
            .unwrap();
        assert!(!keys.to_string().contains(token) && keys.to_string().contains("\"ci\""));
        let id = json!({"id": key["id"]});
        world
            .call(&world.admin, "key.revoke", "", id.clone())
            .await
            .unwrap();
        assert_eq!(
            refused(&world.call(&world.admin, "key.revoke", "", id).await).0,
            Code::NotFound
        );
        let mut wrong = token.to_owned();
        wrong.pop();
        wrong.push(if token.ends_with('A') { 'B' } else { 'A' });
        for bad in [token, &wrong, "", "gk_abcdefghijkl_x", "Bearer x"] {
            assert_eq!(
                world.verify(bad).await.unwrap_err().code,
                Code::Unauthenticated,
                "{bad}"
            );
        }
        let forged = Caller::Assertion("x.y".into());
        assert_eq!(
            refused(&world.call(&forged, "Person.list", "", Value::Null).await).0,
            Code::Unauthenticated
        );
    })
    .await;
}

#[tokio::test]
async fn keys_are_made_carefully() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        for (input, pointer) in [
            (json!({"roles": ["a"]}), "/name"),
            (json!({"name": "x"}), "/roles"),
            (json!({"name": "x", "roles": []}), "/roles"),
            (json!({"name": "x", "roles": ["A b"]}), "/roles"),
            (
                json!({"name": "x", "roles": ["a"], "expires_at": "2000-01-01T00:00:00Z"}),
                "/expires_at",
            ),
            (
                json!({"name": "x", "roles": ["a"], "expires_at": "tomorrow"}),
                "/expires_at",
            ),
            (
                json!({"name": "x", "roles": ["a"], "tenant": ""}),
                "/tenant",
            ),
            (
                json!({"name": "x", "roles": ["a"], "scopes": "gantry:read"}),
                "/scopes",
            ),
            (
                json!({"name": "x", "roles": ["a"], "scopes": ["gantry:read", "gantry:raed"]}),
                "/scopes/1",
            ),
            (json!({"name": "x", "roles": ["a"], "rolls": 1}), "/rolls"),
        ] {
            let answered = world
                .call(&world.admin, "key.create", "", input.clone())
                .await;
            assert_eq!(
                refused(&answered),
                (Code::InvalidInput, pointer.to_owned()),
                "{input}"
            );
        }
        // An admin of one tenant manages that tenant's keys and no others.
        let acme = world.someone(&["admin"], Some("acme")).await;
        let free = json!({"name": "x", "roles": ["admin"]});
        assert_eq!(
            refused(&world.call(&acme, "key.create", "", free).await).1,
            "/tenant"
        );
        let (_, keys) = world
            .call(&acme, "key.list", "", Value::Null)
            .await
            .unwrap();
        assert!(
            keys.as_array()
                .unwrap()
                .iter()
                .all(|key| key["tenant"] == "acme")
        );
        let (_, all) = world
            .call(&world.admin, "key.list", "", Value::Null)
            .await
            .unwrap();
        let foreign = all
            .as_array()
            .unwrap()
            .iter()
            .find(|key| key["tenant"].is_null())
            .unwrap();
        let answered = world
            .call(&acme, "key.revoke", "", json!({"id": foreign["id"]}))
            .await;
        assert_eq!(refused(&answered).0, Code::NotFound);
    })
    .await;
}

#[tokio::test]
async fn a_key_cannot_be_made_for_show() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let dry = Options {
            dry_run: true,
            ..Options::default()
        };
        let before = world.call(&world.admin, "key.list", "", Value::Null).await;
        let input = json!({"name": "x", "roles": ["a"]});
        let answered = world
            .call_with(&world.admin, "key.create", "", input, dry)
            .await;
        assert_eq!(refused(&answered).0, Code::BadRequest);
        let after = world.call(&world.admin, "key.list", "", Value::Null).await;
        assert_eq!(before.unwrap().1, after.unwrap().1);
    })
    .await;
}

#[tokio::test]
async fn a_token_from_a_file_is_the_admins_key_until_another_takes_its_place() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let own = world.someone(&["admin"], None).await;
        let tokens =
            ["a", "b"].map(|letter| format!("gk_{}_{}", letter.repeat(12), letter.repeat(40)));
        let adopt = async |token: &str| world.nodes.adopt_key(token).await.unwrap();
        assert_eq!(adopt(&tokens[0]).await, Adopted::Made { revoked: 0 });
        assert_eq!(adopt(&tokens[0]).await, Adopted::Known);
        let admin = world.verify(&tokens[0]).await.unwrap();
        let (_, keys) = world.call(&admin, "key.list", "", json!({})).await.unwrap();
        let first: Vec<_> = keys
            .as_array()
            .unwrap()
            .iter()
            .filter(|key| key["name"] == "first")
            .collect();
        assert_eq!((first.len(), &first[0]["roles"]), (1, &json!(["admin"])));

        assert_eq!(adopt(&tokens[1]).await, Adopted::Made { revoked: 1 });
        assert!(world.verify(&tokens[0]).await.is_err());
        world.verify(&tokens[1]).await.unwrap();
        world.call(&own, "key.list", "", json!({})).await.unwrap();
        // What somebody took away is not given back.
        assert_eq!(adopt(&tokens[0]).await, Adopted::Revoked);
        assert!(world.nodes.adopt_key("gk_x").await.is_err());
    })
    .await;
}
