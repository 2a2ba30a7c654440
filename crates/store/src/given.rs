//! The answer to an insert, written from the values that it gives: they are what a reader would find, to the letter,
//! so the database need not send them back.

use bytes::Bytes;
use model::{Field, FieldId, Value};

use crate::encode::{self, Cells};
use crate::{Column, Error, Insert, Written, WrittenRow};

/// Where the values of an answer stand in an insert's rows.
pub(crate) struct Places {
    id: usize,
    /// Of each column of the answer.
    columns: Vec<usize>,
}

impl Places {
    /// `None` where the answer needs more than the values: what another wrote before, or what a ref points to.
    pub(crate) fn of(insert: &Insert) -> Option<Self> {
        if insert.conflict.is_some() {
            return None;
        }
        let place = |field: FieldId| insert.fields.iter().position(|given| *given == field);
        let column = |column: &Column| match column {
            Column::Field(field) => place(*field),
            Column::Embed { .. } => None,
        };
        Some(Self {
            id: place(FieldId::ID)?,
            columns: insert.returning.iter().map(column).collect::<Option<_>>()?,
        })
    }

    /// The insert's rows as they were written, each the first version of its record. Their bodies are parts of one text.
    pub(crate) fn written(&self, insert: &Insert) -> Result<Written, Error> {
        let rows = &insert.rows;
        let mut out = Vec::new();
        if !insert.returning.is_empty() {
            out.reserve(rows.len() * 384);
        }
        let mut ends = Vec::with_capacity(rows.len());
        for row in rows {
            if !insert.returning.is_empty() {
                let cells = Given { places: self, row };
                encode::object(&cells, &insert.model, &insert.returning, &mut out)?;
            }
            ends.push(out.len());
        }
        let text = Bytes::from(out);
        let mut begin = 0;
        let row = |(row, end): (&Vec<Value>, usize)| {
            let Some(Value::Uuid(id)) = row.get(self.id) else {
                return Err(Error::Internal("an insert without an id".to_owned()));
            };
            let body = text.slice(std::mem::replace(&mut begin, end)..end);
            Ok(Some(WrittenRow {
                id: *id,
                version: 1,
                created: true,
                body,
            }))
        };
        let rows = rows.iter().zip(ends).map(row);
        Ok(Written {
            rows: rows.collect::<Result<_, _>>()?,
        })
    }
}

/// A row's values as the cells of its answer.
struct Given<'a> {
    places: &'a Places,
    row: &'a [Value],
}

impl Given<'_> {
    fn cell(&self, at: usize) -> Result<&Value, Error> {
        let place = self.places.columns.get(at);
        place
            .and_then(|place| self.row.get(*place))
            .ok_or_else(|| Error::Internal("an insert without one of its values".to_owned()))
    }
}

impl Cells for Given<'_> {
    fn is_true(&self, at: usize) -> Result<bool, Error> {
        Ok(*self.cell(at)? == Value::Bool(true))
    }

    fn write_json(&self, at: usize, _: &Field, out: &mut Vec<u8>) -> Result<(), Error> {
        self.cell(at)?.write_json(out);
        Ok(())
    }

    fn value(&self, at: usize, _: &Field) -> Result<Value, Error> {
        self.cell(at).cloned()
    }
}
