//! A body as JSON, checked for form before anyone reads values from it.

use std::borrow::Cow;

use model::{Csv, CsvRecord, Field, FieldId, Model, Object, Value};
use serde_json::value::RawValue;
use wire::{Code, Fault, Media, Problem};

pub(crate) fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(Code::MalformedBody).detail(detail)
}

/// Well-formed JSON text that nests no deeper than allowed; empty where there is no body.
pub(crate) fn text(bytes: &[u8], most_depth: usize) -> Result<&str, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("the body is not UTF-8"))?;
    let text = text.trim_matches([' ', '\t', '\n', '\r']);
    if text.is_empty() {
        return Ok(text);
    }
    check(text, most_depth)?;
    Ok(text)
}

/// The same of a list that is taken apart next, which shows as well whether it is well-formed.
fn list_text(bytes: &[u8], most_depth: usize) -> Result<&str, Problem> {
    let begun = bytes.trim_ascii_start();
    if begun.first() != Some(&b'[') {
        return text(bytes, most_depth);
    }
    let text = std::str::from_utf8(begun).map_err(|_| malformed("the body is not UTF-8"))?;
    need_depth(text, most_depth)?;
    Ok(text)
}

fn need_depth(text: &str, most_depth: usize) -> Result<(), Problem> {
    if depth(text) <= most_depth {
        return Ok(());
    }
    Err(malformed(format!(
        "the body nests deeper than {most_depth} levels"
    )))
}

fn check(text: &str, most_depth: usize) -> Result<(), Problem> {
    need_depth(text, most_depth)?;
    serde_json::from_str::<&RawValue>(text)
        .map(|_| ())
        .map_err(|error| malformed(error.to_string()))
}

/// How deep brackets nest, strings aside.
fn depth(text: &str) -> usize {
    let (mut depth, mut most, mut quoted, mut escaped) = (0usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                depth += 1;
                most = most.max(depth);
            }
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// Text that was checked before, as an object.
pub(crate) fn object<'a>(text: &'a str, pointer: &str) -> Result<Object<'a>, Problem> {
    if text.is_empty() {
        return Ok(Object {
            members: Vec::new(),
        });
    }
    if !text.starts_with('{') {
        return Err(wrong_type(pointer, "an object is expected here"));
    }
    Object::parse(text).map_err(malformed)
}

/// Text that was checked before, as a list.
pub(crate) fn list<'a>(text: &'a str, pointer: &str) -> Result<Vec<&'a RawValue>, Problem> {
    if !text.starts_with('[') {
        return Err(wrong_type(pointer, "a list is expected here"));
    }
    serde_json::from_str(text).map_err(|error| malformed(error.to_string()))
}

/// A whole number of any spelling that JSON has for it: `7`, `7.0`, `7e0`.
pub(crate) fn whole<T: std::str::FromStr>(raw: &RawValue) -> Option<T> {
    let text = raw.get();
    text.parse().ok().or_else(|| {
        let decimal: model::Decimal = text.parse().ok()?;
        let plain = decimal.to_string();
        let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
        let is_whole = fraction.bytes().all(|digit| digit == b'0');
        is_whole.then(|| whole.parse().ok())?
    })
}

pub(crate) fn wrong_type(pointer: &str, detail: &str) -> Problem {
    crate::problem::of_input(vec![Fault::new(pointer, "wrong_type", detail)])
}

/// A JSON list of texts, or one text with commas, as in `order` and `select`.
pub(crate) fn texts(raw: &RawValue, pointer: &str) -> Result<Vec<String>, Fault> {
    let wrong = || Fault::new(pointer, "wrong_type", "a list of texts is expected here");
    if raw.get().starts_with('"') {
        let text: String = serde_json::from_str(raw.get()).map_err(|_| wrong())?;
        return Ok(vec![text]);
    }
    serde_json::from_str(raw.get()).map_err(|_| wrong())
}

/// JSON Lines or CSV as a JSON list of records, so that there is one way in. A field that the caller does not know has
/// no type to be read by.
pub(crate) fn as_json_list<'a>(
    media: Media,
    bytes: &'a [u8],
    model: &Model,
    knows: &dyn Fn(FieldId) -> bool,
    most_depth: usize,
) -> Result<Cow<'a, str>, Problem> {
    match media {
        Media::Json => list_text(bytes, most_depth).map(Cow::Borrowed),
        Media::JsonLines => {
            let text =
                std::str::from_utf8(bytes).map_err(|_| malformed("the body is not UTF-8"))?;
            let mut list = String::with_capacity(text.len() + 2);
            let lines = text.lines().enumerate();
            for (index, line) in lines.filter(|(_, line)| !line.trim_ascii().is_empty()) {
                check(line, most_depth).map_err(|problem| {
                    malformed(format!("line {}: {}", index + 1, problem.detail))
                })?;
                list.push(if list.is_empty() { '[' } else { ',' });
                list.push_str(line);
            }
            list.push_str(if list.is_empty() { "[]" } else { "]" });
            Ok(Cow::Owned(list))
        }
        Media::Csv => csv(bytes, model, knows).map(Cow::Owned),
        Media::EventStream => {
            Err(Problem::new(Code::UnsupportedMedia).detail("no records are read from events"))
        }
    }
}

