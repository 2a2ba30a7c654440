//! Decimals of any precision that keep their scale: 7.5 and 7.50 are equal and written differently.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::BigInt;

/// At most 1,000 digits before and 1,000 after the point; never NaN or infinite; never written with an exponent.
#[derive(Debug, Clone)]
pub struct Decimal(BigDecimal);

/// Digits on either side of the point.
const MOST_DIGITS: i64 = 1_000;

impl Decimal {
    pub fn as_big(&self) -> &BigDecimal {
        &self.0
    }

    /// Digits after the point, as written.
    pub fn scale(&self) -> u32 {
        u32::try_from(self.0.fractional_digit_count()).unwrap_or(0)
    }

    /// Digits before the point; none for 0.5.
    pub fn whole_digits(&self) -> u32 {
        let text = self.0.to_plain_string();
        let whole = text.trim_start_matches('-').split('.').next().unwrap_or("");
        u32::try_from(whole.trim_start_matches('0').len()).unwrap_or(u32::MAX)
    }
}

impl From<i64> for Decimal {
    fn from(int: i64) -> Self {
        Self(BigDecimal::from(int))
    }
}

impl FromStr for Decimal {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const SHAPE: &str =
            "a decimal is digits with an optional sign, point and exponent, as in -7.50";
        const SIZE: &str = "a decimal has at most 1,000 digits before and 1,000 after the point";
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| SHAPE)?),
            None => (text, 0),
        };
        let unsigned = mantissa.strip_prefix(['-', '+']).unwrap_or(mantissa);
        let (whole, fraction) = match unsigned.split_once('.') {
            Some((_, "")) => return Err(SHAPE),
            Some(parts) => parts,
            None => (unsigned, ""),
        };
        let all_digits = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return Err(SHAPE);
        }
        if unsigned.len() > 2 * 1_000 + 1 {
            return Err(SIZE);
        }
        let significant = whole.trim_start_matches('0').len();
        let whole_len = i64::try_from(significant).map_err(|_| SIZE)? + i64::from(exponent);
        let scale = i64::try_from(fraction.len()).map_err(|_| SIZE)? - i64::from(exponent);
        if whole_len > MOST_DIGITS || scale > MOST_DIGITS {
            return Err(SIZE);
        }
        let digits: BigInt = format!("{whole}{fraction}").parse().map_err(|_| SHAPE)?;
        let digits = if mantissa.starts_with('-') {
            -digits
        } else {
            digits
        };
        let big = BigDecimal::new(digits, scale);
        // A negative scale (1e3) would print as digits and zeros; spelled out once here, it needs no care later.
        Ok(Self(if scale < 0 { big.with_scale(0) } else { big }))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_plain_string())
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_scale_are_kept() {
        for (text, shown) in [
            ("7.50", "7.50"),
            ("-0.10", "-0.10"),
            ("+3", "3"),
            ("0", "0"),
            ("-0", "0"),
            ("0.00", "0.00"),
            ("1e3", "1000"),
            ("1.5E-3", "0.0015"),
            (
                "123456789012345678901234567890.123",
                "123456789012345678901234567890.123",
            ),
        ] {
            assert_eq!(
                text.parse::<Decimal>().unwrap().to_string(),
                shown,
                "{text}"
            );
        }
        for bad in [
            "", ".", "1.", ".5", "1e", "NaN", "inf", "1_000", "0x1", "1e9999", "--1", "1e-2000",
            " 1",
        ] {
            assert!(bad.parse::<Decimal>().is_err(), "{bad}");
        }
        assert_eq!("7.5".parse::<Decimal>(), "7.50".parse());
    }
}
