//! Reads that share a statement and creates that share a transaction: nobody gets what is another's, and who fails
//! fails alone.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use model::{FieldId, Filter, Model, Order, Value};
use store::{Engine, Error, Format, PointRead, Store, Violation};
use uuid::Uuid;

use super::{insert, open, record, select};

const NOTE: &str = "
model: Note
fields:
  code: { type: text, required: true, unique: true }
  owner: { type: text }
options: { tenant: true }
";
/// Rounds must come about: one caller alone never shares.
const CALLERS: usize = 200;

fn note(model: &Model, code: &str, owner: &str, tenant: &str) -> (Uuid, Vec<Value>) {
    let text = |text: &str| Value::Text(text.to_owned());
    let field = |name: &str| model.find(name).unwrap();
    let (id, mut row) = record(
        model,
        &[(field("code"), text(code)), (field("owner"), text(owner))],
    );
    row[field("tenant").index()] = text(tenant);
    (id, row)
}

fn json(body: &[u8]) -> serde_json::Value {
    serde_json::from_slice(body).unwrap()
}

async fn write(store: &Store, model: &Arc<Model>, row: Vec<Value>) -> Result<Uuid, Error> {
    let written = store.write(insert(model, vec![row]), None).await?;
    let row = written.rows[0].as_ref().unwrap();
    assert_eq!(json(&row.body)["id"], row.id.to_string());
    Ok(row.id)
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_at_once_find_each_its_own_record_under_its_own_policy() {
    testkit::on_both_engines(async |database| {
        let (store, models) = open(&database, &[NOTE]).await;
        let model = &models[0];
        let owner = model.find("owner").unwrap();
        let mut ids = Vec::new();
        for at in 0..20 {
            let name = if at % 2 == 0 { "ann" } else { "bob" };
            let (id, row) = note(model, &format!("n{at}"), name, "t");
            write(&store, model, row).await.unwrap();
            ids.push((id, name));
        }
        let fields: Vec<FieldId> = model.ids().map(|(id, _)| id).collect();
        let policy = |name: &str| Filter::eq(owner, Value::Text(name.to_owned()));
        let of = |filter| Arc::new(PointRead::new(Arc::clone(model), &fields, filter));
        let policies = [
            ("ann", of(policy("ann"))),
            ("bob", of(policy("bob"))),
            ("", of(Filter::True)),
        ];
        let asked: Vec<_> = (0..CALLERS)
            .map(|at| {
                let (id, name) = ids[at * 7 % ids.len()];
                (id, name, &policies[at % policies.len()])
            })
            .collect();
        let reads = asked
            .iter()
            .map(async |(id, _, (_, read))| store.point_read(read, *id, None).await);
        for (found, (id, name, (who, _))) in join_all(reads).await.into_iter().zip(&asked) {
            let found = found.unwrap();
            let may = who.is_empty() || who == name;
            assert_eq!(found.is_some(), may, "{who} reads a note of {name}");
            if let Some(found) = found {
                assert_eq!(found.id, *id);
                assert_eq!(json(&found.body)["owner"], *name);
            }
        }
        let nobody = store.point_read(&policies[2].1, Uuid::now_v7(), None).await;
        assert!(nobody.unwrap().is_none());
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_creates_at_once_a_bad_one_fails_alone() {
    testkit::on_both_engines(async |database| {
        let (store, models) = open(&database, &[NOTE]).await;
        let model = &models[0];
        write(&store, model, note(model, "taken", "ann", "t").1)
            .await
            .unwrap();
        let rows: Vec<_> = (0..CALLERS)
            .map(|at| match at % 10 {
                3 => note(model, "taken", "ann", "t"),
                _ => note(
                    model,
                    &format!("n{at}"),
                    "ann",
                    if at % 2 == 0 { "t" } else { "u" },
                ),
            })
            .collect();
        let ids: Vec<_> = rows.iter().map(|(id, _)| *id).collect();
        let writes = rows.into_iter().map(|(_, row)| write(&store, model, row));
        let mut kept = HashSet::new();
        for (at, written) in join_all(writes).await.into_iter().enumerate() {
            match written {
                Ok(id) => {
                    assert_eq!(id, ids[at]);
                    kept.insert(id);
                }
                Err(Error::Violation(Violation::Unique { fields, .. })) => {
                    assert_eq!((at % 10, fields), (3, vec!["code".to_owned()]));
                }
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(kept.len(), CALLERS - CALLERS / 10);
        let fields = [FieldId::ID];
        let read = Arc::new(PointRead::new(Arc::clone(model), &fields, Filter::True));
        for id in ids {
            let found = store.point_read(&read, id, None).await.unwrap();
            assert_eq!(found.is_some(), kept.contains(&id), "{id}");
        }
        if store.engine() == Engine::Postgres {
            check_transactions(&database.location_url()).await;
        }
        store.close().await;
    })
    .await;
}

/// Some were shared, and none by two tenants.
async fn check_transactions(url: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    let rows = async {
        let sql =
            "SELECT xid::text, count(*), count(DISTINCT tenant) FROM gantry_outbox GROUP BY xid";
        let rows = client.query(sql, &[]).await.unwrap();
        drop(client);
        rows
    };
    let (rows, _) = tokio::join!(rows, connection);
    let transactions: HashMap<String, (i64, i64)> = rows
        .iter()
        .map(|row| (row.get(0), (row.get(1), row.get(2))))
        .collect();
    let changes: i64 = transactions.values().map(|(changes, _)| changes).sum();
    assert!(
        transactions.len() < usize::try_from(changes).unwrap(),
        "no two shared one"
    );
    for (changes, tenants) in transactions.values() {
        assert_eq!(*tenants, 1, "{changes} changes in one transaction");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_told_that_it_took_too_long_finds_nothing_done_later() {
    testkit::on_both_engines(async |database| {
        let (store, models) = open(&database, &[NOTE]).await;
        let model = &models[0];
        // Others keep the way busy, so that it waits for a round.
        let tx = store.begin(None).await.unwrap();
        let (id, row) = note(model, "late", "ann", "t");
        let passed = std::time::Instant::now();
        let late = store.write(insert(model, vec![row]), Some(passed)).await;
        assert!(matches!(late, Err(Error::Timeout)), "{late:?}");
        tx.rollback().await.unwrap();
        write(&store, model, note(model, "next", "ann", "t").1)
            .await
            .unwrap();
        let read = Arc::new(PointRead::new(
            Arc::clone(model),
            &[FieldId::ID],
            Filter::True,
        ));
        assert!(store.point_read(&read, id, None).await.unwrap().is_none());
        store.close().await;
    })
    .await;
}

/// On PostgreSQL, where small pages go several in a row on a connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_waits_for_a_lock_holds_up_no_other() {
    const SLOW: &str = "model: Slow\nfields: { code: { type: text } }\n";
    const LONG: Duration = Duration::from_mins(1);
    let database = testkit::Database::postgres().await;
    let (store, models) = open(&database, &[NOTE, SLOW]).await;
    let (note, slow) = (&models[0], &models[1]);
    write(&store, slow, record(slow, &[]).1).await.unwrap();
    write(&store, note, self::note(note, "a", "ann", "t").1)
        .await
        .unwrap();
    let url = database.location_url();
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .unwrap();
    let pages = async {
        let lock = "BEGIN; LOCK TABLE slow IN ACCESS EXCLUSIVE MODE";
        client.batch_execute(lock).await.unwrap();
        let page = async |model: &Arc<Model>| {
            let select = select(model, Filter::True, id_order(), 10);
            store.list(&select, Format::JsonArray, None).await
        };
        let held: Vec<_> = (0..3).map(|_| page(slow)).collect();
        let quick: Vec<_> = (0..CALLERS).map(|_| page(note)).collect();
        let (mut held, quick) = (join_all(held), join_all(quick));
        let quick = tokio::select! {
            _ = &mut held => panic!("they passed a locked table"),
            quick = tokio::time::timeout(LONG, quick) => quick.expect("pages of another table wait for the lock"),
        };
        for page in quick {
            assert_eq!(page.unwrap().rows, 1);
        }
        client.batch_execute("ROLLBACK").await.unwrap();
        for page in held.await {
            assert_eq!(page.unwrap().rows, 1);
        }
        drop(client);
    };
    let ((), _) = tokio::join!(pages, connection);
    store.close().await;
}

/// Locks are held as long as a page's patience lasts, more or less: what is stopped then may have ended just before,
/// and nobody else must be stopped in its place.
#[tokio::test(flavor = "multi_thread")]
async fn no_page_is_stopped_in_anothers_place() {
    const ROUNDS: u64 = 60;
    let database = testkit::Database::postgres().await;
    let (store, models) = open(&database, &[NOTE]).await;
    let note = &models[0];
    write(&store, note, self::note(note, "a", "ann", "t").1)
        .await
        .unwrap();
    let (client, connection) =
        tokio_postgres::connect(&database.location_url(), tokio_postgres::NoTls)
            .await
            .unwrap();
    let begun = std::time::Instant::now();
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let ask = async || {
        let select = select(note, Filter::True, id_order(), 10);
        while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
            let page = store.list(&select, Format::JsonArray, None).await;
            assert_eq!(page.unwrap().rows, 1);
        }
    };
    let lock = async {
        for round in 0..ROUNDS {
            client
                .batch_execute("BEGIN; LOCK TABLE note IN ACCESS EXCLUSIVE MODE")
                .await
                .unwrap();
            tokio::time::sleep(Duration::from_millis(20 + round % 10)).await;
            client.batch_execute("ROLLBACK").await.unwrap();
            assert!(begun.elapsed() < Duration::from_mins(5), "{round} rounds");
        }
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        drop(client);
    };
    let ((), (), _) = tokio::join!(
        async { drop(join_all((0..CALLERS).map(|_| ask())).await) },
        lock,
        connection
    );
    store.close().await;
}

fn id_order() -> Vec<Order> {
    vec![Order {
        field: FieldId::ID,
        descending: false,
        nulls_first: false,
    }]
}
