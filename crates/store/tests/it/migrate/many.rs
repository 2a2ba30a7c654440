//! A start with nothing to migrate asks the database as often for two hundred models as for two.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use model::Models;
use store::migrate::{self, ApplyOptions};
use store::{Location, Settings};
use testkit::Database;

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
