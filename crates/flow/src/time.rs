//! Times as rows hold them.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// In UTC, to the microsecond.
pub(crate) fn text(time: Timestamp) -> String {
    let micros = Timestamp::from_microsecond(time.as_microsecond());
    micros.unwrap_or(time).to_string()
}

/// What cannot be read is no time.
pub(crate) fn read(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// The last time that there is, where it would be later.
pub(crate) fn after(time: Timestamp, duration: Duration) -> Timestamp {
    let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    time.checked_add(duration).unwrap_or(Timestamp::MAX)
}

/// Nothing where it has passed.
pub(crate) fn until(now: Timestamp, time: Timestamp) -> Duration {
    let left = time.duration_since(now);
    Duration::try_from(left).unwrap_or_default()
}

/// From one moment to a later one; none where either is not known.
pub(crate) fn between(from: &str, to: Option<&str>) -> Duration {
    let (Some(from), Some(to)) = (read(from), to.and_then(read)) else {
        return Duration::ZERO;
    };
    until(from, to)
}

/// From then to now.
pub(crate) fn since(from: &str) -> Duration {
    read(from).map_or(Duration::ZERO, |from| until(from, Timestamp::now()))
}
