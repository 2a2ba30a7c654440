//! What admins are told of migrations.

use std::path::PathBuf;

use model::Models;
use serde_json::{Value, json};
use store::Location;
use store::migrate::{self, ApplyOptions};
use testkit::on_both_engines;
use wire::{Caller, Code};

use crate::world::{World, refused};

#[tokio::test]
async fn admins_see_what_migrations_did_the_latest_first() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let text = "model: Studio\nfields: { name: { type: text } }\n".to_owned();
        let studio = model::load_models(&[(PathBuf::from("studio.yaml"), text)]).unwrap();
        let models = world.models.iter().chain(studio.iter()).cloned().collect();
        let settings = store::Settings::new(match database.sqlite_file() {
            Some(file) => Location::Sqlite(file),
            None => Location::Postgres(database.location_url()),
        });
        migrate::apply(&settings, &Models::new(models), &ApplyOptions::default())
            .await
            .unwrap();

        let list =
            async |who: &Caller, input: Value| world.call(who, "migration.list", "", input).await;
        let (meta, told) = list(&world.admin, Value::Null).await.unwrap();
        assert_eq!(meta.rows, Some(2));
        let [second, first] = &told.as_array().unwrap()[..] else {
            panic!("{told}")
        };
        assert_eq!((&second["id"], &first["id"]), (&json!(2), &json!(1)));
        assert_eq!(second["name"], "0002_create_studio");
        assert_eq!(second["steps"], json!(["create table studio"]));
        assert_eq!(second["state"], "applied");
        let steps = first["steps"].as_array().unwrap();
        assert!(steps.contains(&json!("create table film")), "{first}");
        assert_eq!(first["more_steps"], 0);
        let at: jiff::Timestamp = first["applied_at"].as_str().unwrap().parse().unwrap();
        assert!(at <= jiff::Timestamp::now());

        let (_, one) = list(&world.admin, json!({"limit": 1})).await.unwrap();
        assert_eq!(one, json!([second]));
        let again = list(&world.admin, json!({"limit": 1.0})).await.unwrap();
        assert_eq!(again.1, one);
        let asked = world.call(&world.admin, "migration.list", "limit=1", Value::Null);
        assert_eq!(asked.await.unwrap().1, one);
        let asked = world.call(&world.admin, "migration.list", "limit=0&x=1", Value::Null);
        assert_eq!(
            refused(&asked.await),
            (Code::InvalidQuery, "?limit".to_owned())
        );
        for (input, pointer) in [
            (json!({"limit": 0}), "/limit"),
            (json!({"limit": 101}), "/limit"),
            (json!({"limit": 1.5}), "/limit"),
            (json!({"limit": "5"}), "/limit"),
            (json!({"limits": 5}), "/limits"),
        ] {
            let answered = list(&world.admin, input.clone()).await;
            assert_eq!(
                refused(&answered),
                (Code::InvalidInput, pointer.to_owned()),
                "{input}"
            );
        }
        let acme = world.someone(&["admin"], Some("acme")).await;
        for (who, code) in [
            (&acme, Code::Forbidden),
            (&world.editor, Code::Forbidden),
            (&Caller::Anonymous, Code::Unauthenticated),
        ] {
            assert_eq!(refused(&list(who, Value::Null).await).0, code);
        }
    })
    .await;
}
