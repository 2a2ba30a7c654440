//! What bounds the rows of sessions.

use std::time::Duration;

use jiff::Timestamp;
use store::{MOST_SESSIONS, SessionName, SessionPut, SessionRow, Store};
use testkit::on_both_engines;

use super::open;
use crate::migrate::sql;

const FILM: &str = "model: Film\nfields: { title: { type: text } }\n";

async fn put(store: &Store, owner: &str, id: &str, left: i64) -> SessionPut {
    let name = SessionName {
        kind: "mcp".to_owned(),
        id: id.to_owned(),
        owner: owner.to_owned(),
    };
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
    let row = SessionRow {
        state: "1".to_owned(),
        ttl: 60,
        created_at: now,
        expires_at: Timestamp::from_second(now.as_second() + left).unwrap(),
    };
    store.put_session(&name, &row).await.unwrap()
}

#[tokio::test]
async fn an_owner_has_so_many_sessions_and_no_more() {
    on_both_engines(async |database| {
        let (store, _) = open(&database, &[FILM]).await;
        let rows = format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MOST_SESSIONS}) \
             INSERT INTO gantry_session (kind, id, owner, state, ttl, created_at, expires_at) \
             SELECT 'mcp', 'id' || i, 'ann', '1', 60, '2026-01-01T00:00:00.000000Z', '2999-01-01T00:00:00.000000Z' FROM n"
        );
        sql(&database).await.run(&rows).await;
        assert_eq!(put(&store, "ann", "one more", 60).await, SessionPut::Full);
        assert_eq!(put(&store, "ann", "id7", 60).await, SessionPut::Kept);
        assert_eq!(put(&store, "bob", "id8", 60).await, SessionPut::Foreign);
        assert_eq!(put(&store, "bob", "first", 60).await, SessionPut::Kept);
        // One that is over makes room.
        assert_eq!(put(&store, "ann", "id9", -1).await, SessionPut::Kept);
        assert_eq!(put(&store, "ann", "one more", 60).await, SessionPut::Kept);
    })
    .await;
}

#[tokio::test]
async fn sessions_that_are_over_are_cleared_out() {
    on_both_engines(async |database| {
        let (store, _) = open(&database, &[FILM]).await;
        put(&store, "ann", "over", -1).await;
        put(&store, "ann", "used", 60).await;
        let young = Timestamp::now() - Duration::from_hours(1);
        assert_eq!(store.prune(young).await.unwrap(), 1);
        let left = sql(&database)
            .await
            .rows("SELECT id FROM gantry_session")
            .await;
        assert_eq!(left, ["used"]);
    })
    .await;
}

#[tokio::test]
async fn a_database_of_an_older_gantry_gets_the_table() {
    on_both_engines(async |database| {
        open(&database, &[FILM]).await;
        let older =
            "ALTER TABLE gantry_keys DROP COLUMN scopes; DROP TABLE gantry_session; UPDATE gantry_meta SET value = '3' WHERE key = 'schema'";
        sql(&database).await.run(older).await;
        let (store, _) = open(&database, &[FILM]).await;
        assert_eq!(put(&store, "ann", "a", 60).await, SessionPut::Kept);
    })
    .await;
}
