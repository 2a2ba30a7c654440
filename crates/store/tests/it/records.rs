//! Records on both engines: every type round-trips, compares, orders and pages alike.

mod changes;
mod concurrency;
mod keys;
mod owner;
mod paging;
mod sessions;
mod sharing;
mod streaming;
mod types;
mod words;

use std::path::PathBuf;
use std::sync::Arc;

use model::{FieldId, Filter, Kind, Model, Order, System, Value};
use proptest::prelude::*;
use store::{Column, Format, Insert, Select, Store, Write, migrate};
use testkit::Database;
use uuid::Uuid;

/// One field of every type, none required.
const EVERYTHING: &str = "
model: Thing
fields:
  text: { type: text }
  loose: { type: text, collate: nocase }
  int: { type: int }
  float: { type: float }
  decimal: { type: decimal }
  bool: { type: bool }
  uuid: { type: uuid }
  date: { type: date }
  time: { type: time }
  timestamp: { type: timestamp }
  json: { type: json }
  bytes: { type: bytes }
  choice: { type: enum, values: [one, two, drei] }
  vector: { type: vector, dim: 3 }
  texts: { type: text, array: true }
  ints: { type: int, array: true }
  decimals: { type: decimal, array: true }
";

/// A store with the models' tables in it.
async fn open(database: &Database, models: &[&str]) -> (Store, Vec<Arc<Model>>) {
    let sources: Vec<_> = models
        .iter()
        .enumerate()
        .map(|(at, text)| (PathBuf::from(format!("{at}.yaml")), (*text).to_owned()))
        .collect();
    let models = model::load_models(&sources).unwrap_or_else(|mistakes| panic!("{}", mistakes[0]));
    let settings = crate::migrate::settings(database);
    migrate::apply(&settings, &models, &migrate::ApplyOptions::default())
        .await
        .unwrap();
    (
        Store::open(&settings).await.unwrap(),
        models.iter().cloned().collect(),
    )
}

/// What the platform would write: declared values, then the system's.
fn record(model: &Model, declared: &[(FieldId, Value)]) -> (Uuid, Vec<Value>) {
    let id = Uuid::now_v7();
    let now: jiff::Timestamp = "2026-01-02T03:04:05.000006Z".parse().unwrap();
    let value = |(at, field): (FieldId, &model::Field)| match field.system {
        None => declared
            .iter()
            .find(|(id, _)| *id == at)
            .map_or(Value::Null, |(_, value)| value.clone()),
        Some(System::Id) => Value::Uuid(id),
        Some(System::CreatedAt | System::UpdatedAt) => Value::Timestamp(now),
        Some(System::CreatedBy) => Value::Text("tester".to_owned()),
        Some(System::Version) => Value::Int(1),
        Some(System::DeletedAt | System::Tenant) => Value::Null,
    };
    (id, model.ids().map(value).collect())
}

fn insert(model: &Arc<Model>, rows: Vec<Vec<Value>>) -> Write {
    Write::Insert(Insert {
        model: Arc::clone(model),
        fields: model.ids().map(|(id, _)| id).collect(),
        rows,
        guards: Vec::new(),
        conflict: None,
        returning: all(model),
    })
}

fn all(model: &Model) -> Vec<Column> {
    model.ids().map(|(id, _)| Column::Field(id)).collect()
}

fn select(model: &Arc<Model>, filter: Filter, order: Vec<Order>, limit: u64) -> Select {
    Select {
        model: Arc::clone(model),
        columns: vec![Column::Field(FieldId::ID)],
        filter,
        order,
        after: None,
        limit,
        offset: 0,
        search: None,
    }
}

/// The ids of the records that a select finds, page after page.
async fn walk(store: &Store, mut select: Select) -> Vec<Uuid> {
    let mut ids = Vec::new();
    loop {
        let page = store.list(&select, Format::JsonArray, None).await.unwrap();
        let records: Vec<serde_json::Value> = serde_json::from_slice(&page.body).unwrap();
        assert_eq!(records.len() as u64, page.rows);
        ids.extend(
            records
                .iter()
                .map(|record| record["id"].as_str().unwrap().parse::<Uuid>().unwrap()),
        );
        match page.next {
            None => return ids,
            Some(next) => select.after = Some(next),
        }
    }
}

