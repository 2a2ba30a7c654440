//! Lengths of time as people write them: `30s`, `5m`, `24h`, `7d`.

use std::time::Duration;

use crate::Error;

pub(crate) fn parse(text: &str) -> Result<Duration, Error> {
    let wrong = || {
        Error::Settings(format!(
            "`{text}` is no length of time: write it like 30s, 5m, 24h or 7d"
        ))
    };
    let (number, unit) = text
        .split_at_checked(text.len().saturating_sub(1))
        .ok_or_else(wrong)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    // Eight digits of days are still far from overflowing.
    if number.is_empty() || number.len() > 8 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let number: u64 = number.parse().map_err(|_| wrong())?;
    if number == 0 {
        return Err(wrong());
    }
    Ok(Duration::from_secs(number * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit() {
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(
                parse(text).ok().map(|found| found.as_secs()),
                expected,
                "{text}"
            );
        };
        check("30s", Some(30));
        check("5m", Some(300));
        check("24h", Some(86_400));
        check("7d", Some(604_800));
        for text in [
            "",
            "s",
            "5",
            "0s",
            "-1s",
            "+1s",
            "1.5h",
            "5 m",
            "1h30m",
            "5é",
            "999999999s",
        ] {
            check(text, None);
        }
    }
}
