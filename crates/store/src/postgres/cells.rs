//! Cells of PostgreSQL's binary format, read without a detour.

use jiff::ToSpan as _;
use model::{Decimal, Field, Kind, Value};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};
use uuid::Uuid;

use crate::Error;
use crate::encode::{Cells, compact, json_text};

/// A cell's bytes as they came.
struct Raw<'a>(Option<&'a [u8]>);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(Some(raw)))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

pub(super) fn raw(row: &Row, at: usize) -> Result<Option<&[u8]>, Error> {
    row.try_get::<_, Raw<'_>>(at)
        .map(|raw| raw.0)
        .map_err(|_| garbled())
}

fn garbled() -> Error {
    Error::Internal("the database sent a cell that cannot be read".to_owned())
}

fn fixed<const N: usize>(raw: &[u8]) -> Result<[u8; N], Error> {
    raw.try_into().map_err(|_| garbled())
}

pub(super) fn int(raw: &[u8]) -> Result<i64, Error> {
    fixed(raw).map(i64::from_be_bytes)
}

pub(super) fn uuid(raw: &[u8]) -> Result<Uuid, Error> {
    fixed(raw).map(Uuid::from_bytes)
}

fn text(raw: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(raw).map_err(|_| garbled())
}

impl Cells for Row {
    fn is_true(&self, at: usize) -> Result<bool, Error> {
        Ok(raw(self, at)? == Some(&[1]))
    }

    fn write_json(&self, at: usize, field: &Field, out: &mut Vec<u8>) -> Result<(), Error> {
        let Some(raw) = raw(self, at)? else {
            out.extend_from_slice(b"null");
            return Ok(());
        };
        match &field.kind {
            _ if field.array => array(raw, field)?.write_json(out),
            Kind::Text | Kind::Enum(_) => json_text(text(raw)?, out),
            Kind::Int => out.extend_from_slice(itoa::Buffer::new().format(int(raw)?).as_bytes()),
            Kind::Bool => out.extend_from_slice(if raw == [1] { b"true" } else { b"false" }),
            Kind::Uuid | Kind::Ref { .. } => {
                let mut buffer = [0; 36];
                out.push(b'"');
                out.extend_from_slice(uuid(raw)?.hyphenated().encode_lower(&mut buffer).as_bytes());
                out.push(b'"');
            }
            Kind::Json => compact(text(raw.get(1..).unwrap_or(&[]))?, out),
            Kind::Decimal { .. } => {
                out.push(b'"');
                numeric_text(raw, out)?;
                out.push(b'"');
            }
            Kind::Date | Kind::Timestamp => moment(raw, &field.kind, out)?,
            _ => scalar(raw, &field.kind)?.write_json(out),
        }
        Ok(())
    }

    fn value(&self, at: usize, field: &Field) -> Result<Value, Error> {
        match raw(self, at)? {
            None => Ok(Value::Null),
            Some(raw) if field.array => array(raw, field),
            Some(raw) => scalar(raw, &field.kind),
        }
    }
}

/// A date or a timestamp as JSON.
fn moment(raw: &[u8], kind: &Kind, out: &mut Vec<u8>) -> Result<(), Error> {
    out.push(b'"');
    let written = if *kind == Kind::Date {
        let days = i64::from(i32::from_be_bytes(fixed(raw)?));
        model::write_date(days + super::params::EPOCH_DAYS, out)
    } else {
        let micros = int(raw)?.checked_add(super::params::EPOCH_MICROS);
        model::write_timestamp(micros.ok_or_else(garbled)?, out)
    };
    if written.is_none() {
        out.pop();
        scalar(raw, kind)?.write_json(out);
        return Ok(());
    }
    out.push(b'"');
    Ok(())
}