/// A value of a field, null one time in six; from few values, so that there are ties.
fn any_value(field: &model::Field) -> BoxedStrategy<Value> {
    let one = scalar(&field.kind);
    let value = if field.array {
        prop::collection::vec(one, 0..4)
            .prop_map(Value::Array)
            .boxed()
    } else {
        one
    };
    prop_oneof![1 => Just(Value::Null), 5 => value].boxed()
}

fn scalar(kind: &Kind) -> BoxedStrategy<Value> {
    let text = prop_oneof![
        Just("'; DROP TABLE thing; --".to_owned()),
        Just("\" $1 ? %_\\ \u{1F600} é É ß ẞ İ ı Σ ς".to_owned()),
        Just(String::new()),
        "[a-cA-C]{1,2}",
        "\\PC{0,8}",
        any::<String>().prop_map(|text| text.replace('\0', "")),
    ];
    match kind {
        Kind::Text => text.prop_map(Value::Text).boxed(),
        Kind::Int => prop_oneof![-3..4i64, any::<i64>(), Just(i64::MIN), Just(i64::MAX)]
            .prop_map(Value::Int)
            .boxed(),
        Kind::Float => prop_oneof![
            Just(0.1),
            -2.0..2.0,
            prop::num::f64::NORMAL,
            Just(f64::MAX),
            Just(5e-324)
        ]
        .prop_map(Value::Float)
        .boxed(),
        Kind::Decimal { .. } => prop_oneof![
            "-?[0-9]{1,3}(\\.[0-9]{1,4})?",
            "-?[1-9][0-9]{20,40}\\.[0-9]{0,1}[0-9]{20,40}",
            Just("0.00".to_owned()),
            Just("10000.0001".to_owned()),
            Just("0.0000000000000001".to_owned()),
            Just("100000000".to_owned()),
        ]
        .prop_map(|text| Value::Decimal(text.parse().unwrap()))
        .boxed(),
        Kind::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Kind::Date => (1i16..=9999, 1i8..=12, 1i8..=28)
            .prop_map(|(year, month, day)| Value::Date(jiff::civil::date(year, month, day)))
            .boxed(),
        Kind::Time => (0..86_400_000_000i64)
            .prop_map(|micros| {
                let time = jiff::civil::Time::midnight();
                Value::Time(
                    time.checked_add(jiff::SignedDuration::from_micros(micros))
                        .unwrap(),
                )
            })
            .boxed(),
        Kind::Timestamp => prop_oneof![
            Just(0),
            Just(1),
            -62_135_596_800_000_000..253_370_000_000_000_000i64
        ]
        .prop_map(|micros| Value::Timestamp(jiff::Timestamp::from_microsecond(micros).unwrap()))
        .boxed(),
        Kind::Json => json(),
        Kind::Bytes => prop::collection::vec(any::<u8>(), 0..6)
            .prop_map(Value::Bytes)
            .boxed(),
        Kind::Enum(values) => prop::sample::select(values.clone())
            .prop_map(Value::Text)
            .boxed(),
        Kind::Vector { dim, .. } => {
            let dim = usize::try_from(*dim).unwrap();
            prop::collection::vec(-1e30f32..1e30, dim)
                .prop_map(Value::Vector)
                .boxed()
        }
        Kind::Uuid | Kind::Ref { .. } => any::<u128>()
            .prop_map(|bits| Value::Uuid(Uuid::from_u128(bits)))
            .boxed(),
    }
}

/// Nested, with numbers of many digits.
fn json() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("123456789012345678901234567890.000000000000000000001".to_owned()),
        Just("1e25".to_owned()),
        any::<i64>().prop_map(|int| int.to_string()),
        any::<String>().prop_map(|text| serde_json::to_string(&text.replace('\0', "")).unwrap()),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec(("[a-c]{1,3}", inner), 0..4).prop_map(|members| {
                let members: Vec<_> = members
                    .iter()
                    .map(|(key, value)| format!("\"{key}\":{value}"))
                    .collect();
                format!("{{{}}}", members.join(", "))
            }),
        ]
    })
    .prop_map(|text| Value::Json(model::canonical_json(&text).unwrap()))
    .boxed()
}
