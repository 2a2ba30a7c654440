//! One cell of a data file as a value of a field.

use jiff::fmt::strtime::BrokenDownTime;
use serde_json::value::RawValue;

use crate::{Field, Kind, Value};

/// What a data file holds in one place.
#[derive(Debug, Clone)]
pub(super) enum Cell<'a> {
    Json(&'a RawValue),
    /// Of a CSV; `None` where nothing stands between the commas.
    Text(Option<String>),
}

impl Cell<'_> {
    /// What people see: a string without its quotes, a number's digits; `None` for null.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => text.clone(),
            Self::Json(raw) => match raw.get() {
                "null" => None,
                text if text.starts_with('"') => serde_json::from_str(text).ok(),
                text => Some(text.to_owned()),
            },
        }
    }

    /// The value for the field, by its bounds too.
    pub(super) fn value(
        &self,
        field: &Field,
        formats: &[String],
        null_if: &[String],
    ) -> Result<Value, String> {
        let Some(text) = self.text() else {
            return Ok(Value::Null);
        };
        if null_if.contains(&text) {
            return Ok(Value::Null);
        }
        let value = match self {
            _ if !formats.is_empty() => parsed(field, formats, &text)?,
            // A title may be a number in its file, such as 1776: its digits are the text.
            Self::Json(raw)
                if takes_digits(field)
                    && raw
                        .get()
                        .starts_with(|c: char| c == '-' || c.is_ascii_digit()) =>
            {
                let mut quoted = Vec::new();
                crate::write_json_string(&text, &mut quoted);
                of_json(field, String::from_utf8_lossy(&quoted).into_owned())?
            }
            Self::Json(raw) => return Value::from_json(field, raw).map_err(|bad| bad.detail),
            Self::Text(_) if field.array => of_json(field, text)?,
            Self::Text(_) => Value::from_text(field, &text).map_err(|bad| bad.detail)?,
        };
        value.check_bounds(field).map_err(|bad| bad.detail)?;
        Ok(value)
    }
}

fn takes_digits(field: &Field) -> bool {
    matches!(field.kind, Kind::Text | Kind::Enum(_)) && !field.array
}

fn of_json(field: &Field, json: String) -> Result<Value, String> {
    let raw = RawValue::from_string(json).map_err(|_| format!("{} must be JSON", field.name))?;
    Value::from_json(field, &raw).map_err(|bad| bad.detail)
}

/// Reads a date or a time as one of the formats has it; nothing is filled in that is not written.
fn parsed(field: &Field, formats: &[String], text: &str) -> Result<Value, String> {
    let mut reason = String::new();
    for format in formats {
        let value = BrokenDownTime::parse(format, text).and_then(|time| {
            Ok(match field.kind {
                Kind::Date => Value::Date(time.to_date()?),
                Kind::Time => Value::Time(time.to_time()?),
                _ => Value::Timestamp(time.to_timestamp()?),
            })
        });
        match value {
            Ok(value) if fits_contract(&value) => return Ok(value),
            Ok(_) => "it is before the year 1, after 9999 or finer than microseconds"
                .clone_into(&mut reason),
            Err(error) => reason = error.to_string(),
        }
    }
    Err(format!(
        "`{text}` is not written as {}: {reason}",
        formats.join(" or ")
    ))
}

fn fits_contract(value: &Value) -> bool {
    match value {
        Value::Date(date) => (1..=9999).contains(&date.year()),
        Value::Time(time) => time.nanosecond() == 0,
        Value::Timestamp(timestamp) => {
            let time = jiff::tz::Offset::UTC.to_datetime(*timestamp);
            (1..=9999).contains(&time.year()) && timestamp.subsec_nanosecond() % 1_000 == 0
        }
        _ => true,
    }
}

/// Whether a format is one that can be read with.
pub(super) fn check_format(format: &str) -> Result<(), String> {
    let sample = jiff::Timestamp::UNIX_EPOCH.to_zoned_datetime(jiff::tz::TimeZone::UTC);
    jiff::fmt::strtime::format(format, &sample)
        .map(drop)
        .map_err(|error| error.to_string())?;
    if format.contains('%') {
        Ok(())
    } else {
        Err("it names no part of a date or time".to_owned())
    }
}
