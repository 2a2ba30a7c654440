//! HTTP/2 by its frames.

use super::{Case, Sent};

/// HTTP/2 without asking first.
pub(super) fn version_two() -> Vec<Case> {
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let frame = |kind: u8, flags: u8, stream: u32, payload: &[u8]| {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = length[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend_from_slice(payload);
        frame
    };
    let mut resets = [&preface[..], &frame(4, 0, 0, &[])].concat();
    for index in 0..5_000 {
        let stream = 2 * index + 1;
        // GET http://x/, ended; then taken back at once.
        resets.extend(frame(1, 0b101, stream, &[0x82, 0x86, 0x84, 0x41, 1, b'x']));
        resets.extend(frame(3, 0, stream, &8_u32.to_be_bytes()));
    }
    let mut unending = [&preface[..], &frame(4, 0, 0, &[])].concat();
    unending.extend(frame(1, 0, 1, &[0x82, 0x86, 0x84]));
    for _ in 0..1_000 {
        unending.extend(frame(
            9,
            0,
            1,
            &[0x40, 1, b'a', 120]
                .iter()
                .chain(&[b'b'; 120])
                .copied()
                .collect::<Vec<_>>(),
        ));
    }
    vec![
        (
            "streams that are reset at once",
            Sent::Cut(resets),
            "frames closed",
        ),
        (
            "a head that never ends",
            Sent::Cut(unending),
            "frames closed",
        ),
        (
            "a frame that is too large",
            Sent::Cut([&preface[..], b"\xff\xff\xff\x04\0\0\0\0\0"].concat()),
            "frames closed",
        ),
        (
            "a preface that is cut off",
            Sent::Cut(preface[..10].to_vec()),
            "400 closed",
        ),
    ]
}
