//! Each kind of change with rows in the table: what the rows are after it, and after it was undone.

use model::{Field, Kind, Value};
use store::Error;
use store::migrate;
use testkit::on_both_engines;

use crate::migrate::{
    REFUSE, decimal, field, film, indexed, migrate_to, model, models, one_of, refers, required,
    settings, sql, unique, was, with_default,
};

/// Two rows with `values` in `note`, which becomes `after`.
async fn check(before: Field, values: &[&str], after: Vec<Field>, shown: &str, expected: &[&str]) {
    on_both_engines(async |database| {
        let name = before.name.clone();
        let first = film(vec![before.clone()]);
        migrate_to(&database, &first).await;
        let sql = sql(&database).await;
        for value in values {
            sql.insert("film", &[(&name, value)]).await;
        }
        let query = format!("SELECT CAST(\"{name}\" AS text) FROM film");
        let rows = sql.rows(&query).await;
        migrate_to(&database, &film(after.clone())).await;
        if !shown.is_empty() {
            let query = format!("SELECT {shown} FROM film");
            assert_eq!(sql.rows(&query).await, expected);
        }
        let settings = settings(&database);
        migrate::rollback(&settings, 1)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(sql.rows(&query).await, rows, "undone");
        let status = migrate::status(&settings, &first).await.unwrap();
        assert_eq!(status.pending.to_sql(), "");
        migrate_to(&database, &film(after.clone())).await;
    })
    .await;
}

#[tokio::test]
async fn each_kind_of_change_keeps_what_it_can_and_can_be_undone() {
    let note = |kind| field("note", kind);
    check(
        note(Kind::Text),
        &["'a'", "NULL"],
        vec![note(Kind::Text), field("more", Kind::Int)],
        "note, more",
        &["-|-", "a|-"],
    )
    .await;
    let seven = with_default(Value::Int(7), required(field("more", Kind::Int)));
    check(
        note(Kind::Text),
        &["'a'"],
        vec![note(Kind::Text), seven],
        "note, more",
        &["a|7"],
    )
    .await;
    check(note(Kind::Text), &["'a'"], vec![], "", &[]).await;
    check(required(note(Kind::Text)), &["'a'"], vec![], "", &[]).await;
    check(
        note(Kind::Text),
        &["'a'"],
        vec![was("note", field("remark", Kind::Text))],
        "remark",
        &["a"],
    )
    .await;
    check(
        note(Kind::Text),
        &["'12'", "'x'"],
        vec![note(Kind::Int)],
        "note",
        &["-", "12"],
    )
    .await;
    check(
        note(Kind::Int),
        &["9007199254740993", "NULL"],
        vec![note(Kind::Text)],
        "note",
        &["-", "9007199254740993"],
    )
    .await;
    check(
        note(Kind::Int),
        &["9007199254740993", "5"],
        vec![note(decimal())],
        "CAST(note AS text)",
        &["5", "9007199254740993"],
    )
    .await;
    check(
        note(decimal()),
        &["'7.50'", "'8.0'"],
        vec![note(Kind::Int)],
        "note",
        &["-", "8"],
    )
    .await;
    check(
        note(Kind::Text),
        &["'2024-02-29'", "'2024-02-31'", "'2024-03-31'"],
        vec![note(Kind::Date)],
        "",
        &[],
    )
    .await;
    check(
        note(Kind::Text),
        &["'red'", "'pink'"],
        vec![note(one_of(&["red"]))],
        "note",
        &["-", "red"],
    )
    .await;
    check(
        note(one_of(&["red"])),
        &["'red'"],
        vec![note(one_of(&["red", "pink"]))],
        "note",
        &["red"],
    )
    .await;
    check(
        note(one_of(&["red", "pink"])),
        &["'red'", "'pink'"],
        vec![note(one_of(&["red"]))],
        "note",
        &["-", "red"],
    )
    .await;
    check(
        note(Kind::Text),
        &["'a'", "'b'"],
        vec![required(note(Kind::Text))],
        "note",
        &["a", "b"],
    )
    .await;
    let filled = with_default(Value::Text("x".to_owned()), required(note(Kind::Text)));
    check(
        required(note(Kind::Text)),
        &["'a'"],
        vec![note(Kind::Text)],
        "note",
        &["a"],
    )
    .await;
    check(
        note(Kind::Text),
        &["'a'", "'b'"],
        vec![filled],
        "note",
        &["a", "b"],
    )
    .await;
    check(
        note(Kind::Text),
        &["'a'", "'b'", "NULL"],
        vec![unique(note(Kind::Text))],
        "",
        &[],
    )
    .await;
    check(
        indexed(note(Kind::Text)),
        &["'a'"],
        vec![note(Kind::Text)],
        "",
        &[],
    )
    .await;
    check(
        note(Kind::Bool),
        &["'1'", "'0'"],
        vec![note(Kind::Text)],
        "note",
        &["false", "true"],
    )
    .await;
}

