//! The order of changes, what is kept of deleted records, and what is pruned.

use std::sync::Arc;
use std::time::Duration;

use model::{Comparison, FieldId, Filter, Operand, Test, Value};
use store::{Change, Delete, Op, Position, Store, TriggerRow, Unseen, Update, Write};
use testkit::{Engine, on_both_engines};

use super::{EVERYTHING, insert, open, record};

const NOTHING: Position = Position {
    transaction: 0,
    seq: 0,
};

/// So many changes, as soon as no other transaction of the server, a neighbouring test's perhaps, can come before them.
async fn told(store: &Store, after: Position, count: usize) -> Vec<Change> {
    let wait = async {
        loop {
            let changes = store.changes(after, 1_000).await.unwrap();
            if changes.len() >= count {
                return changes;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_mins(1), wait).await;
    let changes = waited.expect("the changes come in time");
    assert_eq!(changes.len(), count);
    changes
}

fn ids(changes: &[Change]) -> Vec<uuid::Uuid> {
    changes.iter().map(|change| change.record).collect()
}

/// Two at once can write on PostgreSQL only.
#[tokio::test]
async fn a_change_that_commits_late_is_told_and_holds_up_what_came_after_it() {
    let database = testkit::Database::of(Engine::Postgres).await;
    let (store, models) = open(&database, &[EVERYTHING]).await;
    let model = &models[0];
    let (early, late) = (record(model, &[]), record(model, &[]));
    let begin = store.changes_end().await.unwrap();
    let mut slow = store.begin(None).await.unwrap();
    slow.write(&insert(model, vec![late.1])).await.unwrap();
    store
        .write(insert(model, vec![early.1]), None)
        .await
        .unwrap();
    let seen = store.changes(begin, 10).await.unwrap();
    assert_eq!(seen, [], "one that is open may come before");
    slow.commit().await.unwrap();
    let changes = told(&store, begin, 2).await;
    assert_eq!(ids(&changes), [late.0, early.0]);
    assert_eq!(told(&store, changes[0].position, 1).await, changes[1..]);
    assert!(store.changes_end().await.unwrap() > changes[1].position);

    let mut undone = store.begin(None).await.unwrap();
    let (_, row) = record(model, &[]);
    undone.write(&insert(model, vec![row])).await.unwrap();
    undone.rollback().await.unwrap();
    let (id, row) = record(model, &[]);
    store.write(insert(model, vec![row]), None).await.unwrap();
    assert_eq!(ids(&told(&store, changes[1].position, 1).await), [id]);
}

#[tokio::test]
async fn each_write_is_told_in_its_order() {
    on_both_engines(async |database| {
        let (store, models) = open(&database, &[EVERYTHING]).await;
        let model = &models[0];
        let ours = [record(model, &[]), record(model, &[])];
        let rows = ours.iter().map(|(_, row)| row.clone()).collect();
        let begin = store.changes_end().await.unwrap();
        store.write(insert(model, rows), None).await.unwrap();
        let first = Filter::eq(FieldId::ID, Value::Uuid(ours[0].0));
        for op in [Op::Update, Op::Delete, Op::Restore] {
            let update = Write::Update(Update {
                model: Arc::clone(model),
                set: vec![],
                filter: first.clone(),
                guards: vec![],
                returning: vec![],
                op,
            });
            store.write(update, None).await.unwrap();
        }
        let changes = told(&store, begin, 5).await;
        let seen: Vec<_> = changes
            .iter()
            .map(|change| (change.record, change.op, change.version))
            .collect();
        let (one, two) = (ours[0].0, ours[1].0);
        let expected = [
            (one, Op::Create, 1),
            (two, Op::Create, 1),
            (one, Op::Update, 2),
            (one, Op::Delete, 3),
            (one, Op::Restore, 4),
        ];
        assert_eq!(seen, expected);
        let in_order = |pair: &[Change]| pair[0].position < pair[1].position;
        assert!(changes.windows(2).all(in_order));
        let halves = store.changes(begin, 2).await.unwrap();
        assert_eq!(halves, changes[..2]);
    })
    .await;
}

/// Every type by the contract, so that a rule can be asked of it.
#[tokio::test]
async fn what_is_kept_of_a_deleted_record_reads_back() {
    on_both_engines(async |database| {
        let (store, models) = open(&database, &[EVERYTHING]).await;
        let model = &models[0];
        let text = |name: &str| match name {
            "text" => "\"a \\\"quoted\\\" text\\n\"",
            "loose" => "\"LOOSE\"",
            "int" => "-9223372036854775808",
            "float" => "0.1",
            "decimal" => "\"7.50\"",
            "bool" => "true",
            "uuid" => "\"018f3c2e-7b1a-7c3d-9e4f-5a6b7c8d9e0f\"",
            "date" => "\"0999-12-31\"",
            "time" => "\"18:30:00.123456\"",
            "timestamp" => "\"1969-07-20T20:17:40.000001Z\"",
            "json" => "{\"a\":[1,null]}",
            // Longer than the lines in which base64 is wrapped.
            "bytes" => concat!(
                "\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4",
                "OTo7PD0+P0A=\""
            ),
            "choice" => "\"drei\"",
            "vector" => "[1.5,2.0,3.0]",
            "texts" => "[\"a\",\"b\"]",
            "ints" => "[1,2]",
            "decimals" => "[\"1.10\"]",
            other => panic!("{other}"),
        };
        let raw = |name: &str| serde_json::value::RawValue::from_string(text(name).to_owned());
        let declared: Vec<_> = model
            .ids()
            .filter(|(_, field)| field.system.is_none())
            .map(|(id, field)| {
                (
                    id,
                    Value::from_json(field, &raw(&field.name).unwrap()).unwrap(),
                )
            })
            .collect();
        let (full, row) = record(model, &declared);
        let (empty, nulls) = record(model, &[]);
        store
            .write(insert(model, vec![row.clone(), nulls]), None)
            .await
            .unwrap();
        // The feed's end may lie before them while neighbours write.
        let begin = told(&store, NOTHING, 2).await[1].position;
        let delete = Write::Delete(Delete {
            model: Arc::clone(model),
            filter: Filter::True,
            returning: vec![],
            kept: model.ids().map(|(id, _)| id).collect(),
        });
        store.write(delete, None).await.unwrap();
        let changes = told(&store, begin, 2).await;
        for change in changes {
            let gone = change.gone.unwrap();
            let gone: std::collections::HashMap<String, Box<serde_json::value::RawValue>> =
                serde_json::from_str(&gone).unwrap();
            for (id, field) in model.ids().filter(|(_, field)| field.system.is_none()) {
                let value = Value::from_json(field, &gone[&field.name]).unwrap();
                let expected = if change.record == full {
                    row[id.index()].clone()
                } else {
                    assert_eq!(change.record, empty);
                    Value::Null
                };
                assert_eq!(value, expected, "{}", field.name);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn which_records_a_filter_finds_is_asked_of_many_at_once() {
    on_both_engines(async |database| {
        let (store, models) = open(&database, &[EVERYTHING]).await;
        let model = &models[0];
        let int = model.find("int").unwrap();
        let records: Vec<_> = (0..5)
            .map(|number| record(model, &[(int, Value::Int(number))]))
            .collect();
        let rows = records.iter().map(|(_, row)| row.clone()).collect();
        store.write(insert(model, rows), None).await.unwrap();
        let ids: Vec<_> = records.iter().map(|(id, _)| *id).collect();
        let more = Filter::Test {
            field: int,
            test: Test::Compare(Comparison::Gt, Operand::Value(Value::Int(2))),
        };
        let found = store.which(model, &ids[..4], more).await.unwrap();
        assert_eq!(found, std::collections::HashSet::from([ids[3]]));
    })
    .await;
}

#[tokio::test]
async fn what_is_pruned_is_known_to_be_missed() {
    on_both_engines(async |database| {
        let (store, models) = open(&database, &[EVERYTHING]).await;
        let model = &models[0];
        let begin = store.changes_end().await.unwrap();
        assert_eq!(store.changes_forgotten().await.unwrap(), NOTHING);
        let (_, row) = record(model, &[]);
        store.write(insert(model, vec![row]), None).await.unwrap();
        let old = told(&store, begin, 1).await;
        let now = jiff::Timestamp::now();
        store.prune(now - Duration::from_hours(1)).await.unwrap();
        assert_eq!(told(&store, begin, 1).await, old, "it is young");

        assert_eq!(store.prune(now + Duration::from_hours(1)).await.unwrap(), 1);
        assert_eq!(store.changes_forgotten().await.unwrap(), old[0].position);
        let (id, row) = record(model, &[]);
        store.write(insert(model, vec![row]), None).await.unwrap();
        let new = told(&store, begin, 1).await;
        assert_eq!(ids(&new), [id]);
        assert!(new[0].position > old[0].position);
        assert_eq!(store.prune(now - Duration::from_hours(1)).await.unwrap(), 0);
        assert_eq!(store.changes_forgotten().await.unwrap(), old[0].position);
    })
    .await;
}

#[tokio::test]
async fn the_outbox_of_an_older_gantry_is_made_anew() {
    on_both_engines(async |database| {
        let (store, models) = open(&database, &[EVERYTHING]).await;
        let (id, row) = record(&models[0], &[]);
        store
            .write(insert(&models[0], vec![row]), None)
            .await
            .unwrap();
        let older = "ALTER TABLE gantry_outbox DROP COLUMN gone; ALTER TABLE gantry_keys DROP COLUMN scopes; UPDATE gantry_meta SET value = '2' WHERE key = 'schema'";
        crate::migrate::sql(&database).await.run(older).await;
        let (store, models) = open(&database, &[EVERYTHING]).await;
        let begin = store.changes_end().await.unwrap();
        let delete = Write::Delete(Delete {
            model: Arc::clone(&models[0]),
            filter: Filter::True,
            returning: vec![],
            kept: vec![models[0].find("int").unwrap()],
        });
        store.write(delete, None).await.unwrap();
        let changes = told(&store, begin, 1).await;
        assert_eq!((changes[0].record, changes[0].op), (id, Op::Delete));
        assert!(changes[0].gone.as_ref().unwrap().contains("\"int\""));
    })
    .await;
}

/// Transactions are counted by each server for itself.
#[tokio::test]
async fn changes_that_a_restore_brought_from_another_server_are_not_told_again() {
    let database = testkit::Database::of(Engine::Postgres).await;
    let (store, models) = open(&database, &[EVERYTHING]).await;
    let model = &models[0];
    let begin = store.changes_end().await.unwrap();
    let (id, row) = record(model, &[]);
    store.write(insert(model, vec![row]), None).await.unwrap();
    told(&store, begin, 1).await;
    let sql = crate::migrate::sql(&database).await;
    sql.run(
        "INSERT INTO gantry_outbox (xid, model, record, op, version) \
         SELECT '900000000000'::xid8, model, record, op, version FROM gantry_outbox",
    )
    .await;
    let young = jiff::Timestamp::now() - Duration::from_hours(1);
    assert_eq!(store.prune(young).await.unwrap(), 1);
    assert_eq!(ids(&told(&store, begin, 1).await), [id]);
    let count = "SELECT count(*) FROM gantry_outbox";
    assert_eq!(sql.rows(count).await, ["1"]);
}

#[tokio::test]
async fn an_older_gantrys_database_gets_the_indexes_of_what_becomes_of_runs() {
    on_both_engines(async |database| {
        open(&database, &[EVERYTHING]).await;
        let sql = crate::migrate::sql(&database).await;
        let indexes = match database.engine() {
            Engine::Postgres => "SELECT indexname FROM pg_indexes WHERE",
            Engine::Sqlite => "SELECT name AS indexname FROM sqlite_master WHERE type = 'index' AND",
        };
        let names = "('gantry_run_ended', 'gantry_step_waits', 'gantry_step_emitted')";
        let indexes = format!("{indexes} indexname IN {names} ORDER BY indexname");
        let now = sql.rows(&indexes).await;
        assert_eq!(now.len(), 3);
        let older = "DROP INDEX gantry_run_ended; DROP INDEX gantry_step_waits; DROP INDEX gantry_step_emitted; UPDATE gantry_meta SET value = '6' WHERE key = 'schema'";
        sql.run(older).await;
        assert!(sql.rows(&indexes).await.is_empty());
        open(&database, &[EVERYTHING]).await;
        assert_eq!(sql.rows(&indexes).await, now);
    })
    .await;
}

#[tokio::test]
async fn triggers_of_an_older_gantrys_database_begin_with_what_comes() {
    on_both_engines(async |database| {
        let (store, models) = open(&database, &[EVERYTHING]).await;
        let (_, row) = record(&models[0], &[]);
        store
            .write(insert(&models[0], vec![row]), None)
            .await
            .unwrap();
        let older =
            "DROP TABLE gantry_trigger; UPDATE gantry_meta SET value = '5' WHERE key = 'schema'";
        crate::migrate::sql(&database).await.run(older).await;
        let (store, models) = open(&database, &[EVERYTHING]).await;
        let row = |workflow: &str, seen| TriggerRow {
            workflow: workflow.to_owned(),
            model: models[0].name.clone(),
            seen,
        };
        let end = store.changes_end().await.unwrap();
        store.follow(&[row("a", end), row("b", end)]).await.unwrap();
        assert_eq!(store.unseen(end).await.unwrap(), Unseen::Nothing);
        let (id, new) = record(&models[0], &[]);
        store
            .write(insert(&models[0], vec![new]), None)
            .await
            .unwrap();
        let change = told(&store, end, 1).await.remove(0);
        assert_eq!(change.record, id);
        assert_eq!(store.unseen(end).await.unwrap(), Unseen::Now);
        // Who begins later takes nothing back, and what no file names any more goes.
        store
            .follow(&[row("b", Position::default())])
            .await
            .unwrap();
        let rows = store.followed().await.unwrap();
        assert_eq!(rows, [row("b", end)]);
        // Of two who have read the same row one moves it.
        for expected in [true, false] {
            let mut tx = store.begin(None).await.unwrap();
            assert_eq!(tx.see(&rows[0], change.position).await.unwrap(), expected);
            tx.commit().await.unwrap();
        }
        assert_eq!(
            store.unseen(change.position).await.unwrap(),
            Unseen::Nothing
        );
    })
    .await;
}
