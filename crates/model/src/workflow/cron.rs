//! Cron: five fields, and when their next tick is in a time zone.

use std::ops::RangeInclusive;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{Span, Timestamp};

/// Minute, hour, day of the month, month, weekday. As cron has it, a day fits by either where both days are restricted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    /// A bit for each value.
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    /// From Sunday, 0.
    weekdays: u64,
    /// Ticks at intervals rather than at hours of the day.
    any_hour: bool,
    any_day: bool,
    any_weekday: bool,
}

struct Part {
    name: &'static str,
    range: RangeInclusive<u32>,
    words: &'static [&'static str],
}

const PARTS: [Part; 5] = [
    Part {
        name: "minute",
        range: 0..=59,
        words: &[],
    },
    Part {
        name: "hour",
        range: 0..=23,
        words: &[],
    },
    Part {
        name: "day of the month",
        range: 1..=31,
        words: &[],
    },
    Part {
        name: "month",
        range: 1..=12,
        words: &[
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ],
    },
    // 7 is Sunday too.
    Part {
        name: "weekday",
        range: 0..=7,
        words: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    },
];

/// Of the shorthands only those that say when, not how often.
const SHORTHANDS: [(&str, &str); 6] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
];

/// February the 29th comes again within eight years.
const FARTHEST_DAYS: u32 = 8 * 366 + 1;

impl Cron {
    /// The error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let spelled = SHORTHANDS
            .iter()
            .find(|(short, _)| *short == text)
            .map_or(text, |(_, long)| long);
        let words: Vec<&str> = spelled.split_ascii_whitespace().collect();
        let [minute, hour, day, month, weekday] = words[..] else {
            return Err(format!(
                "cron has five fields, minute hour day month weekday, and `{text}` has {}",
                words.len()
            ));
        };
        let read = |index: usize, text| bits(&PARTS[index], text);
        let (days, weekdays) = (read(2, day)?, read(4, weekday)?);
        let cron = Self {
            minutes: read(0, minute)?,
            hours: read(1, hour)?,
            days,
            months: read(3, month)?,
            weekdays: (weekdays | weekdays >> 7) & 0x7f,
            any_hour: hour.starts_with('*'),
            any_day: day.starts_with('*'),
            any_weekday: weekday.starts_with('*'),
        };
        match cron.day_from(Date::constant(2000, 1, 1)) {
            Some(_) => Ok(cron),
            None => Err(format!("there is no such day as `{text}` says")),
        }
    }

    /// The first tick later than that. Where clocks are put forward, ticks that they leave out come at once and as one;
    /// where they are put back, a tick comes the first time only, unless the hour is `*`.
    pub fn after(&self, time: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let local = zone.to_datetime(time);
        // Clocks may have been turned back since a tick that is still to come.
        let mut day = local.date().yesterday().unwrap_or(local.date());
        for _ in 0..4 {
            day = self.day_from(day)?;
            let ticks = self.ticks(day).flat_map(|tick| self.instants(tick, zone));
            let later = ticks.flatten().filter(|tick| *tick > time);
            if let Some(tick) = later.min() {
                return Some(tick);
            }
            day = day.tomorrow().ok()?;
        }
        None
    }

    fn ticks(&self, day: Date) -> impl Iterator<Item = DateTime> {
        let times = (0..24_i8).filter(|hour| has(self.hours, hour.unsigned_abs().into()));
        times.flat_map(move |hour| {
            let minutes =
                (0..60_i8).filter(|minute| has(self.minutes, minute.unsigned_abs().into()));
            minutes.map(move |minute| day.to_datetime(Time::constant(hour, minute, 0, 0)))
        })
    }

    /// When clocks of the zone show that time.
    fn instants(&self, local: DateTime, zone: &TimeZone) -> [Option<Timestamp>; 2] {
        let ambiguous = zone.to_ambiguous_timestamp(local);
        match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { offset } => [offset.to_timestamp(local).ok(), None],
            AmbiguousOffset::Gap { before, .. } => [gap_end(local, before, zone), None],
            AmbiguousOffset::Fold { before, after } => {
                let second = if self.any_hour {
                    after.to_timestamp(local).ok()
                } else {
                    None
                };
                [before.to_timestamp(local).ok(), second]
            }
        }
    }

    fn day_from(&self, mut day: Date) -> Option<Date> {
        for _ in 0..FARTHEST_DAYS {
            if !has(self.months, day.month().unsigned_abs().into()) {
                day = day.last_of_month().tomorrow().ok()?;
            } else if self.fits(day) {
                return Some(day);
            } else {
                day = day.tomorrow().ok()?;
            }
        }
        None
    }

    fn fits(&self, day: Date) -> bool {
        let weekday = day.weekday().to_sunday_zero_offset().unsigned_abs();
        let by_weekday = has(self.weekdays, weekday.into());
        let by_day = has(self.days, day.day().unsigned_abs().into());
        if self.any_day || self.any_weekday {
            by_day && by_weekday
        } else {
            by_day || by_weekday
        }
    }
}

/// The moment at which clocks were put forward over that time.
fn gap_end(local: DateTime, before: Offset, zone: &TimeZone) -> Option<Timestamp> {
    let within = before
        .to_timestamp(local)
        .ok()?
        .checked_add(Span::new().seconds(1))
        .ok()?;
    Some(zone.preceding(within).next()?.timestamp())
}

fn has(bits: u64, value: u32) -> bool {
    bits >> value & 1 == 1
}

fn bits(part: &Part, text: &str) -> Result<u64, String> {
    let mut bits = 0;
    for item in text.split(',') {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (item, None),
        };
        let (low, high) = if range == "*" {
            (*part.range.start(), *part.range.end())
        } else if let Some((low, high)) = range.split_once('-') {
            (value(part, low)?, value(part, high)?)
        } else {
            let low = value(part, range)?;
            // `5/15` is 5 and every 15 on.
            (
                low,
                if step.is_some() {
                    *part.range.end()
                } else {
                    low
                },
            )
        };
        let step = match step.map(str::parse::<u32>) {
            None => 1,
            Some(Ok(step)) if step > 0 => step,
            Some(_) => {
                return Err(format!(
                    "`{item}` has no step: a whole number from 1 stands after the /"
                ));
            }
        };
        if low > high {
            return Err(format!("`{item}` runs backwards"));
        }
        for value in (low..=high).step_by(step as usize) {
            bits |= 1_u64 << value;
        }
    }
    Ok(bits)
}

fn value(part: &Part, text: &str) -> Result<u32, String> {
    let word = part
        .words
        .iter()
        .position(|word| word.eq_ignore_ascii_case(text));
    if let Some(index) = word.and_then(|index| u32::try_from(index).ok()) {
        return Ok(index + u32::from(part.name == "month"));
    }
    let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text
        .parse::<u32>()
        .ok()
        .filter(|number| digits && part.range.contains(number));
    number.ok_or_else(|| {
        format!(
            "`{text}` is no {}: from {} to {}",
            part.name,
            part.range.start(),
            part.range.end()
        )
    })
}
