//! `PackStream`, in which Bolt writes its values: <https://neo4j.com/docs/bolt/current/packstream/>.

use std::collections::BTreeMap;

use crate::Error;

/// Deeper values are nobody's.
const MOST_DEPTH: usize = 32;

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Value>),
    Map(BTreeMap<String, Value>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Value {
    pub(crate) fn map<const N: usize>(members: [(&str, Value); N]) -> Self {
        let members = members.into_iter();
        Self::Map(
            members
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.push(0xC0),
            Self::Bool(false) => out.push(0xC2),
            Self::Bool(true) => out.push(0xC3),
            Self::Float(float) => {
                out.push(0xC1);
                out.extend(float.to_be_bytes());
            }
            Self::Int(int) => write_int(*int, out),
            Self::Text(text) => write_text(text, out),
            Self::List(items) => {
                write_size(items.len(), 0x90, [0xD4, 0xD5, 0xD6], out);
                for item in items {
                    item.write(out);
                }
            }
            Self::Map(members) => {
                write_size(members.len(), 0xA0, [0xD8, 0xD9, 0xDA], out);
                for (name, value) in members {
                    write_text(name, out);
                    value.write(out);
                }
            }
        }
    }
}

fn write_int(int: i64, out: &mut Vec<u8>) {
    if let Ok(small) = i8::try_from(int) {
        if small < -16 {
            out.push(0xC8);
        }
        out.extend(small.to_be_bytes());
    } else if let Ok(int) = i16::try_from(int) {
        out.push(0xC9);
        out.extend(int.to_be_bytes());
    } else if let Ok(int) = i32::try_from(int) {
        out.push(0xCA);
        out.extend(int.to_be_bytes());
    } else {
        out.push(0xCB);
        out.extend(int.to_be_bytes());
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    write_size(text.len(), 0x80, [0xD0, 0xD1, 0xD2], out);
    out.extend_from_slice(text.as_bytes());
}

/// Up to 15 within the marker `tiny`, else after one of `wide`, for one, two and four bytes.
fn write_size(size: usize, tiny: u8, wide: [u8; 3], out: &mut Vec<u8>) {
    let [one, two, four] = wide;
    match (u8::try_from(size), u16::try_from(size)) {
        (Ok(size @ 0..=15), _) => out.push(tiny | size),
        (Ok(size), _) => out.extend([one, size]),
        (Err(_), Ok(size)) => {
            out.push(two);
            out.extend(size.to_be_bytes());
        }
        (Err(_), Err(_)) => {
            out.push(four);
            let size = u32::try_from(size).unwrap_or(u32::MAX);
            out.extend(size.to_be_bytes());
        }
    }
}

/// What is left of a message.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl Reader<'_> {
    /// The tag of the structure that begins here.
    pub(crate) fn tag(&mut self) -> Result<u8, Error> {
        match self.byte()? {
            0xB0..=0xBF => self.byte(),
            _ => Err(strange("no message")),
        }
    }

    pub(crate) fn value(&mut self) -> Result<Value, Error> {
        self.nested(0)
    }

    fn nested(&mut self, depth: usize) -> Result<Value, Error> {
        if depth > MOST_DEPTH {
            return Err(strange("too deep a value"));
        }
        Ok(match self.byte()? {
            0xC0 => Value::Null,
            0xC1 => Value::Float(f64::from_be_bytes(self.array()?)),
            0xC2 => Value::Bool(false),
            0xC3 => Value::Bool(true),
            0xC8 => Value::Int(i8::from_be_bytes(self.array()?).into()),
            0xC9 => Value::Int(i16::from_be_bytes(self.array()?).into()),
            0xCA => Value::Int(i32::from_be_bytes(self.array()?).into()),
            0xCB => Value::Int(i64::from_be_bytes(self.array()?)),
            tiny @ (0x00..=0x7F | 0xF0..=0xFF) => Value::Int(i8::from_be_bytes([tiny]).into()),
            marker @ (0x80..=0x8F | 0xD0..=0xD2) => {
                let size = self.size(marker)?;
                Value::Text(self.text(size)?)
            }
            marker @ (0x90..=0x9F | 0xD4..=0xD6) => {
                let size = self.size(marker)?;
                let items = (0..size).map(|_| self.nested(depth + 1));
                Value::List(items.collect::<Result<_, _>>()?)
            }
            marker @ (0xA0..=0xAF | 0xD8..=0xDA) => {
                let size = self.size(marker)?;
                let mut members = BTreeMap::new();
                for _ in 0..size {
                    let Value::Text(name) = self.nested(depth + 1)? else {
                        return Err(strange("a map whose key is no text"));
                    };
                    members.insert(name, self.nested(depth + 1)?);
                }
                Value::Map(members)
            }
            _ => return Err(strange("a value of a kind that was not asked for")),
        })
    }

    fn size(&mut self, marker: u8) -> Result<usize, Error> {
        Ok(match marker {
            0xD0 | 0xD4 | 0xD8 => self.byte()?.into(),
            0xD1 | 0xD5 | 0xD9 => u16::from_be_bytes(self.array()?).into(),
            0xD2 | 0xD6 | 0xDA => u32::from_be_bytes(self.array()?) as usize,
            tiny => usize::from(tiny & 0x0F),
        })
    }

    fn text(&mut self, size: usize) -> Result<String, Error> {
        let cut = || strange("a text that is cut off");
        let (text, rest) = self.0.split_at_checked(size).ok_or_else(cut)?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).map_err(|_| strange("a text that is no UTF-8"))
    }

    fn byte(&mut self) -> Result<u8, Error> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let cut = || strange("a value that is cut off");
        let (array, rest) = self.0.split_first_chunk().ok_or_else(cut)?;
        self.0 = rest;
        Ok(*array)
    }
}

