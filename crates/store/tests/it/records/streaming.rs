//! Lists of any length: one snapshot, in order, ended with whoever took them.

use std::time::Duration;

use futures_util::StreamExt as _;
use model::{Filter, Value};
use store::{Column, Error, Format, Pace, Select};
use testkit::Engine;

use super::{insert, open, record, select};

const NOTE: &str = "model: Note\nfields:\n  text: { type: text }\n";

const PACE: Pace = Pace {
    time: Duration::from_mins(10),
    stall: Duration::from_mins(10),
};

/// So many that neither chunks nor sockets hold them.
async fn filled(
    database: &testkit::Database,
) -> (store::Store, std::sync::Arc<model::Model>, Vec<uuid::Uuid>) {
    let (store, models) = open(database, &[NOTE]).await;
    let model = std::sync::Arc::clone(&models[0]);
    let text = model.find("text").unwrap();
    let long = Value::Text("x".repeat(20_000));
    let mut ids = Vec::new();
    for _ in 0..20 {
        let made = (0..100).map(|_| record(&model, &[(text, long.clone())]));
        let (new, rows): (Vec<_>, Vec<_>) = made.unzip();
        ids.extend(new);
        store.write(insert(&model, rows), None).await.unwrap();
    }
    (store, model, ids)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_one_snapshot_whatever_is_written_beside_it() {
    testkit::on_both_engines(async |database| {
        let (store, model, ids) = filled(&database).await;
        let text = model.find("text").unwrap();
        let mut all = select(&model, Filter::True, by_id(), Select::ALL);
        all.columns.push(Column::Field(text));
        let mut chunks = store.stream(&all, Format::Csv, PACE, None).await.unwrap();
        let mut told = chunks.next().await.unwrap().unwrap().to_vec();
        let (_, late) = record(&model, &[]);
        store.write(insert(&model, vec![late]), None).await.unwrap();
        while let Some(chunk) = chunks.next().await {
            told.extend_from_slice(&chunk.unwrap());
        }
        let told = String::from_utf8(told).unwrap();
        let told: Vec<_> = told.lines().skip(1).map(|line| &line[..36]).collect();
        let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
        assert_eq!(told, ids);
        store.close().await;
    })
    .await;
}

fn by_id() -> Vec<model::Order> {
    vec![model::Order {
        field: model::FieldId::ID,
        descending: false,
        nulls_first: false,
    }]
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_ends_the_query_on_the_server() {
    let database = testkit::Database::of(Engine::Postgres).await;
    let (store, model, _) = filled(&database).await;
    let url = database.location_url();
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .unwrap();
    let connection = tokio_util::task::TaskTracker::new().spawn(connection);
    let running = async || {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                   AND pid <> pg_backend_pid() AND state <> 'idle'";
        client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0)
    };
    let mut all = select(&model, Filter::True, by_id(), Select::ALL);
    all.columns.push(Column::Field(model.find("text").unwrap()));
    let mut chunks = store
        .stream(&all, Format::JsonLines, PACE, None)
        .await
        .unwrap();
    chunks.next().await.unwrap().unwrap();
    assert_eq!(running().await, 1);
    drop(chunks);
    let gone = async {
        while running().await > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), gone)
        .await
        .unwrap();
    store.close().await;
    drop(client);
    connection.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_in_the_middle_does_not_end_as_a_whole() {
    testkit::on_both_engines(async |database| {
        let (store, model, _) = filled(&database).await;
        let mut all = select(&model, Filter::True, by_id(), Select::ALL);
        all.columns.push(Column::Field(model.find("text").unwrap()));
        let short = Pace {
            time: Duration::from_millis(200),
            ..PACE
        };
        let mut chunks = store
            .stream(&all, Format::JsonLines, short, None)
            .await
            .unwrap();
        // Taken only once its time is over.
        tokio::time::sleep_until(tokio::time::Instant::now() + short.time).await;
        let mut last = None;
        while let Some(chunk) = chunks.next().await {
            last = Some(chunk);
        }
        assert!(
            matches!(last, Some(Err(Error::Timeout | Error::Stalled))),
            "{last:?}"
        );
        store.close().await;
    })
    .await;
}
