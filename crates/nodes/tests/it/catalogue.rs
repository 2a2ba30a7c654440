//! What callers may know of what there is.

use std::sync::Arc;

use testkit::Database;
use wire::{Caller, Calls as _, Status};

use crate::world::World;

#[tokio::test]
async fn a_caller_knows_what_it_may_do() {
    let database = Database::sqlite();
    let world = World::new(&database).await;
    let names = async |who: &Caller| {
        let catalogue = world.nodes.catalogue(who).await.unwrap();
        catalogue
            .nodes
            .iter()
            .map(|node| node.name.as_str().to_owned())
            .collect::<Vec<_>>()
    };
    let stranger = names(&Caller::Anonymous).await;
    let reads = [
        "Film.read",
        "Film.list",
        "Film.count",
        "Film.aggregate",
        "Film.search",
    ];
    assert_eq!(
        stranger
            .iter()
            .filter(|name| name.starts_with("Film."))
            .collect::<Vec<_>>(),
        reads
    );
    assert!(
        !stranger
            .iter()
            .any(|name| name == "tx" || name.starts_with("key.") || name.starts_with("auth."))
    );
    let admin = names(&world.admin).await;
    for name in [
        "tx",
        "key.create",
        "Film.restore",
        "Film.bulk",
        "Note.search",
    ] {
        assert!(admin.iter().any(|one| one == name), "{name}");
    }
    for name in ["Person.restore", "Person.search", "auth.verify"] {
        assert!(!admin.iter().any(|one| one == name), "{name}");
    }
    let writer = world.someone(&["writer"], None).await;
    let catalogue = world.nodes.catalogue(&writer).await.unwrap();
    let fields: Vec<_> = catalogue
        .model("Note")
        .unwrap()
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    // `secret` may be written and not read; `person` too.
    assert_eq!(
        fields,
        [
            "id", "slug", "title", "secret", "rank", "person", "_version"
        ]
    );
    let again = world.nodes.catalogue(&writer).await.unwrap();
    assert!(Arc::ptr_eq(&catalogue, &again));
    let other = world.nodes.catalogue(&world.admin).await.unwrap();
    assert_ne!(catalogue.version, other.version);
    assert_eq!(world.nodes.health().await.status, Status::Ok);
}