#[tokio::test]
async fn models_come_go_and_are_renamed_with_their_refs() {
    on_both_engines(async |database| {
        let person = || model("Person", vec![field("name", Kind::Text)]);
        let with_ref = || {
            model(
                "Film",
                vec![
                    field("director", refers("Person")),
                    indexed(field("title", Kind::Text)),
                ],
            )
        };
        let both = models(vec![with_ref(), person()]);
        migrate_to(&database, &both).await;
        let sql = sql(&database).await;
        sql.insert("person", &[("name", "'Ida'")]).await;
        sql.insert(
            "film",
            &[("title", "'a'"), ("director", "(SELECT id FROM person)")],
        )
        .await;
        let rows = sql.rows("SELECT title, director FROM film").await;

        let mut renamed = person();
        renamed.name = "Human".to_owned();
        renamed.path = "human".to_owned();
        renamed.was = Some("Person".to_owned());
        let mut movie = model(
            "Film",
            vec![
                was("director", field("maker", refers("Human"))),
                indexed(field("title", Kind::Text)),
            ],
        );
        movie.name = "Movie".to_owned();
        movie.path = "movie".to_owned();
        movie.was = Some("Film".to_owned());
        migrate_to(&database, &models(vec![movie.clone(), renamed])).await;
        assert_eq!(sql.rows("SELECT title, maker FROM movie").await, rows);

        migrate_to(&database, &models(vec![])).await;
        let settings = settings(&database);
        assert_eq!(
            migrate::rollback(&settings, 2)
                .await
                .unwrap()
                .migrations
                .len(),
            2
        );
        assert_eq!(sql.rows("SELECT title, director FROM film").await, rows);
        let pending = migrate::plan(&settings, &both).await.unwrap();
        assert_eq!(pending.to_sql(), "");
    })
    .await;
}

async fn refusal(before: Field, values: &[&str], after: Vec<Field>) -> Vec<String> {
    let told = std::cell::RefCell::new(Vec::new());
    on_both_engines(async |database| {
        let name = before.name.clone();
        migrate_to(&database, &film(vec![before.clone()])).await;
        let sql = sql(&database).await;
        for value in values {
            sql.insert("film", &[(&name, value)]).await;
        }
        let wanted = film(after.clone());
        let error = migrate::apply(&settings(&database), &wanted, &REFUSE)
            .await
            .unwrap_err();
        let kind = match &error {
            Error::Destructive(plan) => {
                assert!(plan.to_sql().contains("-- DESTRUCTIVE: drops "));
                "destructive"
            }
            Error::Setup(_) => "impossible",
            _ => "other",
        };
        let text = format!("{kind}: {error}");
        if !told.borrow().contains(&text) {
            told.borrow_mut().push(text);
        }
    })
    .await;
    told.into_inner()
}

