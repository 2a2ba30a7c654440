//! Any models, any rows, any change: planned, applied, nothing left to do, undone, everything as before.

use std::time::{Duration, Instant};

use model::{Field, Kind, Models, Value};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use store::migrate;
use testkit::{Database, Engine};

use crate::migrate::{
    decimal, field, indexed, migrate_to, model, models, one_of, refers, required, settings, sql,
};

const BUDGET: Duration = Duration::from_secs(20);

/// Kind, required, indexed: a place in the tables below.
type Shape = (usize, bool, bool);
/// For each of three models whether it is there, and its fields by place.
type Shapes = Vec<(bool, Vec<Option<Shape>>)>;

fn shapes() -> impl Strategy<Value = Shapes> {
    let field = proptest::option::of((0..9_usize, any::<bool>(), any::<bool>()));
    prop::collection::vec(
        (prop::bool::weighted(0.8), prop::collection::vec(field, 5)),
        3,
    )
}

fn kind(place: usize, target: Option<&str>) -> Kind {
    match place {
        0 => Kind::Text,
        1 => Kind::Int,
        2 => Kind::Float,
        3 => decimal(),
        4 => Kind::Bool,
        5 => Kind::Date,
        6 => one_of(&["12", "red"]),
        7 => Kind::Bytes,
        _ => target.map_or(Kind::Uuid, refers),
    }
}

fn value(kind: &Kind, number: u64) -> String {
    match kind {
        Kind::Text => format!(
            "'{}'",
            ["12", "x", "7.5", "true", "2024-02-03"][usize::try_from(number % 5).unwrap()]
        ),
        Kind::Int => (number * 46_116_860_184_273_879).to_string(),
        Kind::Float => format!("{number}.25"),
        Kind::Decimal { .. } => format!("'{number}.50'"),
        Kind::Bool => format!("'{}'", number % 2),
        Kind::Date => format!("'2024-02-{:02}'", number % 28 + 1),
        Kind::Enum(values) => format!("'{}'", values[usize::try_from(number % 2).unwrap()]),
        Kind::Bytes => "'abc'".to_owned(),
        Kind::Ref { model, .. } => format!("(SELECT id FROM {} LIMIT 1)", model.to_lowercase()),
        _ => format!("'{}'", uuid::Uuid::now_v7()),
    }
}

fn default(kind: &Kind) -> Option<Value> {
    Some(match kind {
        Kind::Text => Value::Text("it's".to_owned()),
        Kind::Int => Value::Int(3),
        Kind::Float => Value::Float(0.5),
        Kind::Decimal { .. } => crate::migrate::number("1.20"),
        Kind::Bool => Value::Bool(true),
        Kind::Date => Value::Date(jiff::civil::date(2001, 2, 3)),
        Kind::Enum(values) => Value::Text(values[0].clone()),
        Kind::Bytes => Value::Bytes(vec![1, 2]),
        _ => return None,
    })
}

fn build(shapes: &Shapes) -> Models {
    let names = ["Alpha", "Beta", "Gamma"];
    let there = |name: &&&str| shapes[names.iter().position(|one| one == *name).unwrap()].0;
    let target = names.iter().find(there).copied();
    let list = names.iter().zip(shapes).filter(|(_, (there, _))| *there);
    models(
        list.map(|(name, (_, fields))| {
            let fields = fields.iter().enumerate().filter_map(|(place, shape)| {
                let (number, must, index) = (*shape)?;
                let kind = kind(number, target);
                let default = default(&kind);
                let mut made: Field = field(&format!("f{place}"), kind);
                if must && default.is_some() {
                    made = Field {
                        default,
                        ..required(made)
                    };
                }
                Some(if index { indexed(made) } else { made })
            });
            model(name, fields.collect())
        })
        .collect(),
    )
}

async fn fill(database: &Database, models: &Models) {
    let sql = sql(database).await;
    for round in 0..3_u64 {
        for model in models.iter() {
            let values: Vec<(String, String)> = model
                .fields
                .iter()
                .filter(|field| field.system.is_none() && (field.required || round != 1))
                .map(|field| (field.name.clone(), value(&field.kind, round)))
                .collect();
            let values: Vec<(&str, &str)> = values
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            sql.insert(&model.path, &values).await;
        }
    }
}

async fn rows(database: &Database, models: &Models) -> Vec<Vec<String>> {
    let sql = sql(database).await;
    let mut all = Vec::new();
    for model in models.iter() {
        let names: Vec<_> = model
            .fields
            .iter()
            .map(|field| format!("\"{}\"", field.name))
            .collect();
        all.push(
            sql.rows(&format!("SELECT {} FROM {}", names.join(", "), model.path))
                .await,
        );
    }
    all
}

async fn there_and_back(database: &Database, from: &Models, to: &Models) {
    let settings = settings(database);
    migrate_to(database, from).await;
    fill(database, from).await;
    let (before, found) = (
        rows(database, from).await,
        migrate::found(&settings, from).await.unwrap(),
    );
    let changed = migrate_to(database, to).await.migration.is_some();
    if changed {
        migrate::rollback(&settings, 1)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
    }
    assert_eq!(migrate::found(&settings, from).await.unwrap(), found);
    assert_eq!(rows(database, from).await, before);
    migrate_to(database, to).await;
}

async fn property(engine: Engine) {
    let mut runner = TestRunner::deterministic();
    let begun = Instant::now();
    let mut cases = 0;
    while begun.elapsed() < BUDGET {
        let from = shapes().new_tree(&mut runner).unwrap().current();
        let to = shapes().new_tree(&mut runner).unwrap().current();
        let database = Database::of(engine).await;
        there_and_back(&database, &build(&from), &build(&to)).await;
        cases += 1;
    }
    assert!(cases >= 5, "only {cases} cases in {BUDGET:?}");
}

#[tokio::test]
async fn any_change_on_sqlite_can_be_undone() {
    property(Engine::Sqlite).await;
}

#[tokio::test]
async fn any_change_on_postgres_can_be_undone() {
    property(Engine::Postgres).await;
}
