//! `kill -9` at any moment of a write: every acknowledged write is there once, none is half done.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use e2e::{Gantry, request};
use serde_json::{Value, json};
use testkit::{Database, Engine};

const KILLS: usize = 10;
const WRITERS: usize = 4;
const BULK: usize = 25;
/// Between 0 and this long after the writers begin, the process is killed.
const LONGEST_ROUND_MS: u64 = 600;
const BUDGET: Duration = Duration::from_mins(8);

const MODEL: &str = "\
model: Note
fields:
  write: { type: text, required: true, index: true }
  place: { type: int, required: true }
unique: [[write, place]]
";

#[tokio::test]
async fn a_killed_sqlite_process_keeps_what_it_acknowledged() {
    kill_repeatedly(Engine::Sqlite).await;
}

#[tokio::test]
async fn a_killed_process_over_postgresql_keeps_what_it_acknowledged() {
    kill_repeatedly(Engine::Postgres).await;
}

async fn kill_repeatedly(engine: Engine) {
    let database = Database::of(engine).await;
    let url = database.location_url();
    let name = database.engine_name();
    let test = move || {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("notes");
        fs::create_dir_all(project.join("models")).unwrap();
        fs::write(project.join("models/note.yaml"), MODEL).unwrap();
        kills(name, &project, &url);
    };
    tokio::task::spawn_blocking(test).await.unwrap();
}

/// A write: its name is its idempotency key and stands in each of its records.
#[derive(Clone)]
struct Write {
    name: String,
    records: usize,
}

/// What one writer knows, from the answers that it received.
#[derive(Default)]
struct Writer {
    acknowledged: Vec<Write>,
    /// Sent, and killed before the answer: done or not, but not half.
    unanswered: Option<Write>,
}

fn kills(engine: &str, project: &Path, url: &str) {
    let begun = Instant::now();
    let mut writers: Vec<Writer> = (0..WRITERS).map(|_| Writer::default()).collect();
    let (mut killed, mut answers_lost) = (0, 0);
    while killed < KILLS && begun.elapsed() < BUDGET {
        let gantry = Gantry::up(project, &["--database-url", url]).unwrap();
        check(gantry.port, &writers);
        answers_lost += round(gantry, killed, &mut writers);
        killed += 1;
    }
    let gantry = Gantry::up(project, &["--database-url", url]).unwrap();
    check(gantry.port, &writers);
    for writer in &mut writers {
        writer.repeat(gantry.port);
        assert!(writer.unanswered.is_none(), "{}", gantry.log());
    }
    check(gantry.port, &writers);
    let status = gantry.terminate().unwrap();
    assert!(status.success(), "after SIGTERM it ended with {status}");
    let kept: usize = writers.iter().map(|writer| writer.acknowledged.len()).sum();
    // Not `println!`: the count is to be seen where the test passes, too.
    let mut stderr = std::io::stderr();
    writeln!(
        stderr,
        "{engine}: {killed} kills, {answers_lost} writes cut off without an answer; {kept} acknowledged ones kept"
    )
    .unwrap();
    assert!(killed >= KILLS, "only {killed} kills within {BUDGET:?}");
    assert!(
        kept > KILLS,
        "only {kept} writes were acknowledged: this proves nothing"
    );
}

/// Writers write, the process is killed, the writers notice. Answers how many writes were cut off.
fn round(gantry: Gantry, number: usize, writers: &mut [Writer]) -> usize {
    let (port, stop) = (gantry.port, AtomicBool::new(false));
    thread::scope(|scope| {
        for (index, writer) in writers.iter_mut().enumerate() {
            let stop = &stop;
            scope.spawn(move || {
                writer.repeat(port);
                let mut count = 0;
                while writer.unanswered.is_none() && !stop.load(Ordering::Relaxed) {
                    writer.send(
                        port,
                        Write {
                            name: format!("kill {number} writer {index} write {count}"),
                            records: if count % 2 == index % 2 { BULK } else { 1 },
                        },
                    );
                    count += 1;
                }
            });
        }
        // Not a wait for something: the moment of the kill is what is drawn by lot.
        thread::sleep(Duration::from_millis(chance() % LONGEST_ROUND_MS));
        gantry.kill().unwrap();
        stop.store(true, Ordering::Relaxed);
    });
    writers
        .iter()
        .filter(|writer| writer.unanswered.is_some())
        .count()
}

impl Writer {
    /// Sends again what got no answer, under its key: done before or now, it is done once.
    fn repeat(&mut self, port: u16) {
        if let Some(write) = self.unanswered.take() {
            self.send(port, write);
        }
    }

    fn send(&mut self, port: u16, write: Write) {
        let record = |place| json!({"write": write.name, "place": place});
        let body = match write.records {
            1 => record(0),
            records => (0..records).map(record).collect(),
        };
        let key = format!("\"{}\"", write.name);
        let headers = [
            ("Idempotency-Key", key.as_str()),
            ("Prefer", "return=minimal"),
        ];
        match request(port, "POST", "/api/v1/note", &headers, Some(&body)) {
            Ok(answer) if (200..300).contains(&answer.status) => self.acknowledged.push(write),
            // A dying process may still say that it is not available: that acknowledges nothing.
            Ok(answer) if answer.status < 500 => panic!(
                "{}: {} {}",
                write.name,
                answer.status,
                String::from_utf8_lossy(&answer.body)
            ),
            Ok(_) | Err(_) => self.unanswered = Some(write),
        }
    }
}

/// The records are those of the acknowledged writes, each once, and of unanswered ones all or nothing.
fn check(port: u16, writers: &[Writer]) {
    let found = records(port);
    let mut known = HashSet::new();
    for writer in writers {
        for write in &writer.acknowledged {
            known.insert(write.name.as_str());
            let count = found.get(&write.name).copied().unwrap_or_default();
            assert_eq!(count, write.records, "acknowledged: {}", write.name);
        }
        if let Some(write) = &writer.unanswered {
            known.insert(write.name.as_str());
            let count = found.get(&write.name).copied().unwrap_or_default();
            let whole = count == 0 || count == write.records;
            assert!(
                whole,
                "half done: {} has {count} of {}",
                write.name, write.records
            );
        }
    }
    let unknown: Vec<_> = found
        .keys()
        .filter(|name| !known.contains(name.as_str()))
        .collect();
    assert!(unknown.is_empty(), "nobody wrote these: {unknown:?}");
}

/// How many records each write has, read page by page.
fn records(port: u16) -> HashMap<String, usize> {
    let mut found = HashMap::new();
    let first = "/api/v1/note?select=write&limit=1000&order=id";
    let mut path = first.to_owned();
    loop {
        let answer = request(port, "GET", &path, &[], None).unwrap();
        let text = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.status, 200, "{text}");
        let page = answer.json().unwrap();
        for record in page.as_array().unwrap() {
            let name = record.get("write").and_then(Value::as_str).unwrap();
            *found.entry(name.to_owned()).or_default() += 1;
        }
        match answer.header("next-cursor") {
            Some(cursor) => path = format!("{first}&cursor={cursor}"),
            None => return found,
        }
    }
}

fn chance() -> u64 {
    let (_, low) = uuid::Uuid::new_v7(uuid::Timestamp::now(uuid::NoContext)).as_u64_pair();
    low
}
