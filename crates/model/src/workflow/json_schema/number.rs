//! Numbers as they are written: 0.3 is a multiple of 0.1.

use std::cmp::Ordering;

use bigdecimal::{BigDecimal, Zero};
use serde_json::Number;

pub(super) fn is_integer(number: &Number) -> bool {
    whole(number).is_some() || number.as_f64().is_some_and(|float| float.fract() == 0.0)
}

pub(super) fn compare(left: &Number, right: &Number) -> Ordering {
    match (whole(left), whole(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => exact(left).cmp(&exact(right)),
    }
}

/// Of what is above 0.
pub(super) fn is_multiple(number: &Number, of: &Number) -> bool {
    match (whole(number), whole(of)) {
        (Some(number), Some(of)) => number.checked_rem(of) == Some(0),
        _ => (exact(number) % exact(of)).is_zero(),
    }
}

/// Equal numbers have one text.
pub(super) fn text(number: &Number) -> String {
    match whole(number) {
        Some(whole) => whole.to_string(),
        None => exact(number).normalized().to_string(),
    }
}

fn whole(number: &Number) -> Option<i128> {
    let signed = number.as_i64().map(i128::from);
    signed.or_else(|| number.as_u64().map(i128::from))
}

/// All that JSON's numbers here can be.
fn exact(number: &Number) -> BigDecimal {
    number.to_string().parse().unwrap_or_default()
}
