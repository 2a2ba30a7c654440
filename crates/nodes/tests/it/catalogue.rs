//! What callers may know of what there is.

use std::sync::Arc;

use model::{Group, HIDDEN_NODES, Limits, OWN_NODES};
use nodes::Serving;
use serde_json::Value;
use testkit::Database;
use wire::{Caller, Calls as _, Code, NodeName, Status, Tools};

use crate::world::{World, refused};

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
    let acme = names(&world.someone(&["admin"], Some("acme")).await).await;
    assert!(acme.iter().any(|name| name == "key.list"));
    assert!(!acme.iter().any(|name| name == "migration.list"));
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

#[tokio::test]
async fn a_caller_knows_of_groups_what_it_may_call() {
    let database = Database::sqlite();
    let world = World::new(&database).await;
    let before = world.nodes.catalogue(&world.admin).await.unwrap();
    let group = |name: &str, tools, nodes: &[&str]| Group {
        name: name.to_owned(),
        about: format!("For {name}."),
        tools,
        nodes: nodes.iter().map(|node| node.parse().unwrap()).collect(),
    };
    let rename = ["Film.update", "Film.list", "Film.read", "changes"];
    world.nodes.serve(Serving {
        project: "test".to_owned(),
        models: Arc::clone(&world.models),
        limits: Limits::default(),
        tools: Tools::Generic,
        groups: Arc::new([
            group("keys", Tools::Auto, &["key.list"]),
            group("rename", Tools::Typed, &rename),
        ]),
        workflows: Arc::default(),
    });
    let told = async |who: &Caller| {
        let catalogue = world.nodes.catalogue(who).await.unwrap();
        assert_eq!(catalogue.tools, Tools::Generic);
        let groups = catalogue.groups.iter().map(|group| {
            let nodes: Vec<_> = group.nodes.iter().map(NodeName::as_str).collect();
            format!(
                "{} {:?} {}: {}",
                group.name,
                group.tools,
                group.about,
                nodes.join(" ")
            )
        });
        groups.collect::<Vec<_>>()
    };
    assert_eq!(
        told(&Caller::Anonymous).await,
        ["rename Typed For rename.: Film.read Film.list changes"]
    );
    assert_eq!(
        told(&world.admin).await,
        [
            "keys Auto For keys.: key.list",
            "rename Typed For rename.: Film.read Film.update Film.list changes"
        ]
    );
    let after = world.nodes.catalogue(&world.admin).await.unwrap();
    assert_ne!(before.version, after.version);
}

/// Groups are checked against these names where no node can be looked at.
#[tokio::test]
async fn the_nodes_that_are_no_models_are_known_by_name() {
    let database = Database::sqlite();
    let world = crate::runs::world(&database, &[crate::runs::RATE]).await;
    world.nodes.end_claims();
    let catalogue = world.nodes.catalogue(&world.admin).await.unwrap();
    let own = catalogue.nodes.iter().map(|node| node.name.as_str());
    let own: Vec<_> = own
        .filter(|name| {
            name.starts_with(|c: char| c.is_ascii_lowercase()) && *name != "workflow.rate"
        })
        .collect();
    assert_eq!(own, OWN_NODES);
    for name in HIDDEN_NODES {
        let answered = world.call(&world.admin, name, "", Value::Null).await;
        // These two need not be told anything.
        if !["run.changes", "run.hooks"].contains(&name) || answered.is_err() {
            assert_ne!(refused(&answered).0, Code::NoSuchNode, "{name}");
        }
    }
}
