//! No input makes a node panic or fail by its own fault.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use testkit::{Database, on_both_engines};
use wire::{Body, Caller, Code, Content, Media, Options};

use crate::world::World;

const NODES: [&str; 36] = [
    "create",
    "read",
    "update",
    "replace",
    "delete",
    "restore",
    "list",
    "count",
    "upsert",
    "aggregate",
    "search",
    "bulk_create",
    "bulk_update",
    "bulk_delete",
    "bulk_upsert",
    "bulk",
    "tx",
    "key.create",
    "key.revoke",
    "auth.verify",
    "workflow.rate",
    "run.read",
    "run.steps",
    "run.list",
    "run.cancel",
    "run.retry",
    "run.replay",
    "run.signal",
    "run.approve",
    "run.changes",
    "run.claim",
    "run.renew",
    "run.advance",
    "run.definition",
    "run.hooks",
    "run.hook",
];

fn word() -> impl Strategy<Value = String> {
    let words = [
        "id",
        "title",
        "gross",
        "rating",
        "tags",
        "extra",
        "director",
        "where",
        "order",
        "select",
        "limit",
        "offset",
        "cursor",
        "deleted",
        "all",
        "q",
        "on",
        "values",
        "records",
        "ids",
        "atomic",
        "ops",
        "op",
        "node",
        "input",
        "as",
        "$ref",
        "and",
        "or",
        "not",
        "eq",
        "in",
        "gt",
        "like",
        "is",
        "cs",
        "measures",
        "group",
        "if_version",
        "name",
        "roles",
        "credential",
        "created_at",
        "_version",
        "deleted_at",
    ];
    prop_oneof![6 => prop::sample::select(words.to_vec()).prop_map(str::to_owned), 1 => any::<String>()]
}

fn text() -> impl Strategy<Value = String> {
    let texts = [
        "",
        "A",
        "7.5",
        "create",
        "update",
        "upsert",
        "delete",
        "Film.create",
        "Film.list",
        "Person.create",
        "count",
        "sum(gross)",
        "title.desc",
        "director(name)",
        "*",
        "only",
        "true",
        "null",
        "2020-01-01T00:00:00Z",
        "1e400",
        "00000000-0000-7000-8000-000000000000",
        "eq.1",
        "in.(1,2)",
        "like.%a_\\",
        "is.null",
        "cs.{a}",
        "(a.eq.1)",
        "NaN",
    ];
    prop_oneof![5 => prop::sample::select(texts.to_vec()).prop_map(str::to_owned), 1 => any::<String>()]
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|float| json!(float)),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((word(), inner), 0..6)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

fn query() -> impl Strategy<Value = String> {
    let pair = (word(), prop::collection::vec(text(), 0..3));
    let pairs = prop::collection::vec(pair, 0..4).prop_map(|pairs| {
        let pairs = pairs
            .into_iter()
            .map(|(name, words)| format!("{name}={}", words.join(".")));
        pairs.collect::<Vec<_>>().join("&")
    });
    prop_oneof![4 => pairs, 1 => any::<String>()]
}

fn check(database: &Database, cases: u32) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(crate::runs::world(database, &[crate::runs::RATE]));
    // Nobody is to wait.
    world.nodes.end_claims();
    let body =
        prop_oneof![8 => json_value().prop_map(|value| value.to_string()), 1 => any::<String>()];
    let media =
        prop_oneof![6 => Just(Media::Json), 1 => Just(Media::Csv), 1 => Just(Media::JsonLines)];
    let node = (
        prop::sample::select(NODES.to_vec()),
        prop::sample::select(vec!["Film", "Note", "Person", "Ticket"]),
    );
    let input = (node, query(), body, media, any::<[bool; 3]>());
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(
            &input,
            |((node, model), query, body, media, [admin, keyed, dry_run])| {
                let name = match node {
                    "tx" => "tx".to_owned(),
                    node if node.contains('.') => node.to_owned(),
                    node => format!("{model}.{node}"),
                };
                let options = Options {
                    idempotency_key: keyed.then(|| "key".to_owned()),
                    dry_run,
                    ..Options::default()
                };
                let input = Body {
                    media,
                    content: Content::Whole(body.clone().into()),
                };
                let who = if admin {
                    &world.admin
                } else {
                    &Caller::Anonymous
                };
                let answered = runtime.block_on(world.raw(who, &name, &query, input, options));
                if let Err(problem) = answered {
                    let ours = matches!(
                        problem.code,
                        Code::Internal | Code::Unavailable | Code::Timeout
                    );
                    prop_assert!(!ours, "{name} ?{query} {body}: {problem:?}");
                }
                Ok(())
            },
        )
        .unwrap();
}

#[test]
fn nothing_is_our_fault_on_sqlite() {
    check(&Database::sqlite(), 3000);
}

#[test]
fn nothing_is_our_fault_on_postgres() {
    let database = tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(Database::postgres());
    check(&database, 1000);
}

#[tokio::test]
async fn of_very_many_mistakes_the_first_hundred_are_told() {
    on_both_engines(async |database| {
        let world = World::new(&database).await;
        let fields = (0..150).map(|number| (format!("no{number}"), Value::Null));
        let input = Value::Object(fields.collect());
        let answered = world.call(&world.editor, "Film.create", "", input).await;
        let problem = answered.unwrap_err();
        assert_eq!(problem.errors.len(), 100);
        let detail = &problem.detail;
        assert!(detail.contains("these are the first 100"), "{detail}");
    })
    .await;
}
