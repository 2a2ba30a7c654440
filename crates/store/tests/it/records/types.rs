//! Every type comes back to the byte, and a question in SQL has the answer that the model gives.

use std::sync::Arc;
use std::time::{Duration, Instant};

use model::{Comparison, FieldId, Filter, Model, Operand, Test, Value};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use store::Engine;

use super::{EVERYTHING, all, any_value, insert, open, record, select, walk};

const BUDGET: Duration = Duration::from_secs(8);
const LEAST: usize = 20;

fn declared(model: &Model) -> Vec<FieldId> {
    model
        .ids()
        .filter(|(_, field)| field.system.is_none())
        .map(|(id, _)| id)
        .collect()
}

fn rows(model: &Model) -> impl Strategy<Value = Vec<Vec<(FieldId, Value)>>> {
    let fields = declared(model);
    let row: Vec<_> = fields
        .iter()
        .map(|id| any_value(model.field(*id)))
        .collect();
    let row = row.prop_map(move |values| fields.iter().copied().zip(values).collect());
    prop::collection::vec(row, 1..12)
}

fn json_of(model: &Model, values: &[Value]) -> String {
    let mut out = vec![b'{'];
    for (index, ((_, field), value)) in model.ids().zip(values).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(format!("\"{}\":", field.name).as_bytes());
        value.write_json(&mut out);
    }
    out.push(b'}');
    String::from_utf8(out).unwrap()
}

/// Runs until the budget is spent; says how far it came.
async fn sweep<T>(
    name: &str,
    engine: Engine,
    strategy: impl Strategy<Value = T>,
    mut case: impl AsyncFnMut(T),
) {
    let mut runner = TestRunner::deterministic();
    let (begun, mut cases) = (Instant::now(), 0);
    while begun.elapsed() < BUDGET && cases < 500 {
        case(strategy.new_tree(&mut runner).unwrap().current()).await;
        cases += 1;
    }
    println!(
        "{name} on {engine:?}: {cases} cases in {:?}",
        begun.elapsed()
    );
    assert!(
        cases >= LEAST,
        "{cases} cases of {name} are fewer than {LEAST}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_is_read_to_the_byte() {
    testkit::on_both_engines(async |database| {
        let (store, models) = open(&database, &[EVERYTHING]).await;
        let model = &models[0];
        sweep("round trip", store.engine(), rows(model), async |rows| {
            let (ids, rows): (Vec<_>, Vec<_>) = rows.iter().map(|row| record(model, row)).unzip();
            let written = store
                .write(insert(model, rows.clone()), None)
                .await
                .unwrap();
            for ((id, row), written) in ids.iter().zip(&rows).zip(&written.rows) {
                let expected = json_of(model, row);
                let written = written.as_ref().unwrap();
                assert_eq!(
                    (written.id, written.version, written.created),
                    (*id, 1, true)
                );
                assert_eq!(String::from_utf8_lossy(&written.body), expected);
                let mut one = select(
                    model,
                    Filter::eq(FieldId::ID, Value::Uuid(*id)),
                    Vec::new(),
                    1,
                );
                one.columns = all(model);
                let read = store.read(&one, None).await.unwrap().unwrap();
                assert_eq!(String::from_utf8_lossy(&read.body), expected);
            }
        })
        .await;
        store.close().await;
    })
    .await;
}

/// A test of a field against a value of the data.
fn test(field: &model::Field, value: Value) -> BoxedStrategy<Test> {
    let operand = Operand::Value(value.clone());
    if field.array {
        let items = if let Value::Array(items) = value {
            items
        } else {
            Vec::new()
        };
        let operands: Vec<_> = items.into_iter().map(Operand::Value).collect();
        return prop_oneof![
            Just(Test::IsNull),
            Just(Test::Contains(operands.clone())),
            Just(Test::ContainedBy(operands.clone())),
            Just(Test::Overlaps(operands)),
        ]
        .boxed();
    }
    if value.is_null() || !field.kind.is_ordered() {
        return Just(Test::IsNull).boxed();
    }
    let compare = prop::sample::select(vec![
        Comparison::Eq,
        Comparison::Ne,
        Comparison::Lt,
        Comparison::Lte,
        Comparison::Gt,
        Comparison::Gte,
    ]);
    let compared = operand.clone();
    let compare = compare.prop_map(move |comparison| Test::Compare(comparison, compared.clone()));
    let pattern = match (&value, &field.kind) {
        (Value::Text(text), model::Kind::Text) => {
            let part: String = text.chars().skip(1).take(2).collect();
            let part = part
                .replace('\\', "\\\\")
                .replace('%', "\\%")
                .replace('_', "\\_");
            format!("%{part}%")
        }
        _ => {
            return prop_oneof![compare, Just(Test::In(vec![operand])), Just(Test::IsNull)].boxed();
        }
    };
    let like = any::<bool>().prop_map(move |fold_case| Test::Like {
        pattern: pattern.clone(),
        fold_case,
    });
    prop_oneof![compare, Just(Test::In(vec![operand])), like].boxed()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_finds_what_the_model_says_it_finds() {
    testkit::on_both_engines(async |database| {
        let (store, models) = open(&database, &[EVERYTHING]).await;
        let model = &models[0];
        let mut runner = TestRunner::deterministic();
        let data: Vec<_> = (0..6)
            .flat_map(|_| rows(model).new_tree(&mut runner).unwrap().current())
            .collect();
        let (ids, records): (Vec<_>, Vec<_>) = data.iter().map(|row| record(model, row)).unzip();
        store
            .write(insert(model, records.clone()), None)
            .await
            .unwrap();
        let fields = declared(model);
        let (shape, values) = (Arc::clone(model), records.clone());
        let leaf = (0..fields.len(), 0..records.len()).prop_flat_map(move |(field, row)| {
            let id = fields[field];
            let value = values[row][id.index()].clone();
            test(shape.field(id), value).prop_map(move |test| Filter::Test { field: id, test })
        });
        let filters = leaf.prop_recursive(3, 8, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Filter::All),
                prop::collection::vec(inner.clone(), 0..3).prop_map(Filter::Any),
                inner.prop_map(|filter| Filter::Not(Box::new(filter))),
            ]
        });
        sweep("filters", store.engine(), filters, async |filter| {
            let holds = |row: &&(uuid::Uuid, &Vec<Value>)| {
                filter.holds(model, &|id: FieldId| &row.1[id.index()]) == Some(true)
            };
            let pairs: Vec<_> = ids.iter().copied().zip(&records).collect();
            let mut expected: Vec<_> = pairs.iter().filter(holds).map(|(id, _)| *id).collect();
            expected.sort_unstable();
            let order = vec![model::Order {
                field: FieldId::ID,
                descending: false,
                nulls_first: false,
            }];
            let found = walk(&store, select(model, filter.clone(), order, 1_000)).await;
            assert_eq!(found, expected, "{filter:?}");
            let count = store
                .count(&select(model, filter.clone(), Vec::new(), 0), true, None)
                .await
                .unwrap();
            assert_eq!(count, expected.len() as u64);
        })
        .await;
        store.close().await;
    })
    .await;
}
