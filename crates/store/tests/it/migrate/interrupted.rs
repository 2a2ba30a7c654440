//! Two at once, killed in the middle, indexes left invalid.

use std::time::Duration;

use model::Kind;
use store::migrate;
use testkit::{Database, on_both_engines};

use crate::migrate::{
    ALLOW, REFUSE, Sql, field, film, indexed, migrate_to, model, models, settings, sql,
};

#[tokio::test]
async fn of_two_at_once_one_migrates_and_the_other_finds_it_done() {
    on_both_engines(async |database| {
        let settings = settings(&database);
        let wanted = film(vec![indexed(field("note", Kind::Text))]);
        let (one, two) = tokio::join!(
            migrate::apply(&settings, &wanted, &REFUSE),
            migrate::apply(&settings, &wanted, &REFUSE)
        );
        let done: Vec<_> = [one.unwrap(), two.unwrap()]
            .into_iter()
            .filter_map(|one| one.migration)
            .collect();
        assert_eq!(done, ["0001_create_film"]);
        let rows = sql(&database)
            .await
            .rows("SELECT name, state FROM gantry_migrations")
            .await;
        assert_eq!(rows, ["0001_create_film|applied"]);
    })
    .await;
}

#[tokio::test]
async fn killed_at_any_moment_the_next_start_recovers() {
    on_both_engines(async |database| {
        let settings = settings(&database);
        let names: Vec<_> = (0..12).map(|number| format!("n{number}")).collect();
        for round in 0..12_usize {
            let fields = names[..=round]
                .iter()
                .map(|name| indexed(field(name, Kind::Text)));
            let wanted = film(fields.collect());
            let limit = Duration::from_millis(3 + 7 * round as u64);
            let killed =
                tokio::time::timeout(limit, migrate::apply(&settings, &wanted, &ALLOW)).await;
            drop(killed);
            migrate_to(&database, &wanted).await;
        }
        let states = sql(&database)
            .await
            .rows("SELECT DISTINCT state FROM gantry_migrations")
            .await;
        assert_eq!(states, ["applied"]);
    })
    .await;
}

#[tokio::test]
async fn cut_between_two_statements_nothing_of_it_stays() {
    let database = Database::postgres().await;
    let both = |fields: fn() -> Vec<model::Field>| {
        models(vec![model("Film", fields()), model("Person", fields())])
    };
    migrate_to(&database, &both(Vec::new)).await;
    let (holder, killer) = (sql(&database).await, sql(&database).await);
    holder.insert("film", &[]).await;
    // The second table cannot be altered while someone reads it, so the migration is held after the first.
    holder
        .run("BEGIN; LOCK TABLE person IN ACCESS SHARE MODE")
        .await;
    let wanted = both(|| vec![field("note", Kind::Text)]);
    let settings = settings(&database);
    let kill = async {
        let waiting = "SELECT pg_terminate_backend(pid) FROM pg_locks
            WHERE NOT granted AND relation = 'person'::regclass";
        while killer.rows(waiting).await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    let (cut, ()) = tokio::join!(migrate::apply(&settings, &wanted, &ALLOW), kill);
    cut.unwrap_err();
    let columns = "SELECT table_name FROM information_schema.columns WHERE column_name = 'note' AND table_name IN ('film', 'person')";
    assert!(killer.rows(columns).await.is_empty(), "none half done");
    holder.run("ROLLBACK").await;
    migrate_to(&database, &wanted).await;
    assert_eq!(killer.rows(columns).await, ["film", "person"]);
    assert_eq!(killer.rows("SELECT count(*) FROM film").await, ["1"]);
    let history = killer.rows("SELECT id, state FROM gantry_migrations").await;
    assert_eq!(history, ["1|applied", "2|applied"]);
}

#[tokio::test]
async fn an_invalid_index_is_replaced() {
    let database = Database::postgres().await;
    let plain = film(vec![field("note", Kind::Text)]);
    let with_index = film(vec![indexed(field("note", Kind::Text))]);
    migrate_to(&database, &plain).await;
    migrate_to(&database, &with_index).await;
    let sql = sql(&database).await;
    assert!(matches!(sql, Sql::Postgres(_)));
    sql.run("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'film_note_idx'::regclass")
        .await;
    let settings = settings(&database);
    let drift = migrate::status(&settings, &with_index).await.unwrap().drift;
    assert_eq!(drift, ["film: index film_note_idx is invalid"]);
    sql.run("UPDATE gantry_migrations SET state = 'indexing' WHERE id = 2")
        .await;
    let applied = migrate_to(&database, &with_index).await;
    assert_eq!(applied.resumed.as_deref(), Some("0002_film_indexes"));
    let valid = sql
        .rows("SELECT indisvalid FROM pg_index WHERE indexrelid = 'film_note_idx'::regclass")
        .await;
    assert_eq!(valid, ["t"]);
}
