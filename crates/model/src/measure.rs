//! Spans of time and sizes as people write them: `30s`, `8MiB`.

use std::time::Duration;

const TIMES: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];
const SIZES: [(&str, u64); 4] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// Reads `500ms`, `30s`, `5m`, `2h`, `1d`.
pub fn duration(text: &str) -> Option<Duration> {
    measured(text, &TIMES).map(Duration::from_millis)
}

/// Reads `512B`, `64KiB`, `8MiB`, `1GiB`, in bytes.
pub fn size(text: &str) -> Option<usize> {
    measured(text, &SIZES).and_then(|bytes| usize::try_from(bytes).ok())
}

fn measured(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read() {
        assert_eq!(duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(duration("2h"), Some(Duration::from_hours(2)));
        assert_eq!(size("8MiB"), Some(8 << 20));
        assert_eq!(size("8 KiB"), Some(8 << 10));
        for bad in [
            "",
            "5",
            "s",
            "-1s",
            "1.5s",
            "1 day",
            "99999999999999999999s",
            "18446744073709551615d",
        ] {
            assert_eq!(duration(bad), None, "{bad}");
        }
        for bad in ["8MB", "8", "MiB", "99999999999GiB"] {
            assert_eq!(size(bad), None, "{bad}");
        }
    }
}
