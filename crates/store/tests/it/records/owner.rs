//! Whoever serves may write records, and nothing of what holds them.

use testkit::Database;

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
    let written = store.write(&insert(&models[0], vec![row]), None).await;
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
