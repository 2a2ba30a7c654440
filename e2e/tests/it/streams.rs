//! Any number of records in and out in the memory of some: what is sent and taken is larger than what may be held.
//!
//! `GANTRY_STREAM_ROWS` asks for another number than a hundred thousand; the figures stand on standard error.

use std::fs;
use std::io::{BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use e2e::request;
use testkit::Engine;

use crate::place::{self, Place};

const ROWS: u64 = 100_000;
/// What the process may hold more than before, in KiB: the database's cache, and what the allocator gives back late.
/// A body of [`ROWS`] alone is more.
const MOST_KIB: u64 = 48 << 10;
const PATIENCE: Duration = Duration::from_mins(10);

const MODEL: &str = "\
model: Sample
fields:
  number: { type: int, required: true }
  text:   { type: text, required: true }
";

#[tokio::test]
async fn sqlite_streams_in_constant_memory() {
    place::on(Engine::Sqlite, there_and_back).await;
}

#[tokio::test]
async fn postgresql_streams_in_constant_memory() {
    place::on(Engine::Postgres, there_and_back).await;
}

fn there_and_back(place: &Place) {
    fs::create_dir_all(place.project.join("models")).unwrap();
    fs::write(place.project.join("models/sample.yaml"), MODEL).unwrap();
    #[expect(clippy::disallowed_methods, reason = "a measure of one's own wish")]
    let rows = std::env::var("GANTRY_STREAM_ROWS").ok();
    let rows = rows.map_or(ROWS, |rows| rows.parse().unwrap());
    let gantry = place.up(&[]);
    // What a first call leaves standing is no stream's.
    send(gantry.port, "application/x-ndjson", 1, line);
    let before = gantry.peak_kib().unwrap();
    let tell = |what: &str, bytes: u64, begun: Instant| {
        let peak = gantry.peak_kib().unwrap();
        let seconds = begun.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let (speed, mib) = (rows as f64 / seconds, bytes as f64 / 1_048_576.0 / seconds);
        let mut stderr = std::io::stderr();
        writeln!(
            stderr,
            "{}: {rows} rows {what} in {seconds:.1} s, {speed:.0} rows/s, {mib:.1} MiB/s; peak {peak} KiB",
            place.engine
        )
        .unwrap();
        assert!(
            peak < before + MOST_KIB,
            "{what}: {before} KiB became {peak} KiB"
        );
    };
    let begun = Instant::now();
    let bytes = send(gantry.port, "application/x-ndjson", rows, line);
    tell("in as JSON Lines", bytes, begun);
    let begun = Instant::now();
    let bytes = send(gantry.port, "text/csv", rows, csv);
    tell("in as CSV", bytes, begun);
    for (accept, what, extra) in [
        ("application/x-ndjson", "out as JSON Lines", 1),
        ("text/csv", "out as CSV, sorted without an index", 2),
    ] {
        let begun = Instant::now();
        let limit = rows.to_string();
        let (bytes, lines) = take(gantry.port, accept, &limit);
        assert_eq!(lines, rows + extra - 1, "{what}");
        tell(what, bytes, begun);
    }
    let count = request(gantry.port, "GET", "/api/v1/sample:count", &[], None).unwrap();
    assert_eq!(count.json().unwrap()["count"], 2 * rows + 1);
    assert!(gantry.terminate().unwrap().success());
}

fn line(number: u64) -> String {
    format!("{{\"number\":{number},\"text\":\"{}\"}}\n", text(number))
}

fn csv(number: u64) -> String {
    match number {
        0 => "number,text\n".to_owned(),
        _ => format!("{number},\"{}\"\n", text(number)),
    }
}

/// 600 bytes, with what has to be escaped.
fn text(number: u64) -> String {
    format!(
        "{number:010}, {}",
        "words of a text, ".repeat(35).trim_end()
    )
}

/// Sends rows as they are made; answers how many bytes that were.
fn send(port: u16, media: &str, rows: u64, row: impl Fn(u64) -> String) -> u64 {
    // CSV has its header as row 0.
    let first = u64::from(media != "text/csv");
    let length: u64 = (first..=rows).map(|number| row(number).len() as u64).sum();
    let stream = connect(port);
    let mut out = BufWriter::with_capacity(1 << 16, &stream);
    write!(
        out,
        "POST /api/v1/sample HTTP/1.1\r\nHost: e2e\r\nConnection: close\r\nContent-Type: {media}\r\n\
         Prefer: return=minimal\r\nContent-Length: {length}\r\n\r\n"
    )
    .unwrap();
    for number in first..=rows {
        out.write_all(row(number).as_bytes()).unwrap();
    }
    out.flush().unwrap();
    let mut told = String::new();
    (&stream).read_to_string(&mut told).unwrap();
    assert!(told.starts_with("HTTP/1.1 204"), "{told}");
    assert!(
        told.contains(&format!("gantry-affected: {rows}\r\n")),
        "{told}"
    );
    length
}

/// Takes a list as it comes; answers its bytes and lines.
fn take(port: u16, accept: &str, limit: &str) -> (u64, u64) {
    let mut stream = connect(port);
    let order = match accept {
        "text/csv" => "&order=text.desc",
        _ => "",
    };
    write!(
        stream,
        "GET /api/v1/sample?select=number,text&limit={limit}{order} HTTP/1.1\r\nHost: e2e\r\nConnection: close\r\nAccept: {accept}\r\n\r\n"
    )
    .unwrap();
    let mut input = BufReader::with_capacity(1 << 16, stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(input.read_line(&mut head).unwrap() > 0, "{head}");
    }
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let (mut bytes, mut lines) = (0, 0);
    let mut chunk = Vec::new();
    loop {
        let mut size = String::new();
        input.read_line(&mut size).unwrap();
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        chunk.resize(size + 2, 0);
        input.read_exact(&mut chunk).unwrap();
        if size == 0 {
            return (bytes, lines);
        }
        bytes += size as u64;
        lines += chunk[..size].split(|byte| *byte == b'\n').count() as u64 - 1;
    }
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}
