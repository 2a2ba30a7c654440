//! A typed value: the contract of types, in one place. Read from JSON and from text, written to both, compared.

mod calendar;
mod read;
mod write;

pub use calendar::{write_date, write_time, write_timestamp};
pub use write::write_json_string;

use std::cmp::Ordering;

use uuid::Uuid;

use crate::Decimal;

/// Enum values are `Text`, refs are `Uuid`.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Text(String),
    Int(i64),
    Float(f64),
    Decimal(Decimal),
    Bool(bool),
    Uuid(Uuid),
    Date(jiff::civil::Date),
    /// To the microsecond, as are timestamps.
    Time(jiff::civil::Time),
    Timestamp(jiff::Timestamp),
    /// JSON text in the canonical form of [`crate::canonical_json`].
    Json(String),
    Bytes(Vec<u8>),
    Vector(Vec<f32>),
    Array(Vec<Value>),
}

/// Why a text or a JSON value is no value of the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct BadValue {
    /// A [`wire::Fault`] code: `wrong_type`, `out_of_range`, `too_long`, `not_in_enum`, `invalid_value`.
    pub code: &'static str,
    pub detail: String,
}

impl BadValue {
    pub(crate) fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
        }
    }
}

impl Value {
    /// The order of the contract. `None` where either is null, the types differ, or the type has no order.
    pub fn compare(&self, other: &Self, nocase: bool) -> Option<Ordering> {
        match (self, other) {
            (Self::Text(one), Self::Text(two)) if nocase => Some(fold(one).cmp(&fold(two))),
            (Self::Text(one), Self::Text(two)) => Some(one.cmp(two)),
            (Self::Int(one), Self::Int(two)) => Some(one.cmp(two)),
            (Self::Float(one), Self::Float(two)) => one.partial_cmp(two),
            (Self::Decimal(one), Self::Decimal(two)) => Some(one.cmp(two)),
            (Self::Bool(one), Self::Bool(two)) => Some(one.cmp(two)),
            (Self::Uuid(one), Self::Uuid(two)) => Some(one.cmp(two)),
            (Self::Date(one), Self::Date(two)) => Some(one.cmp(two)),
            (Self::Time(one), Self::Time(two)) => Some(one.cmp(two)),
            (Self::Timestamp(one), Self::Timestamp(two)) => Some(one.cmp(two)),
            (Self::Bytes(one), Self::Bytes(two)) => Some(one.cmp(two)),
            _ => None,
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

/// Letters without their case, one for one: what `nocase` and `ilike` compare, the same on both engines.
pub fn fold(text: &str) -> String {
    text.chars().map(fold_char).collect()
}

/// Of longer words only so many characters count: an index entry has its bounds.
pub const WORD: usize = 200;

/// What a search compares: the runs of letters and digits, without case, in their order. Empty of a text that has none.
pub fn words(text: &str) -> Vec<String> {
    let folded = fold(text);
    let runs = folded.split(|c: char| !c.is_alphanumeric());
    let words = runs.filter(|run| !run.is_empty());
    words
        .map(|word| word.chars().take(WORD).collect())
        .collect()
}

/// Unicode's simple lower case: characters whose lower case is several stay as they are.
pub fn fold_char(c: char) -> char {
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}
