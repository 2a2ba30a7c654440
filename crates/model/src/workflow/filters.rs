//! What expressions know beside minijinja's own filters.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp, civil};
use minijinja::value::{DynObject, Object, ObjectRepr, Serde};
use minijinja::{Environment, Error, ErrorKind, Value};

use super::json;
use crate::{Decimal, measure};

pub(super) fn add(environment: &mut Environment<'_>) {
    environment.add_filter("tojson", to_json);
    environment.add_filter("fromjson", from_json);
    environment.add_filter("decimal", decimal);
    environment.add_filter("date", date);
    environment.add_filter("plus", |time: &str, span: &str| moved(time, span, 1));
    environment.add_filter("minus", |time: &str, span: &str| moved(time, span, -1));
}

/// A decimal, compared as a number with all its digits; JSON has it as text.
#[derive(Debug)]
pub(super) struct Exact(pub(super) Decimal);

impl Object for Exact {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        Some(self.0.cmp(&other.downcast_ref::<Self>()?.0))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

fn wrong(detail: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, detail)
}

/// Null stays null.
fn decimal(value: &Value) -> Result<Value, Error> {
    if value.is_none() || value.downcast_object_ref::<Exact>().is_some() {
        return Ok(value.clone());
    }
    let text = match value.as_str() {
        Some(text) => text.to_owned(),
        None if value.is_number() => value.to_string(),
        None => {
            return Err(wrong(format!(
                "`decimal` takes a text or a number, not {value}"
            )));
        }
    };
    let decimal = text.parse::<Decimal>();
    let decimal = decimal.map_err(|_| wrong(format!("`{text}` is no decimal")))?;
    Ok(Value::from_object(Exact(decimal)))
}

fn to_json(value: &Value) -> Result<String, Error> {
    Ok(json::of(value).map_err(wrong)?.to_string())
}

fn from_json(text: &str) -> Result<Value, Error> {
    let json = serde_json::from_str::<serde_json::Value>(text);
    let json = json.map_err(|error| wrong(format!("the text is no JSON: {error}")))?;
    Ok(Value::from(Serde(json)))
}

/// The day of a timestamp in UTC, or as a format of strftime says.
fn date(text: &str, format: Option<&str>) -> Result<String, Error> {
    let format = format.unwrap_or("%Y-%m-%d");
    let unfit = |error: jiff::Error| wrong(format!("the format `{format}` does not fit: {error}"));
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return jiff::fmt::strtime::format(
            format,
            &timestamp.to_zoned_datetime(jiff::tz::TimeZone::UTC),
        )
        .map_err(unfit);
    }
    match text.parse::<civil::Date>() {
        Ok(date) => jiff::fmt::strtime::format(format, date).map_err(unfit),
        Err(_) => Err(wrong(format!("`{text}` is no date and no timestamp"))),
    }
}

/// A timestamp, or a date by whole days.
fn moved(text: &str, span: &str, sign: i32) -> Result<String, Error> {
    let duration = measure::duration(span).and_then(|span| SignedDuration::try_from(span).ok());
    let Some(duration) = duration else {
        return Err(wrong(format!("`{span}` is no time like 30s, 5m, 2h or 1d")));
    };
    let far = |_| wrong(format!("`{text}` moved by {span} is beyond the calendar"));
    let duration = if sign < 0 { -duration } else { duration };
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        let moved = timestamp.checked_add(duration).map_err(far)?;
        return Ok(moved.to_string());
    }
    match text.parse::<civil::Date>() {
        Ok(date) => Ok(date.checked_add(duration).map_err(far)?.to_string()),
        Err(_) => Err(wrong(format!("`{text}` is no date and no timestamp"))),
    }
}
