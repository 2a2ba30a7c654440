//! A node's answer as people read it: a table of records, the fields of one, or the text itself.

use std::fmt;
use std::io::{self, Write};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::table::{Table, printable};

/// An object's keys in their order, with each value's text as it came: no digit is lost on the way to the screen.
pub struct Record(pub Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Record;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Record, M::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Record(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

impl Record {
    pub fn value(&self, name: &str) -> Option<&RawValue> {
        let field = self.0.iter().find(|(key, _)| key == name);
        field.map(|(_, value)| &**value)
    }
}

/// Prints the body of an answer for people.
pub fn print(body: &[u8]) -> io::Result<()> {
    if body.is_empty() {
        return Ok(());
    }
    if let Ok(records) = serde_json::from_slice::<Vec<Record>>(body) {
        return records_table(&records).map_or(Ok(()), |table| table.print());
    }
    let mut out = anstream::stdout().lock();
    if let Ok(record) = serde_json::from_slice::<Record>(body) {
        return write_record(&mut out, &record);
    }
    out.write_all(body)?;
    if !body.ends_with(b"\n") {
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Columns in the order of the first record; what later ones have besides comes after.
fn records_table(records: &[Record]) -> Option<Table> {
    let mut names: Vec<&str> = Vec::new();
    for record in records {
        for (name, _) in &record.0 {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
    }
    if names.is_empty() {
        return None;
    }
    let mut table = Table::new(names.iter().copied());
    for (index, name) in names.iter().enumerate() {
        let mut values = records.iter().filter_map(|record| record.value(name));
        if values.all(is_number_or_null) {
            table = table.right(index);
        }
    }
    for record in records {
        let cells = names
            .iter()
            .map(|name| record.value(name).map(text).unwrap_or_default());
        table.push(&cells.collect::<Vec<_>>());
    }
    Some(table)
}

fn write_record(out: &mut impl Write, record: &Record) -> io::Result<()> {
    let width = record.0.iter().map(|(name, _)| name.chars().count()).max();
    let width = width.unwrap_or(0);
    for (name, value) in &record.0 {
        let line = format!("{name:width$}  {}", text(value));
        writeln!(out, "{}", printable(line.trim_end()))?;
    }
    Ok(())
}

fn is_number_or_null(value: &RawValue) -> bool {
    let text = value.get();
    text == "null" || text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
}

/// A text without its quotes, nothing for null, a list of texts with commas, anything else as JSON.
pub fn text(value: &RawValue) -> String {
    match value.get() {
        "null" => String::new(),
        quoted if quoted.starts_with('"') => {
            serde_json::from_str(quoted).unwrap_or_else(|_| quoted.to_owned())
        }
        list if list.starts_with("[\"") => {
            let texts = serde_json::from_str::<Vec<String>>(list);
            texts.map_or_else(|_| list.to_owned(), |texts| texts.join(", "))
        }
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_show_in_their_own_order_with_every_digit() {
        let body = br#"[{"title":"A","gross":9223372036854775807,"rating":"7.50","x":null},
            {"title":null,"gross":-1,"rating":null,"x":{"n":123456789012345678901234567890}}]"#;
        let records: Vec<Record> = serde_json::from_slice(body).unwrap();
        let mut out = Vec::new();
        records_table(&records)
            .unwrap()
            .write(&mut out, None)
            .unwrap();
        let text = anstream::adapter::strip_str(std::str::from_utf8(&out).unwrap()).to_string();
        insta::assert_snapshot!(text, @r#"
        title                gross  rating  x
        A      9223372036854775807  7.50
                                -1          {"n":123456789012345678901234567890}
        "#);
    }
}
