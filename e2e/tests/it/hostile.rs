//! Malformed, oversized, deep, slow and cut-off requests over raw sockets: each is refused, or its connection closed, and
//! nothing is left of it.

mod cases;

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use e2e::{Answer, Gantry, request};
use serde_json::json;
use testkit::Engine;

use crate::place::{self, PATIENCE, Place, until};
use cases::{Sent, cases};

const MODEL: &str = "\
model: Note
fields:
  title: { type: text, max: 100000 }
  place: { type: int }
  more: { type: json }
";
/// Short times, so that the slow are told soon.
const LIMITS: &str = "limits: { body_bytes: 2MiB, head_time: 1s, body_pause: 1s, deadline: 8s }\n";

#[tokio::test]
async fn hostile_requests_are_refused_over_sqlite() {
    place::on(Engine::Sqlite, hostile).await;
}

#[tokio::test]
async fn hostile_requests_are_refused_over_postgresql() {
    place::on(Engine::Postgres, hostile).await;
}

fn hostile(place: &Place) {
    write_project(&place.project, LIMITS);
    let gantry = place.up(&[]);
    let mut wrong = Vec::new();
    for (name, sent, expected) in cases() {
        let told = told(gantry.port, &sent);
        if !expected.split(' ').any(|one| one == told) {
            wrong.push(format!("{name}: {told}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // More than one answer is right here: what counts is that there is one, and that others get theirs.
    patterns(gantry.port);
    let answer = request(gantry.port, "GET", "/api/v1/note:count", &[], None).unwrap();
    assert_eq!(answer.status, 200);
    nothing_is_left(&gantry);
}

pub(crate) fn write_project(folder: &Path, settings: &str) {
    fs::create_dir_all(folder.join("models")).unwrap();
    fs::write(folder.join("models/note.yaml"), MODEL).unwrap();
    fs::write(folder.join("gantry.yaml"), settings).unwrap();
}

/// The status; `frames` where HTTP/2 is answered; `closed` where nothing is.
fn told(port: u16, sent: &Sent) -> String {
    let mut stream = connect(port);
    let (Sent::Whole(bytes) | Sent::Cut(bytes)) = sent;
    // Who is refused before the end may find the way closed.
    let _ = stream.write_all(bytes);
    if matches!(sent, Sent::Cut(_)) {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    match answer.as_slice() {
        [] => "closed".to_owned(),
        [b'H', b'T', b'T', b'P', ..] => {
            String::from_utf8_lossy(answer.get(9..12).unwrap_or_default()).into_owned()
        }
        _ => "frames".to_owned(),
    }
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// A pattern that a careless matcher tries in as many ways as there are atoms.
fn patterns(port: u16) {
    let body = json!({"title": "a".repeat(50_000)});
    let made = request(port, "POST", "/api/v1/note", &[], Some(&body)).unwrap();
    assert_eq!(made.status, 201);
    for operator in ["like", "ilike"] {
        let question = json!({"where": {"title": {operator: format!("{}b", "*a".repeat(60))}}});
        let answer = request(port, "POST", "/api/v1/note:query", &[], Some(&question)).unwrap();
        assert!(
            matches!(answer.status, 200 | 504),
            "{operator}: {}",
            answer.status
        );
    }
}

/// No request is at work, and no connection is held, but for the one that asks.
fn nothing_is_left(gantry: &Gantry) {
    wait_until_held(gantry, 0, 0);
    assert!(!gantry.log().contains("panicked"), "{}", gantry.log());
}

/// Until so many requests are at work, on so many connections.
fn wait_until_held(gantry: &Gantry, requests: u64, connections: u64) {
    until(|| {
        let metrics = request(gantry.ops_port, "GET", "/metrics", &[], None).unwrap();
        let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
        let value = |name: &str| {
            let line = metrics.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|value| value.trim().parse::<u64>().ok())
        };
        let held = (
            value("gantry_requests_in_flight"),
            value("gantry_connections"),
        );
        (held == (Some(requests), Some(connections)))
            .then_some(())
            .ok_or_else(|| {
                format!("never {requests} requests on {connections} connections:\n{metrics}")
            })
    });
}

#[test]
fn more_requests_than_the_limit_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    write_project(
        folder.path(),
        "limits: { requests: 3, body_pause: 5m, deadline: 5m }\n",
    );
    let gantry = Gantry::up(folder.path(), &[]).unwrap();
    let ask = || request(gantry.port, "GET", "/api/v1/note", &[], None).unwrap();
    let half = "POST /api/v1/note HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{";
    let mut held: Vec<_> = (0..3).map(|_| connect(gantry.port)).collect();
    for stream in &mut held {
        stream.write_all(half.as_bytes()).unwrap();
    }
    // Who asked sooner would take one of the places.
    wait_until_held(&gantry, 3, 3);
    let refused = ask();
    assert_eq!(refused.status, 503);
    assert!(refused.header("retry-after").is_some());
    assert_eq!(refused.json().unwrap()["code"], "unavailable");
    held.clear();
    wait_for(200, ask);
}

#[test]
fn more_connections_than_the_limit_wait_until_one_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    write_project(folder.path(), "limits: { connections: 6, head_time: 5m }\n");
    let gantry = Gantry::up(folder.path(), &[]).unwrap();
    let idle: Vec<_> = (0..6).map(|_| connect(gantry.port)).collect();
    wait_until_held(&gantry, 0, 6);
    let mut waiting = connect(gantry.port);
    waiting
        .write_all(b"GET /api/v1/note HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .unwrap();
    // An answer would take a few milliseconds.
    waiting
        .set_read_timeout(Some(Duration::from_secs(1)))
        .unwrap();
    let nothing = waiting.read(&mut [0; 1]).unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::WouldBlock, "it was served");
    drop(idle);
    waiting.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = String::new();
    waiting.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// Asks until the answer has this status.
pub(crate) fn wait_for(status: u16, ask: impl Fn() -> Answer) -> Answer {
    until(|| {
        let answer = ask();
        if answer.status == status {
            return Ok(answer);
        }
        let text = String::from_utf8_lossy(&answer.body);
        Err(format!("{}, never {status}: {text}", answer.status))
    })
}
