//! Any order, nulls and ties included: the pages together are the whole sorted list.

use std::cmp::Ordering;
use std::time::{Duration, Instant};

use model::{FieldId, Filter, Model, Order, Value};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use uuid::Uuid;

use super::{EVERYTHING, any_value, insert, open, record, select, walk};

const BUDGET: Duration = Duration::from_secs(8);
const LEAST: usize = 20;

/// As the contract says: nulls where the order puts them, else by value.
fn compare(model: &Model, order: &[Order], one: &[Value], two: &[Value]) -> Ordering {
    for key in order {
        let (a, b) = (&one[key.field.index()], &two[key.field.index()]);
        let nulls = if key.nulls_first {
            Ordering::Less
        } else {
            Ordering::Greater
        };
        let ordering = match (a.is_null(), b.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) => nulls,
            (false, true) => nulls.reverse(),
            (false, false) => {
                let ordering = a.compare(b, model.field(key.field).nocase).unwrap();
                if key.descending {
                    ordering.reverse()
                } else {
                    ordering
                }
            }
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
    Ordering::Equal
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_the_sorted_list_cut_up() {
    testkit::on_both_engines(async |database| {
        let (store, models) = open(&database, &[EVERYTHING]).await;
        let model = &models[0];
        let mut runner = TestRunner::deterministic();
        let fields: Vec<FieldId> = model.ids().map(|(id, _)| id).collect();
        let row: Vec<_> = fields
            .iter()
            .map(|id| any_value(model.field(*id)))
            .collect();
        let mut records: Vec<(Uuid, Vec<Value>)> = Vec::new();
        for _ in 0..40 {
            let values = row.new_tree(&mut runner).unwrap().current();
            let row: Vec<_> = fields.iter().copied().zip(values).collect();
            // Each row twice: ties in every field but the id.
            records.extend([record(model, &row), record(model, &row)]);
        }
        store
            .write(
                insert(model, records.iter().map(|(_, row)| row.clone()).collect()),
                None,
            )
            .await
            .unwrap();
        let ordered: Vec<FieldId> = model
            .ids()
            .filter(|(id, field)| *id != FieldId::ID && !field.array && field.kind.is_ordered())
            .map(|(id, _)| id)
            .collect();
        let key = (prop::sample::select(ordered), any::<bool>(), any::<bool>()).prop_map(
            |(field, descending, nulls_first)| Order {
                field,
                descending,
                nulls_first,
            },
        );
        let cases = (prop::collection::vec(key, 0..4), any::<bool>(), 1..30u64);
        let (begun, mut count) = (Instant::now(), 0);
        while begun.elapsed() < BUDGET && count < 300 {
            let (mut order, descending, limit) = cases.new_tree(&mut runner).unwrap().current();
            let mut seen = Vec::new();
            order.retain(|key| {
                !seen.contains(&key.field) && {
                    seen.push(key.field);
                    true
                }
            });
            order.push(Order {
                field: FieldId::ID,
                descending,
                nulls_first: descending,
            });
            let mut expected = records.clone();
            expected.sort_by(|one, two| compare(model, &order, &one.1, &two.1));
            let expected: Vec<_> = expected.into_iter().map(|(id, _)| id).collect();
            let found = walk(&store, select(model, Filter::True, order.clone(), limit)).await;
            assert_eq!(found, expected, "{order:?} by {limit}");
            count += 1;
        }
        println!(
            "pages on {:?}: {count} orders in {:?}",
            store.engine(),
            begun.elapsed()
        );
        assert!(count >= LEAST, "{count} orders are fewer than {LEAST}");
        store.close().await;
    })
    .await;
}
