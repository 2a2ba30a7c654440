//! Dates and times as text, straight from the numbers that databases keep: a page of records has dozens of them.

use std::io::Write as _;

const DAY: i64 = 86_400_000_000;

/// `1998-06-12`, of days since 1970-01-01. `None` of years that four digits do not hold.
#[must_use]
pub fn write_date(days: i64, out: &mut Vec<u8>) -> Option<()> {
    // The calendar repeats every 400 years of 146,097 days; a year that begins in March has its leap day last.
    // After "chrono-Compatible Low-Level Date Algorithms" by Howard Hinnant.
    let days = days.checked_add(719_468)?;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year + era * 400 + i64::from(month <= 2);
    if !(0..=9_999).contains(&year) {
        return None;
    }
    two(year / 100, out);
    two(year % 100, out);
    out.push(b'-');
    two(month, out);
    out.push(b'-');
    two(of_month, out);
    Some(())
}

/// `18:30:00.5`, of microseconds since midnight.
pub fn write_time(micros: i64, out: &mut Vec<u8>) {
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    two(seconds / 3_600, out);
    out.push(b':');
    two(seconds / 60 % 60, out);
    out.push(b':');
    two(seconds % 60, out);
    if fraction > 0 {
        write!(out, ".{fraction:06}").expect("a Vec takes every byte");
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
}

/// `1998-06-12T18:30:00.5Z`, of microseconds since 1970. `None` as of dates.
#[must_use]
pub fn write_timestamp(micros: i64, out: &mut Vec<u8>) -> Option<()> {
    write_date(micros.div_euclid(DAY), out)?;
    out.push(b'T');
    write_time(micros.rem_euclid(DAY), out);
    out.push(b'Z');
    Some(())
}

fn two(number: i64, out: &mut Vec<u8>) {
    for digit in [number / 10, number % 10] {
        out.push(b'0' + u8::try_from(digit % 10).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>) -> Option<()>) -> Option<String> {
        let mut out = Vec::new();
        write(&mut out)?;
        String::from_utf8(out).ok()
    }

    /// Every day that has four digits of a year, and moments in all of them.
    #[test]
    fn the_calendar_is_the_library_s() {
        let epoch = jiff::civil::date(1970, 1, 1);
        let mut date = jiff::civil::date(0, 1, 1);
        let first = i64::from(epoch.until(date).unwrap().get_days());
        let mut days = first;
        loop {
            assert_eq!(text(|out| write_date(days, out)), Some(date.to_string()));
            let micros = days * DAY + (days - first) * 23_456_789 % DAY;
            if let Ok(timestamp) = jiff::Timestamp::from_microsecond(micros) {
                let written = text(|out| write_timestamp(micros, out));
                assert_eq!(written, Some(timestamp.to_string()));
            }
            days += 1;
            match date.tomorrow() {
                Ok(next) => date = next,
                Err(_) => break,
            }
        }
        assert_eq!(text(|out| write_date(days, out)), None);
        assert_eq!(text(|out| write_date(first - 1, out)), None);
        for days in [i64::MAX, i64::MIN] {
            assert_eq!(text(|out| write_date(days, out)), None);
        }
        for (micros, expected) in [
            (0, "00:00:00"),
            (86_399_999_999, "23:59:59.999999"),
            (1_500_000, "00:00:01.5"),
            (10, "00:00:00.00001"),
        ] {
            let written = text(|out| {
                write_time(micros, out);
                Some(())
            });
            assert_eq!(written.as_deref(), Some(expected));
        }
    }
}