pub(super) fn scalar(raw: &[u8], kind: &Kind) -> Result<Value, Error> {
    Ok(match kind {
        Kind::Text | Kind::Enum(_) => Value::Text(text(raw)?.to_owned()),
        Kind::Int => Value::Int(int(raw)?),
        Kind::Float => Value::Float(fixed(raw).map(f64::from_be_bytes)?),
        Kind::Decimal { .. } => Value::Decimal(numeric(raw)?),
        Kind::Bool => Value::Bool(raw == [1]),
        Kind::Uuid | Kind::Ref { .. } => Value::Uuid(uuid(raw)?),
        Kind::Date => {
            let days = i64::from(i32::from_be_bytes(fixed(raw)?));
            let date = jiff::civil::date(2000, 1, 1)
                .checked_add(days.days())
                .map_err(|_| garbled())?;
            Value::Date(date)
        }
        Kind::Time => {
            let time = jiff::civil::Time::midnight().checked_add(int(raw)?.microseconds());
            Value::Time(time.map_err(|_| garbled())?)
        }
        Kind::Timestamp => {
            let since = int(raw)?
                .checked_add(super::params::EPOCH_MICROS)
                .ok_or_else(garbled)?;
            Value::Timestamp(jiff::Timestamp::from_microsecond(since).map_err(|_| garbled())?)
        }
        Kind::Json => {
            let mut out = Vec::with_capacity(raw.len());
            compact(text(raw.get(1..).unwrap_or(&[]))?, &mut out);
            Value::Json(String::from_utf8(out).map_err(|_| garbled())?)
        }
        Kind::Bytes => Value::Bytes(raw.to_vec()),
        Kind::Vector { .. } => {
            let mut floats = Vec::new();
            for item in items(raw)? {
                floats.push(f32::from_be_bytes(fixed(item)?));
            }
            Value::Vector(floats)
        }
    })
}

fn array(raw: &[u8], field: &Field) -> Result<Value, Error> {
    let items = items(raw)?
        .into_iter()
        .map(|item| scalar(item, &field.kind));
    Ok(Value::Array(items.collect::<Result<_, _>>()?))
}

/// The items of a one-dimensional array without nulls.
fn items(raw: &[u8]) -> Result<Vec<&[u8]>, Error> {
    let word = |at: usize| -> Result<i32, Error> {
        raw.get(at..at + 4)
            .ok_or_else(garbled)
            .and_then(fixed)
            .map(i32::from_be_bytes)
    };
    if word(0)? == 0 {
        return Ok(Vec::new());
    }
    let count = usize::try_from(word(12)?).map_err(|_| garbled())?;
    let mut items = Vec::with_capacity(count.min(raw.len()));
    let mut at = 20;
    for _ in 0..count {
        let length = usize::try_from(word(at)?).map_err(|_| garbled())?;
        items.push(raw.get(at + 4..at + 4 + length).ok_or_else(garbled)?);
        at += 4 + length;
    }
    Ok(items)
}

/// Base-10,000 digits, a weight of the first, a sign and the digits to show after the point.
fn numeric_text(raw: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    let word = |at: usize| -> Result<i16, Error> {
        raw.get(at..at + 2)
            .ok_or_else(garbled)
            .and_then(fixed)
            .map(i16::from_be_bytes)
    };
    let (count, weight, sign, scale) = (word(0)?, word(2)?, word(4)?, word(6)?);
    let digit = |index: i16| -> Result<i16, Error> {
        match usize::try_from(index) {
            Ok(index) if index < usize::try_from(count).map_err(|_| garbled())? => {
                word(8 + 2 * index)
            }
            _ => Ok(0),
        }
    };
    if sign == 0x4000 {
        out.push(b'-');
    }
    for index in 0..=weight.max(0) {
        let digit = if weight < 0 { 0 } else { digit(index)? };
        if index == 0 {
            out.extend_from_slice(itoa::Buffer::new().format(digit).as_bytes());
        } else {
            four(digit, out);
        }
    }
    if scale > 0 {
        out.push(b'.');
        let whole = out.len();
        let mut index = weight + 1;
        while out.len() - whole < usize::try_from(scale).map_err(|_| garbled())? {
            four(digit(index)?, out);
            index += 1;
        }
        out.truncate(whole + usize::try_from(scale).map_err(|_| garbled())?);
    }
    Ok(())
}

fn four(group: i16, out: &mut Vec<u8>) {
    for unit in [1_000, 100, 10, 1] {
        out.push(b'0' + u8::try_from(group / unit % 10).unwrap_or_default());
    }
}

pub(super) fn numeric(raw: &[u8]) -> Result<Decimal, Error> {
    let mut out = Vec::new();
    numeric_text(raw, &mut out)?;
    text(&out)?.parse().map_err(|_| garbled())
}
