//! The requests, and what each is answered.

mod bodies;
mod frames;

use bodies::{bodies, slow};
use frames::version_two;

/// What is sent, in one piece or cut off after it.
pub(super) enum Sent {
    /// The connection stays open, and the client waits.
    Whole(Vec<u8>),
    /// The client says that nothing more comes.
    Cut(Vec<u8>),
}

/// A head with these lines, and the body.
fn http(lines: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let mut bytes = lines.replace('\n', "\r\n").into_bytes();
    bytes.extend_from_slice(b"\r\nHost: x\r\nConnection: close\r\n\r\n");
    bytes.extend_from_slice(body.as_ref());
    bytes
}

/// A body that is as long as it says.
fn posted(path: &str, lines: &str, body: impl AsRef<[u8]>) -> Sent {
    let body = body.as_ref();
    let lines = format!(
        "POST {path} HTTP/1.1\nContent-Length: {}{lines}",
        body.len()
    );
    Sent::Whole(http(&lines, body))
}

fn note(body: impl AsRef<[u8]>) -> Sent {
    posted("/api/v1/note", "", body)
}

pub(super) type Case = (&'static str, Sent, &'static str);

pub(super) fn cases() -> Vec<Case> {
    [framing(), targets(), bodies(), slow(), version_two()]
        .into_iter()
        .flatten()
        .collect()
}

#[expect(clippy::too_many_lines, reason = "a table, a case a line or some")]
fn framing() -> Vec<Case> {
    let whole = |lines: &str, body: &str| Sent::Whole(http(lines, body));
    let post =
        |lines: &str, body: &str| whole(&format!("POST /api/v1/note HTTP/1.1\n{lines}"), body);
    let chunked = |body: &str| post("Transfer-Encoding: chunked", body);
    vec![
        (
            "a TLS greeting",
            Sent::Cut(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec()),
            "400 closed",
        ),
        ("no HTTP", Sent::Cut(b"hello there\r\n\r\n".to_vec()), "400"),
        (
            "a version of the future",
            Sent::Cut(b"GET / HTTP/9.9\r\n\r\n".to_vec()),
            "400",
        ),
        (
            "a header without a colon",
            whole("GET /api/v1/note HTTP/1.1\nnonsense", ""),
            "400",
        ),
        (
            "a header with a space before its colon",
            whole("GET /api/v1/note HTTP/1.1\nA : b", ""),
            "400",
        ),
        (
            "a header with NUL",
            whole("GET /api/v1/note HTTP/1.1\nA: \0", ""),
            "400",
        ),
        (
            "two lengths",
            post("Content-Length: 2\nContent-Length: 3", "{}x"),
            "400",
        ),
        ("a signed length", post("Content-Length: +2", "{}"), "400"),
        (
            "a length below nothing",
            post("Content-Length: -1", "{}"),
            "400",
        ),
        (
            "a length of letters",
            post("Content-Length: 0x2", "{}"),
            "400",
        ),
        (
            "a length beyond any number",
            post("Content-Length: 99999999999999999999999", "{}"),
            "400",
        ),
        // Chunks win, as RFC 9112, 6.3 says, and the connection ends.
        (
            "a length and chunks",
            post(
                "Content-Length: 4\nTransfer-Encoding: chunked",
                "2\r\n{}\r\n0\r\n\r\n",
            ),
            "201",
        ),
        (
            "chunks and a length",
            post(
                "Transfer-Encoding: chunked\nContent-Length: 4",
                "2\r\n{}\r\n0\r\n\r\n",
            ),
            "201",
        ),
        (
            "chunks that are not last",
            post("Transfer-Encoding: chunked, gzip", "0\r\n\r\n"),
            "400",
        ),
        (
            "an unknown encoding",
            post("Transfer-Encoding: xchunked", "0\r\n\r\n"),
            "400",
        ),
        (
            "a chunk without a size",
            chunked("zz\r\n{}\r\n0\r\n\r\n"),
            "400",
        ),
        (
            "a chunk of too many digits",
            chunked("fffffffffffffffff\r\n{}\r\n"),
            "400",
        ),
        (
            "a chunk that is longer than it says",
            chunked("1\r\n{}\r\n0\r\n\r\n"),
            "400",
        ),
        (
            "chunks whose end is cut off",
            Sent::Cut(http(
                "POST /api/v1/note HTTP/1.1\nTransfer-Encoding: chunked",
                "2\r\n{}\r\n",
            )),
            "400 closed",
        ),
        (
            "a body that is cut off",
            Sent::Cut(http("POST /api/v1/note HTTP/1.1\nContent-Length: 10", "{}")),
            "400 closed",
        ),
        (
            "a head that is cut off",
            Sent::Cut(b"GET /api/v1/note HTTP/1.1\r\nHo".to_vec()),
            "400 closed",
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table, a case a line or some")]
fn targets() -> Vec<Case> {
    let get = |target: &str| Sent::Whole(http(&format!("GET {target} HTTP/1.1"), ""));
    let headers = |many: usize| {
        let lines: Vec<_> = (0..many).map(|index| format!("\nX-{index}: y")).collect();
        let lines = lines.concat();
        Sent::Whole(http(&format!("GET /api/v1/note HTTP/1.1{lines}"), ""))
    };
    vec![
        (
            "a target with another host in it",
            get("http://elsewhere/api/v1/note"),
            "200",
        ),
        ("a target with a NUL", get("/api/v1/\0"), "400"),
        ("a path with an encoded NUL", get("/api/v1/note/%00"), "400"),
        (
            "a query with an encoded NUL",
            get("/api/v1/note?title=eq.%00"),
            "400",
        ),
        ("a path that is half encoded", get("/api/v1/note/%4"), "400"),
        (
            "a query that is half encoded",
            get("/api/v1/note?title=eq.%4"),
            "400",
        ),
        ("a path that is not UTF-8", get("/api/v1/%ff"), "400"),
        ("dots", get("/api/v1/../../etc/passwd"), "404"),
        ("encoded dots", get("/api/v1/..%2f..%2fetc%2fpasswd"), "404"),
        (
            "a tunnel",
            Sent::Whole(http("CONNECT x:80 HTTP/1.1", "")),
            "400 404 405",
        ),
        (
            "a method of one's own",
            Sent::Whole(http("BREW /api/v1/note HTTP/1.1", "")),
            "405",
        ),
        (
            "a long URL",
            get(&format!("/api/v1/note?title=eq.{}", "x".repeat(20_000))),
            "414",
        ),
        (
            "a URL beyond the head",
            get(&format!("/api/v1/note?title=eq.{}", "x".repeat(100_000))),
            "414 431",
        ),
        ("many headers", headers(500), "431"),
        (
            "a long header",
            Sent::Whole(http(
                &format!("GET /api/v1/note HTTP/1.1\nX: {}", "y".repeat(100_000)),
                "",
            )),
            "431",
        ),
        (
            "many values",
            get(&format!("/api/v1/note?place=in.({}1)", "1,".repeat(1_000))),
            "400",
        ),
        (
            "many parameters",
            get(&format!("/api/v1/note?{}", "a&".repeat(5_000))),
            "400",
        ),
        (
            "deep brackets",
            get(&format!(
                "/api/v1/note?or={}{}",
                "(and".repeat(1_000),
                ")".repeat(1_000)
            )),
            "400",
        ),
        (
            "a page of too many",
            get("/api/v1/note?limit=99999999999999999999"),
            "400",
        ),
    ]
}
