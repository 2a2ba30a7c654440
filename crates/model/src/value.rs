//! A typed value: the contract of types, in one place. Read from JSON and from text, written to both, compared.

use std::cmp::Ordering;

use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{Decimal, Field};

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
    /// JSON text, checked, without insignificant white space.
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

impl Value {
    /// Reads a JSON value as one of the field's: type, bounds, lengths and enum checked. JSON null is `Null`.
    /// Numbers keep their digits; an int or decimal may also come as a string.
    pub fn from_json(field: &Field, raw: &RawValue) -> Result<Self, BadValue> {
        let _ = (field, raw);
        todo!()
    }

    /// Reads text (a query string's operand, a CSV cell) as a value of the field's type, bounds *not* checked, since
    /// `rating=gt.100` is a fair question. For an array field: one item of it.
    pub fn from_text(field: &Field, text: &str) -> Result<Self, BadValue> {
        let _ = (field, text);
        todo!()
    }

    /// As JSON, by the contract: decimals as strings with their scale, timestamps in UTC with `Z`, bytes in base64.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        let _ = out;
        todo!()
    }

    /// As a CSV cell or a cursor's part would hold it: no quotes. Null is empty.
    pub fn write_text(&self, out: &mut Vec<u8>) {
        let _ = out;
        todo!()
    }

    /// The order of the contract. `None` where either is null, the types differ, or the type has no order.
    pub fn compare(&self, other: &Self, nocase: bool) -> Option<Ordering> {
        let _ = (other, nocase);
        todo!()
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}
