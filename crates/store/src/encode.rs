//! Rows → bytes: one writer of JSON, JSON Lines and CSV for both engines.

use model::{Field, Model, Value, write_json_string};

use crate::{Column, Error, Format};

/// A row as an engine hands it over. Two engines, two rows.
pub(crate) trait Cells {
    /// Whether an embed's target is there.
    fn is_true(&self, at: usize) -> Result<bool, Error>;
    /// Writes the cell as JSON, without building a [`Value`] where that is simple.
    fn write_json(&self, at: usize, field: &Field, out: &mut Vec<u8>) -> Result<(), Error>;
    fn value(&self, at: usize, field: &Field) -> Result<Value, Error>;
}

/// The record as an object. Answers where the columns behind the record's begin.
pub(crate) fn object(
    row: &impl Cells,
    model: &Model,
    columns: &[Column],
    out: &mut Vec<u8>,
) -> Result<usize, Error> {
    let mut at = 0;
    out.push(b'{');
    for (index, column) in columns.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match column {
            Column::Field(field) => {
                let field = model.field(*field);
                name(&field.name, out);
                row.write_json(at, field, out)?;
                at += 1;
            }
            Column::Embed {
                field,
                target,
                fields,
                ..
            } => {
                name(&model.field(*field).name, out);
                let there = row.is_true(at)?;
                at += 1;
                if there {
                    for (inner, id) in fields.iter().enumerate() {
                        out.push(if inner == 0 { b'{' } else { b',' });
                        let field = target.field(*id);
                        name(&field.name, out);
                        row.write_json(at + inner, field, out)?;
                    }
                    out.extend_from_slice(if fields.is_empty() { b"{}" } else { b"}" });
                } else {
                    out.extend_from_slice(b"null");
                }
                at += fields.len();
            }
        }
    }
    out.push(b'}');
    Ok(at)
}

/// Names are checked words, so they need no escapes.
fn name(name: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// A list's frame around its records.
pub(crate) struct Framed {
    format: Format,
    pub(crate) out: Vec<u8>,
    pub(crate) rows: u64,
}

impl Framed {
    pub(crate) fn new(format: Format, model: &Model, columns: &[Column]) -> Self {
        let mut out = Vec::with_capacity(4096);
        match format {
            Format::JsonArray => out.push(b'['),
            Format::JsonLines => {}
            Format::Csv => header(model, columns, &mut out),
        }
        Self {
            format,
            out,
            rows: 0,
        }
    }

    pub(crate) fn row(
        &mut self,
        row: &impl Cells,
        model: &Model,
        columns: &[Column],
    ) -> Result<(), Error> {
        match self.format {
            Format::JsonArray => {
                if self.rows > 0 {
                    self.out.push(b',');
                }
                object(row, model, columns, &mut self.out)?;
            }
            Format::JsonLines => {
                object(row, model, columns, &mut self.out)?;
                self.out.push(b'\n');
            }
            Format::Csv => csv_row(row, model, columns, &mut self.out)?,
        }
        self.rows += 1;
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        if self.format == Format::JsonArray {
            self.out.push(b']');
        }
        self.out
    }
}

/// An embed's columns are `director.name`.
fn header(model: &Model, columns: &[Column], out: &mut Vec<u8>) {
    let mut names = Vec::new();
    for column in columns {
        match column {
            Column::Field(field) => names.push(model.field(*field).name.clone()),
            Column::Embed {
                field,
                target,
                fields,
                ..
            } => {
                let outer = &model.field(*field).name;
                names.extend(
                    fields
                        .iter()
                        .map(|field| format!("{outer}.{}", target.field(*field).name)),
                );
            }
        }
    }
    out.extend_from_slice(names.join(",").as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn csv_row(
    row: &impl Cells,
    model: &Model,
    columns: &[Column],
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let mut at = 0;
    let mut first = true;
    let mut cell = |at: usize, field: &Field, out: &mut Vec<u8>| -> Result<(), Error> {
        if !std::mem::replace(&mut first, false) {
            out.push(b',');
        }
        csv_cell(&row.value(at, field)?, out);
        Ok(())
    };
    for column in columns {
        match column {
            Column::Field(field) => {
                cell(at, model.field(*field), out)?;
                at += 1;
            }
            Column::Embed { target, fields, .. } => {
                for (inner, field) in fields.iter().enumerate() {
                    cell(at + 1 + inner, target.field(*field), out)?;
                }
                at += 1 + fields.len();
            }
        }
    }
    out.extend_from_slice(b"\r\n");
    Ok(())
}

/// Nothing is null, `""` the empty text.
fn csv_cell(value: &Value, out: &mut Vec<u8>) {
    let mut text = Vec::new();
    value.write_text(&mut text);
    let quoted = !value.is_null()
        && (text.is_empty()
            || text
                .iter()
                .any(|byte| matches!(byte, b'"' | b',' | b'\n' | b'\r')));
    if !quoted {
        return out.extend_from_slice(&text);
    }
    out.push(b'"');
    for byte in text {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// JSON without the white space that PostgreSQL's jsonb prints between its tokens.
pub(crate) fn compact(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let (mut in_string, mut escaped, mut done) = (false, false, 0);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b' ' if !in_string => {
                out.extend_from_slice(&bytes[done..at]);
                done = at + 1;
            }
            _ => {}
        }
    }
    out.extend_from_slice(&bytes[done..]);
}

/// A text cell as JSON.
pub(crate) fn json_text(text: &str, out: &mut Vec<u8>) {
    write_json_string(text, out);
}