fn strange(what: &str) -> Error {
    Error::Protocol(format!("the server sent {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_as_they_were() {
        let long = "ä".repeat(200);
        for value in [
            Value::Null,
            Value::Bool(true),
            Value::Float(-0.5),
            Value::Text(String::new()),
            Value::Text(long.clone()),
            Value::Text(long.repeat(400)),
            Value::List((0..70_000).map(Value::Int).collect()),
            Value::map([("a", Value::List(vec![Value::Null])), ("b", Value::Int(1))]),
        ] {
            round_trip(&value);
        }
        for edge in [
            0,
            15,
            16,
            127,
            128,
            32_767,
            32_768,
            i64::from(i32::MAX),
            i64::MAX,
        ] {
            for int in [edge, -edge, -edge - 1, edge.saturating_add(1)] {
                round_trip(&Value::Int(int));
            }
        }
    }

    fn round_trip(value: &Value) {
        let mut bytes = Vec::new();
        value.write(&mut bytes);
        let mut reader = Reader(&bytes);
        assert_eq!(&reader.value().unwrap(), value);
        assert_eq!(reader.0, [0u8; 0]);
        if let Some((_, cut)) = bytes.split_last() {
            assert!(Reader(&bytes[..cut.len()]).value().is_err());
        }
    }

    #[test]
    fn markers_are_as_the_protocol_says() {
        let check = |value: Value, expected: &[u8]| {
            let mut bytes = Vec::new();
            value.write(&mut bytes);
            assert_eq!(bytes, expected);
        };
        check(Value::Int(-16), &[0xF0]);
        check(Value::Int(-17), &[0xC8, 0xEF]);
        check(Value::Int(1234), &[0xC9, 0x04, 0xD2]);
        check(Value::Text("A".to_owned()), &[0x81, 0x41]);
        check(Value::List(vec![Value::Int(1)]), &[0x91, 0x01]);
        check(Value::map([("one", Value::Int(1))]), b"\xA1\x83one\x01");
    }
}
