//! Points of time in the names of dumps: `20261128T093000Z`, so that their order is the order of their names.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const DAY: u64 = 86_400;

pub(super) fn name_of(time: SystemTime) -> String {
    let seconds = time
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let (year, month, day) = date(seconds / DAY);
    let second = seconds % DAY;
    format!(
        "{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

pub(super) fn time_of(name: &str) -> Option<SystemTime> {
    let digits: String = name.chars().filter(char::is_ascii_digit).collect();
    if digits.len() != 14 {
        return None;
    }
    let number = |from: usize, to: usize| digits.get(from..to)?.parse::<u64>().ok();
    let days = days(number(0, 4)?, number(4, 6)?, number(6, 8)?)?;
    let seconds = number(8, 10)? * 3600 + number(10, 12)? * 60 + number(12, 14)?;
    let time = UNIX_EPOCH + Duration::from_secs(days * DAY + seconds);
    // Only what would be written like this: month 13 and the like are no times.
    (name_of(time) == name).then_some(time)
}

fn length(year: u64, month: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn date(mut days: u64) -> (u64, u64, u64) {
    let (mut year, mut month) = (1970, 1);
    while days >= length(year, month) {
        days -= length(year, month);
        month += 1;
        if month == 13 {
            (year, month) = (year + 1, 1);
        }
    }
    (year, month, days + 1)
}

fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let whole: u64 = (1970..year)
        .flat_map(|year| (1..=12).map(move |month| length(year, month)))
        .sum();
    let begun: u64 = (1..month).map(|month| length(year, month)).sum();
    Some(whole + begun + day.checked_sub(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_times_are_each_others() {
        let check = |seconds: u64, name: &str| {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(name_of(time), name);
            assert_eq!(time_of(name), Some(time));
        };
        check(0, "19700101T000000Z");
        check(951_782_400, "20000229T000000Z");
        check(1_795_858_249, "20261128T093049Z");
        for wrong in [
            "",
            "20261328T000000Z",
            "20260230T000000Z",
            "20261128T093000",
            "20261100T000000Z",
        ] {
            assert_eq!(time_of(wrong), None, "{wrong}");
        }
    }
}
