//! Whoever serves may write records, and nothing of what holds them.

use store::{Location, Settings, Store, migrate};
use testkit::Database;
use uuid::Uuid;

use super::{insert, open, record};
use crate::migrate::sql;

#[tokio::test]
async fn writes_run_as_a_role_that_does_not_own_the_tables() {
    let database = Database::postgres().await;
    let models = ["model: Film\nfields:\n  title: { type: text }\n"];
    let (store, models) = open(&database, &models).await;
    let sql = sql(&database).await;
    // The database itself says who writes.
    sql.run(
        "CREATE TABLE seen (who text); GRANT INSERT ON seen TO PUBLIC;
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO seen VALUES (current_user); RETURN NEW; END';
CREATE TRIGGER see BEFORE INSERT ON film FOR EACH ROW EXECUTE FUNCTION see()",
    )
    .await;
    let (_, row) = record(&models[0], &[]);
    let written = store.write(insert(&models[0], vec![row]), None).await;
    written.unwrap();
    let seen = sql.rows("SELECT who FROM seen").await;
    let owner = sql
        .rows("SELECT tableowner FROM pg_tables WHERE tablename = 'film'")
        .await;
    assert_ne!(seen, owner);
    sql.run(&format!("SET ROLE \"{}\"", seen[0])).await;
    for forbidden in [
        "DROP TABLE film",
        "ALTER TABLE film ADD note text",
        "TRUNCATE film",
        "CREATE TABLE mine (id int)",
        "DELETE FROM gantry_migrations",
    ] {
        let tried = sql.try_run(forbidden).await;
        assert!(tried.unwrap_err().contains("42501"), "{forbidden}");
    }
}

#[tokio::test]
async fn where_no_role_can_be_made_the_owner_writes_and_is_told_so() {
    let database = Database::postgres().await;
    let sql = sql(&database).await;
    let login = format!("plain_{}", Uuid::now_v7().simple());
    sql.run(&format!(
        "CREATE ROLE {login} LOGIN; GRANT ALL ON SCHEMA public TO {login}"
    ))
    .await;
    let url = database.location_url();
    let (scheme, rest) = url.split_once("://").unwrap();
    let address = rest.split_once('@').map_or(rest, |(_, address)| address);
    let settings = Settings::new(Location::Postgres(format!("{scheme}://{login}@{address}")));
    let source = "model: Film\nfields:\n  title: { type: text, search: true }\n".to_owned();
    let models = model::load_models(&[("film.yaml".into(), source)]).unwrap();
    let applied = migrate::apply(&settings, &models, &migrate::ApplyOptions::default()).await;
    let notes = applied.unwrap().notes;
    assert!(
        notes.len() == 1 && notes[0].starts_with("writes run as the owner: "),
        "{notes:?}"
    );
    let store = Store::open(&settings).await.unwrap();
    let film = models.iter().next().unwrap();
    let (_, row) = record(film, &[]);
    let written = store.write(insert(film, vec![row]), None).await.unwrap();
    assert_eq!(written.rows.len(), 1);
    let owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'film'";
    assert_eq!(sql.rows(owner).await, [login]);
}
