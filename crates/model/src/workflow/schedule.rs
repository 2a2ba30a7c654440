//! When schedules tick.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Cron, Trigger};

impl Trigger {
    /// The first tick later than that; `None` of a trigger that is no schedule.
    pub fn next_after(&self, time: Timestamp) -> Option<Timestamp> {
        let Self::Cron { cron, zone, .. } = self else {
            return None;
        };
        // Both were checked when the file was read.
        Cron::parse(cron).ok()?.after(time, &zone_of(zone)?)
    }
}

/// A zone of the IANA database.
pub(super) fn zone_of(name: &str) -> Option<TimeZone> {
    if name == "UTC" {
        Some(TimeZone::UTC)
    } else {
        TimeZone::get(name).ok()
    }
}
