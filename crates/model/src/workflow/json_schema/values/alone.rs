//! Rules for numbers and texts, and of how long something is.

use std::cmp::Ordering;

use serde_json::Value;

use super::super::told::{self, At, Told};
use super::super::{Bound, Rule, Sized, number};

pub(super) fn check(rule: &Rule, value: &Value, at: &At<'_>, told: &mut Told) -> bool {
    match (rule, value) {
        (Rule::Bound(bound, limit), Value::Number(number)) => {
            let order = number::compare(number, limit);
            let fits = match bound {
                Bound::Least => order != Ordering::Less,
                Bound::Most => order != Ordering::Greater,
                Bound::Above => order == Ordering::Greater,
                Bound::Below => order == Ordering::Less,
            };
            fits || told.refuse(at, "out_of_range", || {
                format!("{} is {}", at.subject(), told::bound(*bound, limit))
            })
        }
        (Rule::MultipleOf(of), Value::Number(number)) => {
            number::is_multiple(number, of)
                || told.refuse(at, "invalid_value", || {
                    format!("{} is not a multiple of {of}", at.subject())
                })
        }
        (Rule::Pattern(regex, pattern), Value::String(text)) => {
            regex.is_match(text)
                || told.refuse(at, "invalid_value", || {
                    format!("{} does not match `{pattern}`", at.subject())
                })
        }
        (Rule::Least(Sized::Text, _) | Rule::Most(Sized::Text, _), Value::String(text)) => {
            sized(rule, Sized::Text, text.chars().count(), at, told)
        }
        _ => true,
    }
}

/// Whether so many are enough and not too many, where the rule is of what they are.
pub(super) fn sized(rule: &Rule, of: Sized, count: usize, at: &At<'_>, told: &mut Told) -> bool {
    let count = count as u64;
    match rule {
        Rule::Least(sized, limit) if *sized == of && count < *limit => {
            told.refuse(at, "too_short", || {
                format!(
                    "{} has fewer than {}",
                    at.subject(),
                    told::units(of, *limit)
                )
            })
        }
        Rule::Most(sized, limit) if *sized == of && count > *limit => {
            told.refuse(at, "too_long", || {
                format!("{} has more than {}", at.subject(), told::units(of, *limit))
            })
        }
        _ => true,
    }
}
