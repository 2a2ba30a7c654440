//! Writers that know what was acknowledged to them, and the proof that it is there once and nothing is half done.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use e2e::request;
use serde_json::{Value, json};

pub(crate) const BULK: usize = 25;

const MODEL: &str = "\
model: Note
fields:
  write: { type: text, required: true, index: true }
  place: { type: int, required: true }
unique: [[write, place]]
";

/// A project that holds what is written.
pub(crate) fn project(folder: &Path) {
    fs::create_dir_all(folder.join("models")).unwrap();
    fs::write(folder.join("models/note.yaml"), MODEL).unwrap();
}

/// A write: its name is its idempotency key and stands in each of its records.
#[derive(Clone)]
pub(crate) struct Write {
    pub(crate) name: String,
    pub(crate) records: usize,
}

/// What one writer knows, from the answers that it received.
#[derive(Default)]
pub(crate) struct Writer {
    pub(crate) acknowledged: Vec<Write>,
    /// Sent, and killed before the answer: done or not, but not half.
    pub(crate) unanswered: Option<Write>,
}

impl Writer {
    /// Sends again what got no answer, under its key: done before or now, it is done once.
    pub(crate) fn repeat(&mut self, port: u16) {
        if let Some(write) = self.unanswered.take() {
            self.send(port, write);
        }
    }

    pub(crate) fn send(&mut self, port: u16, write: Write) {
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
            // A dying process may still say that it is not available, or that the call is being carried out: that
            // acknowledges nothing.
            Ok(answer) if answer.status < 500 && !is_in_flight(&answer) => panic!(
                "{}: {} {}",
                write.name,
                answer.status,
                String::from_utf8_lossy(&answer.body)
            ),
            Ok(_) | Err(_) => self.unanswered = Some(write),
        }
    }
}

fn is_in_flight(answer: &e2e::Answer) -> bool {
    let problem = answer.json().unwrap_or_default();
    problem["code"] == "idempotency_in_flight"
}

/// The records are those of the acknowledged writes, each once, and of unanswered ones all or nothing.
pub(crate) fn check(port: u16, writers: &[Writer]) {
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

pub(crate) fn chance() -> u64 {
    let (_, low) = uuid::Uuid::new_v7(uuid::Timestamp::now(uuid::NoContext)).as_u64_pair();
    low
}
