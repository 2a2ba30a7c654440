//! A database that has no connection to give: refused with a time to try again, and served as soon as there is one.

use std::thread;
use std::time::{Duration, Instant};

use e2e::{Answer, Gantry, request};
use serde_json::json;
use testkit::{OwnPostgres, Session, Stop};

use crate::hostile::write_project;

/// Generous: the machine may be many times slower than the one at hand.
const PATIENCE: Duration = Duration::from_mins(2);
const LIST: &str = "/api/v1/note?place=eq.1";

fn list(port: u16) -> Answer {
    request(port, "GET", LIST, &[], None).unwrap()
}

fn create(port: u16) -> Answer {
    let body = json!({"place": 1});
    request(port, "POST", "/api/v1/note", &[], Some(&body)).unwrap()
}

/// Asks until the answer has this status.
fn wait_for(status: u16, ask: impl Fn() -> Answer) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = ask();
        if answer.status == status {
            return answer;
        }
        let text = String::from_utf8_lossy(&answer.body);
        assert!(
            begun.elapsed() < PATIENCE,
            "{}, never {status}: {text}",
            answer.status
        );
        thread::sleep(Duration::from_millis(20));
    }
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
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("notes");
    // Of three connections point reads share one; lists and writes have two.
    write_project(
        &project,
        "database: { pool: 3, lock_timeout: 2m, statement_timeout: 2m }\nlimits: { deadline: 2m }\n",
    );
    let server = OwnPostgres::start(&folder.path().join("server"), &[]).unwrap();
    let gantry = Gantry::up(&project, &["--database-url", &server.url()]).unwrap();
    let port = gantry.port;
    assert_eq!(create(port).status, 201);

    let lock = Session::open(&server.url()).unwrap();
    lock.execute("BEGIN; LOCK TABLE note IN ACCESS EXCLUSIVE MODE")
        .unwrap();
    thread::scope(|scope| {
        let held: Vec<_> = (0..2).map(|_| scope.spawn(|| list(port))).collect();
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
        let begun = Instant::now();
        while lock.number(waiting).unwrap() < 2 {
            assert!(
                begun.elapsed() < PATIENCE,
                "the lists never came to the lock"
            );
            thread::sleep(Duration::from_millis(20));
        }
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
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("notes");
    write_project(
        &project,
        "database: { pool: 6 }\nlimits: { deadline: 1m }\n",
    );
    let most = "max_connections=10";
    let server = OwnPostgres::start(&folder.path().join("server"), &[most]).unwrap();
    let gantry = Gantry::up(&project, &["--database-url", &server.url()]).unwrap();
    let port = gantry.port;
    assert_eq!(create(port).status, 201);

    // All connections are others', those that Gantry had as well.
    let mut hogs = vec![Session::open(&server.url()).unwrap()];
    let begun = Instant::now();
    while hogs.len() < 10 {
        hogs[0].execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gantry'").unwrap();
        hogs.extend(Session::open(&server.url()));
        assert!(
            begun.elapsed() < PATIENCE,
            "only {} connections",
            hogs.len()
        );
    }
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
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("notes");
    write_project(&project, "limits: { deadline: 2s }\n");
    let mut server = OwnPostgres::start(&folder.path().join("server"), &[]).unwrap();
    let gantry = Gantry::up(&project, &["--database-url", &server.url()]).unwrap();
    assert_eq!(create(gantry.port).status, 201);
    server.stop(Stop::Fast).unwrap();
    is_unavailable(&list(gantry.port));
    is_unavailable(&create(gantry.port));
    server.start_again().unwrap();
    wait_for(201, || create(gantry.port));
    assert_eq!(list(gantry.port).status, 200);
}