#[tokio::test]
async fn what_is_at_stake_is_told_before_it_is_taken() {
    let note = |kind| field("note", kind);
    let check = async |before, values: &[&str], after, expected: &str| {
        assert_eq!(refusal(before, values, after).await, [expected]);
    };
    check(
        note(Kind::Text),
        &["'a'", "'b'", "NULL"],
        vec![],
        "destructive: the migration takes away 2 values of film.note",
    )
    .await;
    check(
        note(Kind::Text),
        &["'1'", "'b'"],
        vec![note(Kind::Int)],
        "destructive: the migration takes away 1 values of film.note that are no int (such as b)",
    )
    .await;
    check(note(one_of(&["red", "pink"])), &["'red'", "'pink'"], vec![note(one_of(&["red"]))],
        "destructive: the migration takes away 1 values of film.note that are no enum (such as pink)").await;
    check(note(Kind::Text), &["'a'", "NULL"], vec![required(note(Kind::Text))],
        "impossible: this cannot be migrated: 1 rows of film have no note, which is required: give note a `default:`, or fill it first").await;
    check(note(Kind::Text), &["'a'"], vec![note(Kind::Text), required(field("more", Kind::Int))],
        "impossible: this cannot be migrated: 1 rows of film have no more, which is required: give more a `default:`, or fill it first").await;
    check(note(Kind::Text), &["'a'", "'a'"], vec![unique(note(Kind::Text))],
        "impossible: this cannot be migrated: 1 values of film(note) stand in more than one row, and are to be unique (such as a): make them differ first").await;
}

#[tokio::test]
async fn drift_is_told_and_stops_a_migration() {
    on_both_engines(async |database| {
        let now = film(vec![indexed(field("note", Kind::Text)), field("rank", Kind::Int)]);
        migrate_to(&database, &now).await;
        let sql = sql(&database).await;
        sql.run("CREATE TABLE elsewhere (id int)").await;
        let settings = settings(&database);
        assert!(migrate::status(&settings, &now).await.unwrap().drift.is_empty());
        sql.run("DROP INDEX film_note_idx; ALTER TABLE film DROP COLUMN rank; ALTER TABLE film ADD COLUMN own int").await;
        let drift = migrate::status(&settings, &now).await.unwrap().drift;
        assert_eq!(drift, [
            "film: column rank is missing",
            "film: index film_note_idx is missing",
            "film: column own is not of Gantry's making",
        ]);
        let refused = migrate::apply(&settings, &now, &REFUSE).await;
        assert!(matches!(refused, Err(Error::Drift(_))), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn rows_written_since_survive_undoing_and_purging_is_for_good() {
    on_both_engines(async |database| {
        let before = film(vec![field("note", Kind::Text), field("title", Kind::Text)]);
        migrate_to(&database, &before).await;
        let sql = sql(&database).await;
        sql.insert("film", &[("note", "'12'"), ("title", "'old'")])
            .await;
        sql.insert("film", &[("note", "'x'"), ("title", "'kept'")])
            .await;
        migrate_to(
            &database,
            &film(vec![field("note", Kind::Int), field("title", Kind::Text)]),
        )
        .await;
        sql.run("UPDATE film SET note = 13 WHERE title = 'old'")
            .await;
        sql.insert("film", &[("note", "14"), ("title", "'new'")])
            .await;
        let settings = settings(&database);
        migrate::rollback(&settings, 1).await.unwrap();
        assert_eq!(
            sql.rows("SELECT title, note FROM film").await,
            ["kept|x", "new|14", "old|13"]
        );

        migrate_to(&database, &film(vec![field("title", Kind::Text)])).await;
        let purged = migrate::purge(&settings, 4).await.unwrap();
        assert_eq!(
            purged,
            [
                "film.gantry_parked_2_undone_note",
                "film.gantry_parked_3_note"
            ]
        );
        let refused = migrate::rollback(&settings, 1).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "0003_film_drop_note cannot be undone: what it took away was purged"
        );
    })
    .await;
}

#[tokio::test]
async fn long_names_that_begin_alike_stay_apart() {
    on_both_engines(async |database| {
        let long = |end: &str| format!("{}_{end}", "a".repeat(55));
        let refers = |end: &str| field(&long(end), refers("Film"));
        let choice = |end: &str| field(&long(end), one_of(&["x"]));
        let target = model("Film", Vec::new());
        let plain = models(vec![target.clone(), model("Person", Vec::new())]);
        let fields = ["one", "two"].map(refers).into_iter();
        let fields = fields.chain(["three", "four"].map(choice));
        let wanted = models(vec![target, model("Person", fields.collect())]);
        migrate_to(&database, &plain).await;
        migrate_to(&database, &wanted).await;
        migrate_to(&database, &plain).await;
    })
    .await;
}
