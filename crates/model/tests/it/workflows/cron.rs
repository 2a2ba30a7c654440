//! Ticks of schedules, where clocks change too.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use model::workflow::Cron;
use proptest::prelude::*;

fn ticks(cron: &str, zone: &str, after: &str, most: usize) -> Vec<String> {
    let zone = TimeZone::get(zone).unwrap();
    let cron = Cron::parse(cron).unwrap();
    let first: Timestamp = after.parse().unwrap();
    let ticks = std::iter::successors(Some(first), |time| cron.after(*time, &zone)).skip(1);
    ticks.take(most).map(|tick| tick.to_string()).collect()
}

#[test]
fn the_next_ticks_are_those_that_the_fields_say() {
    for (cron, after, expected) in [
        (
            "0 3 * * *",
            "2026-01-01T03:00:00Z",
            &["2026-01-02T03:00:00Z", "2026-01-03T03:00:00Z"][..],
        ),
        (
            "*/20 * * * *",
            "2026-01-01T00:19:59Z",
            &[
                "2026-01-01T00:20:00Z",
                "2026-01-01T00:40:00Z",
                "2026-01-01T01:00:00Z",
            ],
        ),
        (
            "5/25 9 * * *",
            "2026-01-01T00:00:00Z",
            &[
                "2026-01-01T09:05:00Z",
                "2026-01-01T09:30:00Z",
                "2026-01-01T09:55:00Z",
            ],
        ),
        (
            "0 12 29 feb *",
            "2026-01-01T00:00:00Z",
            &["2028-02-29T12:00:00Z", "2032-02-29T12:00:00Z"],
        ),
        (
            "0 12 29 2 *",
            "2096-03-01T00:00:00Z",
            &["2104-02-29T12:00:00Z"],
        ),
        (
            "0 0 * * 1-5",
            "2026-01-02T12:00:00Z",
            &["2026-01-05T00:00:00Z"],
        ),
        (
            "0 0 * * sun",
            "2026-01-01T00:00:00Z",
            &["2026-01-04T00:00:00Z", "2026-01-11T00:00:00Z"],
        ),
        (
            "0 0 * * 7",
            "2026-01-01T00:00:00Z",
            &["2026-01-04T00:00:00Z"],
        ),
        // Either of the two, where both are restricted.
        (
            "0 0 13 * fri",
            "2026-02-07T00:00:00Z",
            &["2026-02-13T00:00:00Z", "2026-02-20T00:00:00Z"],
        ),
        (
            "0 0 31 * *",
            "2026-01-31T00:00:00Z",
            &["2026-03-31T00:00:00Z", "2026-05-31T00:00:00Z"],
        ),
        (
            "@monthly",
            "2026-01-31T00:00:00Z",
            &["2026-02-01T00:00:00Z"],
        ),
        (
            "59 23 31 12 *",
            "2026-12-31T23:59:00Z",
            &["2027-12-31T23:59:00Z"],
        ),
    ] {
        assert_eq!(
            ticks(cron, "UTC", after, expected.len()),
            expected,
            "{cron}"
        );
    }
}

#[test]
fn a_tick_comes_once_where_clocks_change() {
    for (cron, after, expected) in [
        // Put forward on 2026-03-29 from 2:00 to 3:00: half past two comes at three.
        (
            "30 2 * * *",
            "2026-03-28T12:00:00Z",
            &["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"][..],
        ),
        (
            "0 2 * * *",
            "2026-03-28T12:00:00Z",
            &["2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"],
        ),
        (
            "0,30 2,3 * * *",
            "2026-03-28T12:00:00Z",
            &[
                "2026-03-29T01:00:00Z",
                "2026-03-29T01:30:00Z",
                "2026-03-30T00:00:00Z",
            ],
        ),
        (
            "0 * * * *",
            "2026-03-28T23:30:00Z",
            &[
                "2026-03-29T00:00:00Z",
                "2026-03-29T01:00:00Z",
                "2026-03-29T02:00:00Z",
            ],
        ),
        // Put back on 2026-10-25 from 3:00 to 2:00: half past two comes the first time, hours come both times.
        (
            "30 2 * * *",
            "2026-10-24T12:00:00Z",
            &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
        ),
        (
            "30 * * * *",
            "2026-10-25T00:00:00Z",
            &[
                "2026-10-25T00:30:00Z",
                "2026-10-25T01:30:00Z",
                "2026-10-25T02:30:00Z",
            ],
        ),
        (
            "0 3 * * *",
            "2026-10-24T12:00:00Z",
            &["2026-10-25T02:00:00Z", "2026-10-26T02:00:00Z"],
        ),
    ] {
        assert_eq!(
            ticks(cron, "Europe/Berlin", after, expected.len()),
            expected,
            "{cron}"
        );
    }
    // A day that Samoa left out.
    assert_eq!(
        ticks("0 12 * * *", "Pacific/Apia", "2011-12-29T23:00:00Z", 2),
        ["2011-12-30T10:00:00Z", "2011-12-30T22:00:00Z"]
    );
}

#[test]
fn what_is_no_schedule_is_refused() {
    for bad in [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "5-1 * * * *",
        "*/0 * * * *",
        "*/x * * * *",
        "a * * * *",
        "1,,2 * * * *",
        "-1 * * * *",
        "1- * * * *",
        "0 0 31 2 *",
        "0 0 30 feb *",
        "@often",
        "+1 * * * *",
        "001 * * * *",
        "* * * foo *",
    ] {
        assert!(Cron::parse(bad).is_err(), "{bad}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Against a minute by minute look at the clock.
    #[test]
    fn a_tick_is_the_next_minute_that_fits(
        minute in 0..60_i8, hour in 0..24_i8, weekday in 0..7_i8, start in 1_700_000_000_i64..1_900_000_000,
        every in any::<bool>(),
    ) {
        let zone = TimeZone::get("America/New_York").unwrap();
        let start = Timestamp::from_second(start).unwrap();
        let hours = if every { "*".to_owned() } else { hour.to_string() };
        let cron = Cron::parse(&format!("{minute} {hours} * * {weekday}")).unwrap();
        let found = cron.after(start, &zone).unwrap();
        prop_assert!(found > start);
        let fits = |time: Timestamp| {
            let local = zone.to_datetime(time);
            local.second() == 0 && local.minute() == minute && (every || local.hour() == hour)
                && local.weekday().to_sunday_zero_offset() == weekday
        };
        let mut time = Timestamp::from_second(start.as_second() / 60 * 60).unwrap() + 1.minute();
        while time < found && !fits(time) {
            time += 1.minute();
        }
        // Clocks are put forward on a Sunday at two; what they leave out comes at three.
        let left_out = !every && hour == 2 && weekday == 0;
        prop_assert!(time == found && (fits(found) || left_out), "{found}, by the clock {time}");
    }

    #[test]
    fn no_text_makes_the_reader_fail(text in "[0-9*/, a-z@-]{0,30}") {
        if let Ok(cron) = Cron::parse(&text) {
            let _ = cron.after(Timestamp::UNIX_EPOCH, &TimeZone::UTC);
        }
    }
}
