//! Bodies that are wrong, too large or too slow.

use super::{Case, Sent, http, note, posted};

#[expect(clippy::too_many_lines, reason = "a table, a case a line or some")]
pub(super) fn bodies() -> Vec<Case> {
    let digits = "9".repeat(1_000_000);
    let encoded = |encoding: &str, body: &[u8]| {
        posted(
            "/api/v1/note",
            &format!("\nContent-Encoding: {encoding}"),
            body,
        )
    };
    let many = format!(
        "{{\"where\":{{\"place\":{{\"in\":[{}1]}}}}}}",
        "1,".repeat(100_000)
    );
    let nested = format!("{}{}", "{\"not\":".repeat(40), "}".repeat(40)).replace(":}", ":{}}");
    vec![
        ("too large", note(vec![b' '; 3 << 20]), "413"),
        (
            "too large in chunks",
            Sent::Whole(http(
                "POST /api/v1/note HTTP/1.1\nTransfer-Encoding: chunked",
                format!("300000\r\n{}\r\n0\r\n\r\n", " ".repeat(0x30_0000)),
            )),
            "413",
        ),
        ("deep lists", note("[".repeat(100_000)), "400"),
        ("deep objects", note("{\"more\":".repeat(100_000)), "400"),
        (
            "a number of a million digits",
            note(format!("{{\"place\":{digits}}}")),
            "422",
        ),
        (
            "an exponent beyond reason",
            note("{\"place\":1e999999999}"),
            "422",
        ),
        ("a key twice", note("{\"place\":1,\"place\":2}"), "400"),
        (
            "half of a surrogate pair",
            note("{\"title\":\"\\ud800\"}"),
            "422",
        ),
        (
            "half of a surrogate pair in a key",
            note("{\"\\ud800\":1}"),
            "400 422",
        ),
        ("NUL in a text", note("{\"title\":\"\\u0000\"}"), "422"),
        ("NUL in JSON", note("{\"more\":\"\\u0000\"}"), "422"),
        ("no UTF-8", note(b"{\"title\":\"\xff\"}"), "400"),
        ("a byte order mark", note("\u{feff}{}"), "400"),
        ("two documents", note("{}{}"), "400"),
        ("no document", note("nonsense"), "400"),
        (
            "another kind",
            posted("/api/v1/note", "\nContent-Type: application/xml", "<a/>"),
            "415",
        ),
        (
            "a kind that is none",
            posted("/api/v1/note", "\nContent-Type: \u{1f600}", "{}"),
            "415",
        ),
        ("a bomb", encoded("zstd", &bomb()), "413"),
        (
            "a pack that is none",
            encoded("gzip", b"\x1f\x8b\x08\x00nonsense"),
            "400",
        ),
        ("an unknown pack", encoded("br", b"nonsense"), "415"),
        (
            "many values in a list",
            posted("/api/v1/note:query", "", many),
            "422",
        ),
        (
            "a deep filter",
            posted("/api/v1/note:query", "", format!("{{\"where\":{nested}}}")),
            "422",
        ),
    ]
}

/// 256 MiB in some kilobytes: a frame of blocks that each say `128 KiB of spaces`.
fn bomb() -> Vec<u8> {
    let mut bytes = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38];
    for index in 0..2_048_u32 {
        let is_last = u32::from(index == 2_047);
        let head = is_last | (1 << 1) | ((128 << 10) << 3);
        bytes.extend_from_slice(&head.to_le_bytes()[..3]);
        bytes.push(b' ');
    }
    bytes
}

pub(super) fn slow() -> Vec<Case> {
    let begun = |text: &str| Sent::Whole(text.replace('\n', "\r\n").into_bytes());
    vec![
        ("nothing at all", begun(""), "closed"),
        ("one letter that could begin HTTP/2", begun("P"), "closed"),
        (
            "half of a head",
            begun("GET /api/v1/note HTTP/1.1\nHost: x\n"),
            "closed 408",
        ),
        (
            "half of a body",
            begun("POST /api/v1/note HTTP/1.1\nHost: x\nContent-Length: 99\n\n{"),
            "408",
        ),
        (
            "no body",
            begun("POST /api/v1/note HTTP/1.1\nHost: x\nContent-Length: 99\n\n"),
            "408",
        ),
        (
            "half of a chunk",
            begun("POST /api/v1/note HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n5\n{"),
            "408",
        ),
    ]
}
