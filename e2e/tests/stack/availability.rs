//! Under load nothing is lost: replicas are replaced one after the other, and every container is restarted by turns.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use e2e::Edge;
use e2e::engine::{docker, inspect, until};
use serde_json::json;
use uuid::Uuid;

use crate::{asked, prod};

const CLIENTS: u32 = 16;

/// What came of the requests.
#[derive(Debug, Default)]
struct Tally {
    reads: u64,
    writes: u64,
    /// Refused with a problem that says what to do, and done when that was followed.
    repeated: u64,
    failed: Vec<String>,
}

impl Tally {
    /// Says how far it came. Nothing may have failed.
    fn judge(&self, what: &str, begun: Instant) {
        let Self {
            reads,
            writes,
            repeated,
            failed,
        } = self;
        let took = begun.elapsed();
        println!("{reads} reads, {writes} writes ({repeated} sent again) in {took:?}, {what}");
        assert!(failed.is_empty(), "{failed:#?}");
    }
}

/// A steady load from several clients until it is told to end. Every tenth request is a write.
struct Load {
    ended: Arc<AtomicBool>,
    clients: Vec<thread::JoinHandle<()>>,
    tally: Arc<Mutex<Tally>>,
}

impl Load {
    fn begin(a_second: u32) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let tally = Arc::new(Mutex::new(Tally::default()));
        let pause = Duration::from_secs(1) * CLIENTS / a_second;
        let clients = (0..CLIENTS).map(|client| {
            let (ended, tally, edge) =
                (Arc::clone(&ended), Arc::clone(&tally), prod().edge.clone());
            thread::spawn(move || {
                let mut due = Instant::now() + pause * client / CLIENTS;
                let mut turn = client;
                while !ended.load(Ordering::Relaxed) {
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                    // One that waited does not make up for it: the load is steady.
                    due = (due + pause).max(Instant::now());
                    turn += 1;
                    if turn.is_multiple_of(10) {
                        write(&edge, &tally);
                    } else {
                        read(&edge, &tally);
                    }
                }
            })
        });
        Self {
            clients: clients.collect(),
            ended,
            tally,
        }
    }

    fn done(&self) -> u64 {
        let tally = self.tally.lock().unwrap();
        tally.reads + tally.writes
    }

    fn end(self) -> Tally {
        self.ended.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().expect("a client of the load");
        }
        std::mem::take(&mut *self.tally.lock().unwrap())
    }
}

fn read(edge: &Edge, tally: &Mutex<Tally>) {
    let answer = edge.get("/api/v1/film?limit=3&select=title");
    let mut tally = tally.lock().unwrap();
    tally.reads += 1;
    match answer {
        Ok(answer) if answer.status == 200 => {}
        Ok(answer) => tally.failed.push(format!(
            "read: {} {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        )),
        Err(error) => tally.failed.push(format!("read: {error:#}")),
    }
}

/// With a key of its own, so that it may be sent again where a problem says so.
fn write(edge: &Edge, tally: &Mutex<Tally>) {
    let key = Uuid::now_v7().to_string();
    let body = json!({"name": format!("Load {key}")});
    let headers = [("Idempotency-Key", key.as_str())];
    for attempt in 0..200 {
        let answer = edge.request("POST", "/api/v1/genre", &headers, Some(&body));
        let (status, text) = match answer {
            Ok(answer) => (
                answer.status,
                String::from_utf8_lossy(&answer.body).into_owned(),
            ),
            Err(error) => (0, format!("{error:#}")),
        };
        // 409: the first try is still at work.
        let may_repeat = [409, 502, 503, 504].contains(&status) && text.contains("\"code\"");
        if status == 201 || !may_repeat {
            let mut tally = tally.lock().unwrap();
            tally.writes += 1;
            tally.repeated += u64::from(attempt > 0);
            if status != 201 {
                tally.failed.push(format!("write: {status} {text}"));
            }
            return;
        }
        println!("sent again after {attempt} tries: {status} {text}");
        thread::sleep(Duration::from_millis(100));
    }
    tally
        .lock()
        .unwrap()
        .failed
        .push("write: never done".to_owned());
}

pub(crate) fn healthy_again(container: &str) {
    until("it is healthy again", || {
        (inspect(container)["State"]["Health"]["Status"] == "healthy").then_some(())
    });
}

#[test]
fn replacing_replicas_one_by_one_loses_no_request() {
    let wanted = asked("GANTRY_TEST_REQUESTS", 3_000);
    let load = Load::begin(asked("GANTRY_TEST_RATE", 100));
    let begun = Instant::now();
    let mut rounds = 0;
    while rounds == 0 || load.done() < wanted {
        for service in ["api", "mcp", "nexus", "dataflow"] {
            for container in prod().containers(service) {
                docker(["restart", &container]).unwrap();
                healthy_again(&container);
            }
        }
        rounds += 1;
    }
    let tally = load.end();
    tally.judge(&format!("all replicas replaced {rounds} times"), begun);
    assert_eq!(tally.repeated, 0, "a write met a replica that was leaving");
    assert!(tally.reads + tally.writes >= wanted);
}

#[test]
fn with_every_container_restarted_by_turns_all_reads_are_answered() {
    let lasts = Duration::from_secs(asked("GANTRY_TEST_SECONDS", 30));
    let load = Load::begin(asked("GANTRY_TEST_RATE", 100));
    let begun = Instant::now();
    let mut rounds = 0;
    while rounds == 0 || begun.elapsed() < lasts {
        for service in [
            "api", "mcp", "nexus", "dataflow", "postgres", "redis", "neo4j", "backup",
        ] {
            for container in prod().containers(service) {
                docker(["restart", &container]).unwrap();
                healthy_again(&container);
            }
        }
        rounds += 1;
    }
    let tally = load.end();
    tally.judge(&format!("all containers restarted {rounds} times"), begun);
}
