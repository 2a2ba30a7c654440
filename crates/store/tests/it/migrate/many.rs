//! Many models, and many migrations: what costs no more for them, and what is done in parts.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use model::{Kind, Models};
use store::migrate::{self, ApplyOptions};
use store::{Location, Settings};
use testkit::{Database, on_both_engines};

use crate::migrate::{ALLOW, REFUSE, field, model, settings, sql};

#[tokio::test]
async fn a_start_asks_as_often_whatever_the_number_of_models() {
    let few = asked_at_second_start(2).await;
    let many = asked_at_second_start(200).await;
    assert!(few > 0, "the way to the database is not listened to");
    assert_eq!(few, many);
}

async fn asked_at_second_start(count: usize) -> usize {
    let database = Database::postgres().await;
    let url = database.location_url();
    let models = models(count);
    let options = ApplyOptions::default();
    let direct = Settings::new(Location::Postgres(url.clone()));
    migrate::apply(&direct, &models, &options).await.unwrap();

    let (before, after) = url.split_once('@').unwrap();
    let (server, name) = after.split_once('/').unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let port = listen_to(server.to_owned(), Arc::clone(&asked)).unwrap();
    let overheard = format!("{before}@127.0.0.1:{port}/{name}");
    let settings = Settings::new(Location::Postgres(overheard));
    let applied = migrate::apply(&settings, &models, &options).await.unwrap();
    assert_eq!(applied.migration, None);
    asked.load(Ordering::Acquire)
}

/// More tables and indexes than one transaction should lock.
#[tokio::test]
async fn more_tables_than_a_transaction_takes_are_made_in_parts() {
    let database = Database::postgres().await;
    let (settings, models) = (settings(&database), models(300));
    let sql = sql(&database).await;
    let options = ApplyOptions::default();
    let begun = async {
        // Something of it is there for good.
        let there = "SELECT 1 FROM pg_class WHERE relname = 'm0'";
        while sql.rows(there).await.is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    tokio::select! {
        done = migrate::apply(&settings, &models, &options) => panic!("not in parts: {done:?}"),
        () = begun => {}
    }
    let applied = migrate::apply(&settings, &models, &options).await.unwrap();
    assert_eq!(
        applied.migration.as_deref(),
        Some("0001_create_m0_and_299_more")
    );
    assert!(
        sql.rows("SELECT 1 FROM gantry_meta WHERE key = 'making'")
            .await
            .is_empty()
    );
    let status = migrate::status(&settings, &models).await.unwrap();
    assert_eq!((status.pending.name.as_str(), status.drift.len()), ("", 0));
    let whole = migrate::found(&settings, &models).await.unwrap();

    // The same as where it was not cut.
    let other = Database::postgres().await;
    let settings = crate::migrate::settings(&other);
    migrate::apply(&settings, &models, &options).await.unwrap();
    assert_eq!(migrate::found(&settings, &models).await.unwrap(), whole);
}

/// Snapshots that tell a few tables are read together with those before them, however many there are.
#[tokio::test]
async fn each_of_many_small_migrations_can_be_undone() {
    on_both_engines(async |database| {
        let settings = settings(&database);
        let with = |count: usize| {
            let fields = (0..count).map(|number| field(&format!("n{number}"), Kind::Text));
            crate::migrate::models(vec![
                model("Film", fields.collect()),
                model("Person", vec![field("name", Kind::Text)]),
            ])
        };
        let mut served = with(0);
        migrate::apply(&settings, &served, &ALLOW).await.unwrap();
        for count in 1..=20 {
            let next = with(count);
            // The one half is told what the tables are for as yet, the other reads it.
            let known = (count % 2 == 0).then_some(&served);
            let applied = migrate::apply_over(&settings, known, &next, &REFUSE).await;
            assert!(applied.unwrap().migration.is_some());
            served = next;
        }
        let sql = sql(&database).await;
        let whole =
            "SELECT id FROM gantry_migrations WHERE snapshot NOT LIKE '{\"since\":%' ORDER BY id";
        assert_eq!(sql.rows(whole).await, ["1", "18"]);
        for count in (5..20).rev() {
            migrate::rollback(&settings, 1).await.unwrap();
            let status = migrate::status(&settings, &with(count)).await.unwrap();
            assert_eq!(
                (status.pending.name.as_str(), status.drift),
                ("", vec![]),
                "{count}"
            );
        }
        // What is changed by hand is seen at the next start, at whatever the last mark was set.
        migrate::apply(&settings, &with(5), &REFUSE).await.unwrap();
        sql.run("ALTER TABLE person ADD COLUMN strange text").await;
        let refused = migrate::apply(&settings, &with(5), &REFUSE)
            .await
            .unwrap_err();
        assert!(refused.to_string().contains("strange"), "{refused}");
    })
    .await;
}

fn models(count: usize) -> Models {
    let text = |number: usize| {
        let next = (number + 1) % count;
        format!(
            "model: M{number}\nfields:\n  title: {{ type: text, index: true }}\n  next: {{ ref: M{next} }}\n"
        )
    };
    let sources: Vec<_> = (0..count)
        .map(|number| (PathBuf::from(format!("m{number}.yaml")), text(number)))
        .collect();
    model::load_models(&sources).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

/// Passes connections on to the server and counts the queries and parses on their way. Ends with the connections.
fn listen_to(server: String, asked: Arc<AtomicUsize>) -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut server = TcpStream::connect(server).unwrap();
        let (mut answers, mut back) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        thread::spawn(move || {
            // Whoever ends first ends both.
            io::copy(&mut answers, &mut back).ok();
            back.shutdown(Shutdown::Both).ok();
        });
        pass_on(&mut client, &mut server, &asked).ok();
        server.shutdown(Shutdown::Both).ok();
    });
    Ok(port)
}

fn pass_on(client: &mut TcpStream, server: &mut TcpStream, asked: &AtomicUsize) -> io::Result<()> {
    // The first message has no type.
    let mut kind = None;
    loop {
        let mut length = [0; 4];
        client.read_exact(&mut length)?;
        let size = u32::from_be_bytes(length) as usize;
        let mut body = vec![0; size - length.len()];
        client.read_exact(&mut body)?;
        if matches!(kind, Some(b'Q' | b'P')) {
            asked.fetch_add(1, Ordering::AcqRel);
        }
        let message = [kind.as_slice(), &length, &body].concat();
        server.write_all(&message)?;
        let mut next = [0];
        client.read_exact(&mut next)?;
        kind = Some(next[0]);
    }
}
