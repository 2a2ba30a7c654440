//! A database that has no connection to give: refused with a time to try again, and served as soon as there is one.

use std::thread;

use e2e::{Answer, Gantry, request};
use serde_json::json;
use tempfile::TempDir;
use testkit::{OwnPostgres, Session, Stop};

use crate::hostile::{wait_for, write_project};
use crate::place::until;

const LIST: &str = "/api/v1/note?place=eq.1";

fn list(port: u16) -> Answer {
    request(port, "GET", LIST, &[], None).unwrap()
}

fn create(port: u16) -> Answer {
    let body = json!({"place": 1});
    request(port, "POST", "/api/v1/note", &[], Some(&body)).unwrap()
}

/// The model and these settings served over a server of one's own.
fn over_own_server(settings: &str, flags: &[&str]) -> (TempDir, OwnPostgres, Gantry) {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("notes");
    write_project(&project, settings);
    let server = OwnPostgres::start(&folder.path().join("server"), flags).unwrap();
    let gantry = Gantry::up(&project, &["--database-url", &server.url()]).unwrap();
    assert_eq!(create(gantry.port).status, 201);
    (folder, server, gantry)
}

fn is_unavailable(answer: &Answer) {
    assert_eq!(
        answer.status,
        503,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    assert!(answer.header("retry-after").is_some());
    assert_eq!(answer.json().unwrap()["code"], "unavailable");
}

#[test]
fn a_busy_pool_refuses_with_a_time_to_try_again_and_recovers() {
    // Of three connections point reads share one; lists and writes have two.
    let (_folder, server, gantry) = over_own_server(
        "database: { pool: 3, lock_timeout: 2m, statement_timeout: 2m }\nlimits: { deadline: 2m }\n",
        &[],
    );
    let port = gantry.port;

    let lock = Session::open(&server.url()).unwrap();
    lock.execute("BEGIN; LOCK TABLE note IN ACCESS EXCLUSIVE MODE")
        .unwrap();
    thread::scope(|scope| {
        let held: Vec<_> = (0..2).map(|_| scope.spawn(|| list(port))).collect();
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
        until(|| match lock.number(waiting).unwrap() {
            2 => Ok(()),
            some => Err(format!("{some} of two lists came to the lock")),
        });
        is_unavailable(&list(port));
        is_unavailable(&create(port));
        lock.execute("COMMIT").unwrap();
        for list in held {
            assert_eq!(list.join().unwrap().status, 200);
        }
    });
    assert_eq!(list(port).status, 200);
    assert_eq!(create(port).status, 201);
}

#[test]
fn a_server_that_has_no_connection_left_is_waited_for_by_reads_and_refused_to_writes() {
    let settings = "database: { pool: 6 }\nlimits: { deadline: 1m }\n";
    let (_folder, server, gantry) = over_own_server(settings, &["max_connections=10"]);
    let port = gantry.port;

    // All connections are others', those that Gantry had as well.
    let mut hogs = vec![Session::open(&server.url()).unwrap()];
    until(|| {
        hogs[0].execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gantry'").unwrap();
        hogs.extend(Session::open(&server.url()));
        match hogs.len() {
            10 => Ok(()),
            some => Err(format!("only {some} connections")),
        }
    });
    is_unavailable(&wait_for(503, || create(port)));
    let (listed, read) = thread::scope(|scope| {
        let listed = scope.spawn(|| list(port));
        let read = scope.spawn(|| request(port, "GET", "/api/v1/note:count", &[], None).unwrap());
        hogs.clear();
        (listed.join().unwrap(), read.join().unwrap())
    });
    assert_eq!((listed.status, read.status), (200, 200));
    wait_for(201, || create(port));
}

#[test]
fn a_database_that_stays_away_is_told_within_the_deadline() {
    let (_folder, mut server, gantry) = over_own_server("limits: { deadline: 2s }\n", &[]);
    server.stop(Stop::Fast).unwrap();
    is_unavailable(&list(gantry.port));
    is_unavailable(&create(gantry.port));
    server.start_again().unwrap();
    wait_for(201, || create(gantry.port));
    assert_eq!(list(gantry.port).status, 200);
}
