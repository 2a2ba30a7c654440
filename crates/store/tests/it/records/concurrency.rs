//! Writers side by side: upserts make one record, keys are claimed once, guards hold, what fails leaves nothing.

use std::sync::Arc;

use model::{FieldId, Filter, Value};
use store::{Claim, Conflict, Error, Guard, Insert, Kept, Violation, Write};

use super::{all, insert, open, record, select};

const FILM: &str = "
model: Film
fields:
  code: { type: text, required: true, unique: true }
  votes: { type: int }
  studio: { ref: Studio }
";
const STUDIO: &str = "
model: Studio
fields:
  name: { type: text }
options: { soft_delete: true }
";

#[tokio::test(flavor = "multi_thread")]
async fn upserts_at_once_make_one_record() {
    testkit::on_both_engines(async |database| {
        let (store, models) = open(&database, &[FILM, STUDIO]).await;
        let film = &models[0];
        let (code, votes) = (film.find("code").unwrap(), film.find("votes").unwrap());
        let upsert = |count: i64| {
            let (_, row) = record(
                film,
                &[
                    (code, Value::Text("x".to_owned())),
                    (votes, Value::Int(count)),
                ],
            );
            let conflict = Conflict {
                on: vec![code],
                update: vec![votes],
                filter: Filter::True,
            };
            let Write::Insert(insert) = insert(film, vec![row]) else {
                unreachable!("it is an insert")
            };
            Write::Insert(Insert {
                conflict: Some(conflict),
                ..insert
            })
        };
        let writes: Vec<_> = (0..24).map(upsert).collect();
        let written = futures_util::future::join_all(
            writes.into_iter().map(|write| store.write(write, None)),
        )
        .await;
        let rows: Vec<_> = written
            .into_iter()
            .flat_map(|written| written.unwrap().rows)
            .flatten()
            .collect();
        assert_eq!(rows.iter().filter(|row| row.created).count(), 1);
        let mut versions: Vec<_> = rows.iter().map(|row| row.version).collect();
        versions.sort_unstable();
        assert_eq!(versions, (1..=24).collect::<Vec<_>>());
        assert_eq!(
            store
                .count(&select(film, Filter::True, Vec::new(), 0), true, None)
                .await
                .unwrap(),
            1
        );
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_constraint_is_named_and_leaves_nothing() {
    testkit::on_both_engines(async |database| {
        let (store, models) = open(&database, &[FILM, STUDIO]).await;
        let film = &models[0];
        let (code, studio) = (film.find("code").unwrap(), film.find("studio").unwrap());
        let row = |name: &str| record(film, &[(code, Value::Text(name.to_owned()))]).1;
        let twice = store
            .write(insert(film, vec![row("a"), row("b"), row("a")]), None)
            .await;
        let Err(Error::Violation(violation)) = twice else {
            panic!("{twice:?}")
        };
        assert_eq!(
            violation,
            Violation::Unique {
                model: "Film".to_owned(),
                fields: vec!["code".to_owned()]
            }
        );
        let lost = record(
            film,
            &[
                (code, Value::Text("c".to_owned())),
                (studio, Value::Uuid(uuid::Uuid::nil())),
            ],
        );
        let lost = store.write(insert(film, vec![lost.1]), None).await;
        let Err(Error::Violation(violation)) = lost else {
            panic!("{lost:?}")
        };
        assert_eq!(
            violation,
            Violation::NoTarget {
                model: "Film".to_owned(),
                field: "studio".to_owned()
            }
        );
        assert_eq!(
            store
                .count(&select(film, Filter::True, Vec::new(), 0), true, None)
                .await
                .unwrap(),
            0
        );
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guard_refuses_what_is_deleted() {
    testkit::on_both_engines(async |database| {
        let (store, models) = open(&database, &[FILM, STUDIO]).await;
        let (film, studio) = (&models[0], &models[1]);
        let deleted = studio.find("deleted_at").unwrap();
        let (id, mut row) = record(studio, &[]);
        row[deleted.index()] = Value::Timestamp("2026-01-01T00:00:00Z".parse().unwrap());
        store.write(insert(studio, vec![row]), None).await.unwrap();
        let code = film.find("code").unwrap();
        let field = film.find("studio").unwrap();
        let (_, row) = record(
            film,
            &[
                (code, Value::Text("a".to_owned())),
                (field, Value::Uuid(id)),
            ],
        );
        let Write::Insert(plain) = insert(film, vec![row]) else {
            unreachable!("it is an insert")
        };
        let guard = Guard {
            field,
            target: Arc::clone(studio),
            filter: Filter::is_null(deleted),
        };
        let guarded = store
            .write(
                Write::Insert(Insert {
                    guards: vec![guard],
                    ..plain.clone()
                }),
                None,
            )
            .await;
        assert!(
            matches!(guarded, Err(Error::Violation(Violation::NoTarget { .. }))),
            "{guarded:?}"
        );
        store.write(Write::Insert(plain), None).await.unwrap();
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_claimed_once_and_replays() {
    testkit::on_both_engines(async |database| {
        let (store, _) = open(&database, &[FILM, STUDIO]).await;
        let kept = Kept {
            meta: "v1".to_owned(),
            body: "{}".into(),
        };
        let mut tx = store.begin(None).await.unwrap();
        assert_eq!(
            tx.claim("me", "Film.create", "k", &[1; 32]).await.unwrap(),
            Claim::Fresh
        );
        tx.rollback().await.unwrap();
        let mut tx = store.begin(None).await.unwrap();
        // What was asked may be known only at its end.
        assert_eq!(
            tx.claim("me", "Film.create", "k", &[0; 32]).await.unwrap(),
            Claim::Fresh
        );
        tx.keep("me", "Film.create", "k", &[1; 32], &kept)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let mut tx = store.begin(None).await.unwrap();
        assert_eq!(
            tx.claim("me", "Film.create", "k", &[1; 32]).await.unwrap(),
            Claim::Replay(kept)
        );
        assert_eq!(
            tx.claim("me", "Film.create", "k", &[2; 32]).await.unwrap(),
            Claim::Mismatch
        );
        assert_eq!(
            tx.claim("you", "Film.create", "k", &[2; 32]).await.unwrap(),
            Claim::Fresh
        );
        drop(tx);
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_transaction_and_an_undone_part_leave_nothing() {
    testkit::on_both_engines(async |database| {
        let (store, models) = open(&database, &[FILM, STUDIO]).await;
        let film = &models[0];
        let code = film.find("code").unwrap();
        let row = |name: &str| {
            insert(
                film,
                vec![record(film, &[(code, Value::Text(name.to_owned()))]).1],
            )
        };
        let mut tx = store.begin(None).await.unwrap();
        tx.write(&row("dropped")).await.unwrap();
        drop(tx);
        let mut tx = store.begin(None).await.unwrap();
        tx.write(&row("kept")).await.unwrap();
        tx.savepoint().await.unwrap();
        tx.write(&row("undone")).await.unwrap();
        assert!(tx.write(&row("kept")).await.is_err());
        tx.undo().await.unwrap();
        tx.commit().await.unwrap();
        let mut found = select(film, Filter::True, Vec::new(), 10);
        found.columns = all(film).into_iter().skip(1).take(1).collect();
        let page = store
            .list(&found, store::Format::JsonArray, None)
            .await
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&page.body), r#"[{"code":"kept"}]"#);
        assert_eq!(FieldId::ID.index(), 0);
        store.close().await;
    })
    .await;
}
