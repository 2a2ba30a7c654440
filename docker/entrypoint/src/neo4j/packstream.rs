//! `PackStream`, as far as a probe writes and reads it: every value it may be sent, none without a limit.

use crate::Error;

/// A record of one number and a few texts nest no deeper.
const DEEPEST: usize = 8;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Map(Vec<(String, Value)>),
    Structure(u8, Vec<Value>),
}

impl Value {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub(super) fn map(pairs: &[(&str, Value)]) -> Self {
        let pairs = pairs.iter();
        Self::Map(
            pairs
                .map(|(key, value)| ((*key).to_owned(), value.clone()))
                .collect(),
        )
    }

    pub(super) fn field(&self, name: &str) -> Option<&Value> {
        let Self::Map(pairs) = self else { return None };
        let found = pairs.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value)
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.push(0xc0),
            Self::Bool(false) => out.push(0xc2),
            Self::Bool(true) => out.push(0xc3),
            Self::Int(number) => {
                out.push(0xcb);
                out.extend(number.to_be_bytes());
            }
            Self::Float(number) => {
                out.push(0xc1);
                out.extend(number.to_be_bytes());
            }
            Self::Text(text) => write_text(text, out),
            Self::Bytes(bytes) => {
                write_size(bytes.len(), [0xcc, 0xcd, 0xce], out);
                out.extend(bytes);
            }
            Self::List(items) => {
                write_size(items.len(), [0xd4, 0xd5, 0xd6], out);
                for item in items {
                    item.write(out);
                }
            }
            Self::Map(pairs) => {
                write_size(pairs.len(), [0xd8, 0xd9, 0xda], out);
                for (key, value) in pairs {
                    write_text(key, out);
                    value.write(out);
                }
            }
            // A structure's size has no longer form; none of ours has more than three fields.
            Self::Structure(tag, fields) => {
                let size = u8::try_from(fields.len() & 0x0f).unwrap_or_default();
                out.extend([0xb0 | size, *tag]);
                for field in fields {
                    field.write(out);
                }
            }
        }
    }

    /// The one value that `bytes` is.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader { left: bytes };
        match reader.value(DEEPEST) {
            Some(value) if reader.left.is_empty() => Ok(value),
            _ => Err(Error::Unfit("Neo4j's answer cannot be read".to_owned())),
        }
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    write_size(text.len(), [0xd0, 0xd1, 0xd2], out);
    out.extend(text.bytes());
}

/// Sizes of one, two or four bytes, each announced by its own marker; the shorter forms are only for saving a byte.
fn write_size(size: usize, markers: [u8; 3], out: &mut Vec<u8>) {
    if let Ok(size) = u8::try_from(size) {
        out.extend([markers[0], size]);
    } else if let Ok(size) = u16::try_from(size) {
        out.push(markers[1]);
        out.extend(size.to_be_bytes());
    } else {
        out.push(markers[2]);
        out.extend(u32::try_from(size).unwrap_or(u32::MAX).to_be_bytes());
    }
}

