//! PostgreSQL restarted under load: no answer is wrong, reads outlast it, and acknowledged writes are there once.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use e2e::{Gantry, request};
use serde_json::json;
use testkit::{OwnPostgres, Stop};

use crate::writes::{self, BULK, Write, Writer, chance, check};

const WRITERS: usize = 3;
const READERS: usize = 3;
const RESTARTS: [Stop; 6] = [
    Stop::Fast,
    Stop::Immediate,
    Stop::Fast,
    Stop::Immediate,
    Stop::Immediate,
    Stop::Fast,
];
/// The load between two restarts lasts from this to twice this long.
const ROUND_MS: u64 = 500;
const PATIENCE: Duration = Duration::from_mins(2);

#[test]
fn restarts_of_postgresql_lose_nothing_and_fail_no_read() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("notes");
    writes::project(&project);
    let mut server = OwnPostgres::start(&folder.path().join("server"), &[]).unwrap();
    let gantry = Gantry::up(&project, &["--database-url", &server.url()]).unwrap();
    let port = gantry.port;

    let known: Vec<_> = (0..20).map(|place| known_record(port, place)).collect();
    let mut first = Writer::default();
    first.acknowledged.extend((0..20).map(|place| Write {
        name: format!("known {place}"),
        records: 1,
    }));
    let mut writers: Vec<Writer> = (1..WRITERS).map(|_| Writer::default()).collect();
    writers.push(first);
    let (stop, reads) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for reader in 0..READERS {
            let (stop, reads, known) = (&stop, &reads, &known);
            scope.spawn(move || read(port, reader, known, stop, reads));
        }
        for (index, writer) in writers.iter_mut().enumerate() {
            let stop = &stop;
            scope.spawn(move || write(port, index, writer, stop));
        }
        for how in RESTARTS {
            // Not a wait for something: the moment of the restart is what is drawn by lot.
            thread::sleep(Duration::from_millis(ROUND_MS + chance() % ROUND_MS));
            server.stop(how).unwrap();
            server.start_again().unwrap();
            let before = reads.load(Ordering::Relaxed);
            let begun = Instant::now();
            while reads.load(Ordering::Relaxed) < before + READERS * 5 && begun.elapsed() < PATIENCE
            {
                thread::sleep(Duration::from_millis(5));
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    check(port, &writers);
    let kept: usize = writers.iter().map(|writer| writer.acknowledged.len()).sum();
    let reads = reads.into_inner();
    // Not `println!`: the count is to be seen where the test passes, too.
    writeln!(
        std::io::stderr(),
        "{} restarts: {reads} reads, none failed; {kept} acknowledged writes, each there once",
        RESTARTS.len()
    )
    .unwrap();
    assert!(
        kept > 20 + RESTARTS.len(),
        "only {kept} writes: this proves nothing"
    );
    assert!(!gantry.log().contains("panicked"), "{}", gantry.log());
}

/// Its id.
fn known_record(port: u16, place: usize) -> String {
    let body = json!({"write": format!("known {place}"), "place": 0});
    let answer = request(port, "POST", "/api/v1/note", &[], Some(&body)).unwrap();
    assert_eq!(answer.status, 201);
    answer.json().unwrap()["id"].as_str().unwrap().to_owned()
}

/// Every read has an answer, the right one: by id, and from a list, which takes a connection of its own.
fn read(port: u16, reader: usize, known: &[String], stop: &AtomicBool, reads: &AtomicUsize) {
    let mut place = reader;
    while !stop.load(Ordering::Relaxed) {
        place = (place + 1) % known.len();
        let id = &known[place];
        let path = if place.is_multiple_of(2) {
            format!("/api/v1/note/{id}?select=write")
        } else {
            format!("/api/v1/note?id=eq.{id}&select=write")
        };
        let answer = request(port, "GET", &path, &[], None).unwrap();
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, 200, "{path}: {text}");
        let expected = format!("{{\"write\":\"known {place}\"}}");
        assert_eq!(text.trim_matches(['[', ']']), expected, "{path}");
        reads.fetch_add(1, Ordering::Relaxed);
    }
}

/// What is not acknowledged is sent again under its key until it is.
fn write(port: u16, index: usize, writer: &mut Writer, stop: &AtomicBool) {
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) {
        let write = Write {
            name: format!("writer {index} write {count}"),
            records: if count % 2 == 0 { BULK } else { 1 },
        };
        writer.send(port, write);
        count += 1;
        let begun = Instant::now();
        while writer.unanswered.is_some() {
            assert!(begun.elapsed() < PATIENCE, "a write is never acknowledged");
            thread::sleep(Duration::from_millis(20));
            writer.repeat(port);
        }
    }
}
