//! Reads outlast a database that restarts: they are repeated until it answers, or until their deadline is near.

use std::time::{Duration, Instant};

use crate::Error;

/// Between tries; doubled up to the longest.
const FIRST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_millis(500);
/// Left of the deadline for telling that the database did not come back.
const RESERVE: Duration = Duration::from_millis(200);

pub(super) struct Patience {
    until: Instant,
    pause: Duration,
}

impl Patience {
    /// Without a deadline as long as `otherwise`.
    pub(super) fn new(deadline: Option<Instant>, otherwise: Duration) -> Self {
        let until = deadline.map_or_else(
            || Instant::now() + otherwise,
            |deadline| deadline.checked_sub(RESERVE).unwrap_or(deadline),
        );
        Self {
            until,
            pause: FIRST,
        }
    }

    /// Whether the read is to be tried again, after a pause. False where the error is none that time mends.
    pub(super) async fn again(&mut self, error: &Error) -> bool {
        if !matches!(error, Error::Unavailable(_)) || Instant::now() + self.pause > self.until {
            return false;
        }
        tracing::debug!(error = %error, "a read waits for the database");
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST);
        true
    }
}
