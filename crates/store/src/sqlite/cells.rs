//! Cells of SQLite by the contract of types, and values as its parameters.

use std::str::FromStr as _;

use model::{Decimal, Field, Kind, Value};
use rusqlite::Row;
use rusqlite::types::{ToSqlOutput, ValueRef};
use uuid::Uuid;

use super::functions;
use crate::Error;
use crate::encode::{Cells, json_text};
use crate::sql::Arg;

fn garbled(_: impl std::fmt::Debug) -> Error {
    Error::Internal("the database file holds a cell that cannot be read".to_owned())
}

fn cell<'a>(row: &'a Row<'_>, at: usize) -> Result<ValueRef<'a>, Error> {
    row.get_ref(at).map_err(garbled)
}

impl Cells for Row<'_> {
    fn is_true(&self, at: usize) -> Result<bool, Error> {
        Ok(cell(self, at)? == ValueRef::Integer(1))
    }

    fn write_json(&self, at: usize, field: &Field, out: &mut Vec<u8>) -> Result<(), Error> {
        match (cell(self, at)?, &field.kind) {
            (ValueRef::Null, _) => out.extend_from_slice(b"null"),
            (ValueRef::Text(text), Kind::Text | Kind::Enum(_)) if !field.array => {
                json_text(std::str::from_utf8(text).map_err(garbled)?, out);
            }
            // Arrays and json are kept in the form that they have on the wire.
            (ValueRef::Text(text), kind) if field.array || *kind == Kind::Json => {
                out.extend_from_slice(text);
            }
            (
                ValueRef::Text(text),
                Kind::Uuid | Kind::Ref { .. } | Kind::Decimal { .. } | Kind::Date,
            ) => {
                out.push(b'"');
                out.extend_from_slice(text);
                out.push(b'"');
            }
            _ => self.value(at, field)?.write_json(out),
        }
        Ok(())
    }

    fn value(&self, at: usize, field: &Field) -> Result<Value, Error> {
        let text = |bytes| std::str::from_utf8(bytes).map_err(garbled);
        Ok(match (cell(self, at)?, &field.kind) {
            (ValueRef::Null, _) => Value::Null,
            (ValueRef::Text(list), kind) if field.array => Value::Array(
                functions::array(kind, text(list)?)
                    .ok_or("array")
                    .map_err(garbled)?,
            ),
            (ValueRef::Text(string), Kind::Text | Kind::Enum(_)) => {
                Value::Text(text(string)?.to_owned())
            }
            (ValueRef::Text(string), Kind::Json) => Value::Json(text(string)?.to_owned()),
            (ValueRef::Text(string), Kind::Decimal { .. }) => {
                Value::Decimal(Decimal::from_str(text(string)?).map_err(garbled)?)
            }
            (ValueRef::Integer(int), Kind::Decimal { .. }) => Value::Decimal(Decimal::from(int)),
            (ValueRef::Text(string), Kind::Uuid | Kind::Ref { .. }) => {
                Value::Uuid(Uuid::try_parse(text(string)?).map_err(garbled)?)
            }
            (ValueRef::Text(string), Kind::Date) => {
                Value::Date(text(string)?.parse().map_err(garbled)?)
            }
            (ValueRef::Text(string), Kind::Time) => {
                Value::Time(text(string)?.parse().map_err(garbled)?)
            }
            (ValueRef::Text(string), Kind::Timestamp) => {
                Value::Timestamp(text(string)?.parse().map_err(garbled)?)
            }
            (ValueRef::Integer(int), Kind::Int) => Value::Int(int),
            (ValueRef::Integer(int), Kind::Bool) => Value::Bool(int != 0),
            (ValueRef::Real(float), Kind::Float) => Value::Float(float),
            (ValueRef::Blob(bytes), Kind::Bytes) => Value::Bytes(bytes.to_vec()),
            (ValueRef::Blob(bytes), Kind::Vector { .. }) => {
                let float =
                    |chunk: &[u8]| chunk.try_into().map(f32::from_le_bytes).map_err(garbled);
                Value::Vector(bytes.chunks(4).map(float).collect::<Result<_, _>>()?)
            }
            (other, kind) => return Err(garbled((other, kind))),
        })
    }
}

impl rusqlite::ToSql for Arg {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        use rusqlite::types::Value as Owned;
        Ok(match &self.value {
            Value::Text(text) | Value::Json(text) => {
                ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes()))
            }
            Value::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            Value::Null => ToSqlOutput::Owned(Owned::Null),
            Value::Int(int) => ToSqlOutput::Owned(Owned::Integer(*int)),
            Value::Float(float) => ToSqlOutput::Owned(Owned::Real(*float)),
            Value::Bool(bool) => ToSqlOutput::Owned(Owned::Integer(i64::from(*bool))),
            // Six digits always, so that the texts sort by time.
            Value::Time(time) => ToSqlOutput::Owned(Owned::Text(format!("{time:.6}"))),
            Value::Timestamp(timestamp) => {
                ToSqlOutput::Owned(Owned::Text(format!("{timestamp:.6}")))
            }
            Value::Vector(floats) => ToSqlOutput::Owned(Owned::Blob(
                floats
                    .iter()
                    .flat_map(|float| float.to_le_bytes())
                    .collect(),
            )),
            Value::Array(_) => {
                let mut json = Vec::new();
                self.value.write_json(&mut json);
                ToSqlOutput::Owned(Owned::Text(String::from_utf8_lossy(&json).into_owned()))
            }
            Value::Decimal(_) | Value::Uuid(_) | Value::Date(_) => {
                let mut text = Vec::new();
                self.value.write_text(&mut text);
                ToSqlOutput::Owned(Owned::Text(String::from_utf8_lossy(&text).into_owned()))
            }
        })
    }
}