fn csv(bytes: &[u8], model: &Model, knows: &dyn Fn(FieldId) -> bool) -> Result<String, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("the body is not UTF-8"))?;
    let mut records = Csv::new(text);
    let bad = |bad: model::BadCsv| malformed(format!("line {}: {}", bad.line, bad.detail));
    let Some(header) = records.next().transpose().map_err(bad)? else {
        return Ok("[]".to_owned());
    };
    let header = Header::new(header, model, knows);
    let mut out = b"[".to_vec();
    let mut faults = Vec::new();
    // Of records the values tell; where there are none, a header of other columns is a mistake all the same.
    let mut records = records.peekable();
    if records.peek().is_none() {
        header.all_known(model)?;
    }
    for (index, record) in records.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        header.write(&record.map_err(bad)?, index, &mut out, &mut faults);
    }
    if !faults.is_empty() {
        return Err(crate::problem::of_input(faults));
    }
    out.push(b']');
    String::from_utf8(out).map_err(|_| malformed("the body is not UTF-8"))
}

/// The columns of a CSV text, as the model knows them.
pub(crate) struct Header<'a>(Vec<(String, Option<&'a Field>)>);

impl<'a> Header<'a> {
    pub(crate) fn new(
        record: CsvRecord,
        model: &'a Model,
        knows: &dyn Fn(FieldId) -> bool,
    ) -> Self {
        let names = record.cells.into_iter().map(Option::unwrap_or_default);
        let column = |name: String| {
            let field = model.find(&name).filter(|field| knows(*field));
            (name, field.map(|field| model.field(field)))
        };
        Self(names.map(column).collect())
    }

    /// Refuses the first column that the model does not know.
    pub(crate) fn all_known(&self, model: &Model) -> Result<(), Problem> {
        let Some((name, _)) = self.0.iter().find(|(_, field)| field.is_none()) else {
            return Ok(());
        };
        let shown: String = name.chars().take(60).collect();
        Err(malformed(format!(
            "line 1: {} has no field `{shown}`",
            model.name
        )))
    }

    /// The record as a JSON object. `index` is its number, for the pointers of mistakes.
    pub(crate) fn write(
        &self,
        record: &CsvRecord,
        index: usize,
        out: &mut Vec<u8>,
        faults: &mut Vec<Fault>,
    ) {
        out.push(b'{');
        for (at, ((name, field), cell)) in self.0.iter().zip(&record.cells).enumerate() {
            if at > 0 {
                out.push(b',');
            }
            model::write_json_string(name, out);
            out.push(b':');
            if let Err(fault) = cell_as_json(*field, cell.as_deref(), out) {
                faults.push(Fault::new(format!("/{index}/{name}"), fault.0, fault.1));
                out.extend_from_slice(b"null");
            }
        }
        out.push(b'}');
    }
}

fn cell_as_json(
    field: Option<&Field>,
    cell: Option<&str>,
    out: &mut Vec<u8>,
) -> Result<(), (&'static str, String)> {
    match (field, cell) {
        (_, None) => out.extend_from_slice(b"null"),
        // A list's cell is JSON, as it is written.
        (Some(field), Some(cell)) if field.array => {
            if serde_json::from_str::<&RawValue>(cell).is_err() {
                return Err(("wrong_type", format!("{} is a JSON list", field.name)));
            }
            out.extend_from_slice(cell.as_bytes());
        }
        (Some(field), Some(cell)) => {
            let value = Value::from_text(field, cell).map_err(|bad| (bad.code, bad.detail))?;
            value.write_json(out);
        }
        (None, Some(cell)) => model::write_json_string(cell, out),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_has_several_spellings() {
        for (text, expected) in [
            ("7", Some(7)),
            ("7.0", Some(7)),
            ("70e-1", Some(7)),
            ("7.5", None),
            ("1e99", None),
            ("\"7\"", None),
            ("null", None),
            ("[7]", None),
        ] {
            let raw: &RawValue = serde_json::from_str(text).unwrap();
            assert_eq!(whole::<i64>(raw), expected, "{text}");
        }
    }

    #[test]
    fn form_is_checked_before_values() {
        for (body, fits) in [
            ("", true),
            (" {} ", true),
            (r#"{"a":"[[["}"#, true),
            (r#"{"a":"\"[[["}"#, true),
            ("[[[]]]", true),
            ("[[[[]]]]", false),
            ("{", false),
            ("{}x", false),
            ("{'a':1}", false),
        ] {
            assert_eq!(text(body.as_bytes(), 3).is_ok(), fits, "{body}");
        }
        assert!(text(b"\xff", 3).is_err());
        assert_eq!(
            object(r#"{"a":1,"a":2}"#, "").unwrap_err().code,
            Code::MalformedBody
        );
    }
}
