//! Decimals of any precision that keep their scale: 7.5 and 7.50 are equal and written differently.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::BigInt;

/// At most 1,000 digits before and 1,000 after the point; never NaN or infinite; never written with an exponent.
#[derive(Debug, Clone)]
pub struct Decimal(Digits);

#[derive(Debug, Clone)]
enum Digits {
    /// Up to 18 digits, which nearly all are: no allocation, and compared as integers.
    Few {
        digits: i64,
        scale: u32,
    },
    Many(Box<BigDecimal>),
}

/// Digits on either side of the point.
const MOST_DIGITS: i64 = 1_000;
/// Digits of an `i64`, whatever they are; two of them scaled to each other fit an `i128`.
const FEW: usize = 18;

impl Decimal {
    pub fn to_big(&self) -> BigDecimal {
        match &self.0 {
            Digits::Few { digits, scale } => {
                BigDecimal::new(BigInt::from(*digits), i64::from(*scale))
            }
            Digits::Many(big) => BigDecimal::clone(big),
        }
    }

    /// All digits as one number, and how many of them stand after the point, at most 18; `None` where they are more.
    pub fn few(&self) -> Option<(i64, u32)> {
        match self.0 {
            Digits::Few { digits, scale } => Some((digits, scale)),
            Digits::Many(_) => None,
        }
    }

    /// Digits after the point, as written.
    pub fn scale(&self) -> u32 {
        match &self.0 {
            Digits::Few { scale, .. } => *scale,
            Digits::Many(big) => u32::try_from(big.fractional_digit_count()).unwrap_or(0),
        }
    }

    /// Digits before the point; none for 0.5.
    pub fn whole_digits(&self) -> u32 {
        match &self.0 {
            Digits::Few { digits, scale } => {
                let whole = digits.unsigned_abs() / 10u64.pow(*scale);
                whole.checked_ilog10().map_or(0, |digits| digits + 1)
            }
            Digits::Many(big) => {
                let text = big.to_plain_string();
                let whole = text.trim_start_matches('-').split('.').next().unwrap_or("");
                u32::try_from(whole.trim_start_matches('0').len()).unwrap_or(u32::MAX)
            }
        }
    }
}

impl Decimal {
    /// As [`fmt::Display`] does, without its detours.
    pub fn write(&self, out: &mut Vec<u8>) {
        match &self.0 {
            Digits::Few { digits, scale } => {
                let unit = 10u64.pow(*scale);
                let mut rest = digits.unsigned_abs();
                if *digits < 0 {
                    out.push(b'-');
                }
                out.extend_from_slice(itoa::Buffer::new().format(rest / unit).as_bytes());
                if *scale > 0 {
                    out.push(b'.');
                }
                rest %= unit;
                for place in (0..*scale).rev() {
                    let digit = rest / 10u64.pow(place) % 10;
                    out.push(b'0' + u8::try_from(digit).unwrap_or_default());
                }
            }
            Digits::Many(big) => out.extend_from_slice(big.to_plain_string().as_bytes()),
        }
    }
}

impl From<i64> for Decimal {
    fn from(int: i64) -> Self {
        if int.unsigned_abs() < 10u64.pow(18) {
            Self(Digits::Few {
                digits: int,
                scale: 0,
            })
        } else {
            Self(Digits::Many(Box::new(BigDecimal::from(int))))
        }
    }
}

/// Digits with an optional sign and point, where they are few.
fn few(text: &str) -> Option<Digits> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = match unsigned.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (unsigned, ""),
    };
    if whole.is_empty() || whole.len() + fraction.len() > FEW {
        return None;
    }
    let mut digits: i64 = 0;
    for byte in whole.bytes().chain(fraction.bytes()) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        digits = digits * 10 + i64::from(digit);
    }
    Some(Digits::Few {
        digits: if text.starts_with('-') {
            -digits
        } else {
            digits
        },
        scale: u32::try_from(fraction.len()).ok()?,
    })
}

impl FromStr for Decimal {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const SHAPE: &str =
            "a decimal is digits with an optional sign, point and exponent, as in -7.50";
        const SIZE: &str = "a decimal has at most 1,000 digits before and 1,000 after the point";
        if let Some(few) = few(text) {
            return Ok(Self(few));
        }
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
        let big = if scale < 0 { big.with_scale(0) } else { big };
        Ok(Self(Digits::Many(Box::new(big))))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::with_capacity(FEW + 2);
        self.write(&mut out);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
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
        let (Some((one, scale)), Some((two, other_scale))) = (self.few(), other.few()) else {
            return self.to_big().cmp(&other.to_big());
        };
        let scaled = |digits, by| i128::from(digits) * 10i128.pow(by);
        scaled(one, other_scale).cmp(&scaled(two, scale))
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

    /// Few digits and many are one type: the same texts, order and digits either way.
    #[test]
    fn few_digits_are_as_many_are() {
        let texts = [
            "0",
            "0.00",
            "-0",
            "1",
            "-1",
            "7.5",
            "7.50",
            "-7.50",
            "0.00000000000000001",
            "999999999999999999",
            "-999999999999999999",
            "99999999999999999.9",
            "12.34",
            "12.340001",
        ];
        let many = |text: &str| {
            let big = text.parse::<Decimal>().unwrap().to_big();
            Decimal(Digits::Many(Box::new(big)))
        };
        for one in texts {
            let (few, big) = (one.parse::<Decimal>().unwrap(), many(one));
            assert!(few.few().is_some(), "{one}");
            assert_eq!(few.to_string(), big.to_string());
            assert_eq!(few.scale(), big.scale(), "{one}");
            assert_eq!(few.whole_digits(), big.whole_digits(), "{one}");
            for two in texts {
                let other = two.parse::<Decimal>().unwrap();
                assert_eq!(few.cmp(&other), big.cmp(&many(two)), "{one} and {two}");
                assert_eq!(few.cmp(&other), few.cmp(&many(two)), "{one} and {two}");
            }
        }
    }
}