struct Reader<'a> {
    left: &'a [u8],
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        let [marker] = self.array()?;
        let low = usize::from(marker & 0x0f);
        Some(match marker {
            0x00..=0x7f | 0xf0..=0xff => Value::Int(i8::from_be_bytes([marker]).into()),
            0x80..=0x8f => self.text(low)?,
            0x90..=0x9f => self.list(low, depth)?,
            0xa0..=0xaf => self.map(low, depth)?,
            0xb0..=0xbf => self.structure(low, depth)?,
            0xc0 => Value::Null,
            0xc1 => Value::Float(f64::from_be_bytes(self.array()?)),
            0xc2 | 0xc3 => Value::Bool(marker == 0xc3),
            0xc8 => Value::Int(i8::from_be_bytes(self.array()?).into()),
            0xc9 => Value::Int(i16::from_be_bytes(self.array()?).into()),
            0xca => Value::Int(i32::from_be_bytes(self.array()?).into()),
            0xcb => Value::Int(i64::from_be_bytes(self.array()?)),
            0xcc..=0xce => {
                let size = self.size(marker - 0xcc)?;
                Value::Bytes(self.take(size)?.to_vec())
            }
            0xd0..=0xd2 => {
                let size = self.size(marker - 0xd0)?;
                self.text(size)?
            }
            0xd4..=0xd6 => {
                let size = self.size(marker - 0xd4)?;
                self.list(size, depth)?
            }
            0xd8..=0xda => {
                let size = self.size(marker - 0xd8)?;
                self.map(size, depth)?
            }
            _ => return None,
        })
    }

    fn size(&mut self, width: u8) -> Option<usize> {
        match width {
            0 => Some(usize::from(u8::from_be_bytes(self.array()?))),
            1 => Some(usize::from(u16::from_be_bytes(self.array()?))),
            _ => usize::try_from(u32::from_be_bytes(self.array()?)).ok(),
        }
    }

    fn text(&mut self, size: usize) -> Option<Value> {
        let text = std::str::from_utf8(self.take(size)?).ok()?;
        Some(Value::text(text))
    }

    /// Each item takes a byte at least, so a size beyond what is left is a lie and reserves nothing.
    fn list(&mut self, size: usize, depth: usize) -> Option<Value> {
        let items = (0..self.plausible(size)?).map(|_| self.value(depth));
        items.collect::<Option<_>>().map(Value::List)
    }

    fn map(&mut self, size: usize, depth: usize) -> Option<Value> {
        let pairs = (0..self.plausible(size)?).map(|_| match self.value(depth)? {
            Value::Text(key) => Some((key, self.value(depth)?)),
            _ => None,
        });
        pairs.collect::<Option<_>>().map(Value::Map)
    }

    fn structure(&mut self, size: usize, depth: usize) -> Option<Value> {
        let [tag] = self.array()?;
        let fields = (0..size).map(|_| self.value(depth));
        let fields = fields.collect::<Option<_>>()?;
        Some(Value::Structure(tag, fields))
    }

    fn plausible(&self, size: usize) -> Option<usize> {
        (size <= self.left.len()).then_some(size)
    }

    fn take(&mut self, size: usize) -> Option<&'a [u8]> {
        let (taken, left) = self.left.split_at_checked(size)?;
        self.left = left;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let check = |value: Value| {
            let mut bytes = Vec::new();
            value.write(&mut bytes);
            assert_eq!(Value::read(&bytes).unwrap(), value);
        };
        check(Value::Null);
        check(Value::Float(-0.5));
        for number in [0, -1, i64::MIN, i64::MAX] {
            check(Value::Int(number));
        }
        for length in [0, 15, 16, 255, 256, 65_535, 65_536] {
            check(Value::Text("a".repeat(length)));
            check(Value::Bytes(vec![1; length]));
        }
        check(Value::Structure(
            0x71,
            vec![
                Value::List(vec![Value::Bool(true), Value::Bool(false)]),
                Value::map(&[("ä", Value::map(&[]))]),
            ],
        ));
    }

    #[test]
    fn the_short_forms_of_the_specification_are_read() {
        let check = |bytes: &[u8], expected: Value| {
            assert_eq!(Value::read(bytes).unwrap(), expected);
        };
        check(&[0x2a], Value::Int(42));
        check(&[0xf0], Value::Int(-16));
        check(&[0xc8, 0x80], Value::Int(-128));
        check(&[0xc9, 0xff, 0x00], Value::Int(-256));
        check(&[0xca, 0, 1, 0, 0], Value::Int(65_536));
        check(&[0x81, b'a'], Value::text("a"));
        check(&[0xb1, 0x71, 0x91, 0x01], {
            Value::Structure(0x71, vec![Value::List(vec![Value::Int(1)])])
        });
        check(&[0xa1, 0x81, b'a', 0xc0], Value::map(&[("a", Value::Null)]));
    }

    #[test]
    fn lies_are_refused_without_reserving_memory() {
        let deep = [0x91; 9];
        for bytes in [
            &[][..],
            &[0xc1],
            &[0xd2, 0xff, 0xff, 0xff, 0xff],
            &[0xd6, 0xff, 0xff, 0xff, 0xff],
            &[0xda, 0xff, 0xff, 0xff, 0xff, 0x81],
            &[0xa1, 0x01, 0x01],
            &[0x81, 0xff],
            &[0xdf],
            &[0x01, 0x01],
            &deep,
        ] {
            Value::read(bytes).unwrap_err();
        }
    }
}
