//! Values to JSON and to text.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Value;

impl Value {
    /// As JSON, by the contract: decimals as strings with their scale, timestamps in UTC with `Z`, bytes in base64.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Text(text) => write_json_string(text, out),
            Self::Int(int) => out.extend_from_slice(itoa::Buffer::new().format(*int).as_bytes()),
            Self::Float(float) => {
                out.extend_from_slice(ryu::Buffer::new().format_finite(*float).as_bytes());
            }
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Json(text) => out.extend_from_slice(text.as_bytes()),
            Self::Decimal(_)
            | Self::Uuid(_)
            | Self::Date(_)
            | Self::Time(_)
            | Self::Timestamp(_)
            | Self::Bytes(_) => {
                out.push(b'"');
                self.write_text(out);
                out.push(b'"');
            }
            Self::Vector(items) => write_items(items, out, |item, out| {
                out.extend_from_slice(ryu::Buffer::new().format_finite(*item).as_bytes());
            }),
            Self::Array(items) => write_items(items, out, Self::write_json),
        }
    }

    /// As a CSV cell or a query's operand would hold it: no quotes. Null is empty; arrays and vectors are JSON.
    pub fn write_text(&self, out: &mut Vec<u8>) {
        let written = match self {
            Self::Null => Ok(()),
            Self::Text(text) => {
                out.extend_from_slice(text.as_bytes());
                Ok(())
            }
            Self::Decimal(decimal) => {
                decimal.write(out);
                Ok(())
            }
            Self::Uuid(uuid) => {
                let mut buffer = [0; 36];
                let text: &str = uuid.hyphenated().encode_lower(&mut buffer);
                out.extend_from_slice(text.as_bytes());
                Ok(())
            }
            Self::Date(date) => write!(out, "{date}"),
            Self::Time(time) => write!(out, "{time}"),
            Self::Timestamp(timestamp) => {
                match super::write_timestamp(timestamp.as_microsecond(), out) {
                    Some(()) => Ok(()),
                    None => write!(out, "{timestamp}"),
                }
            }
            Self::Bytes(bytes) => {
                out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
                Ok(())
            }
            Self::Int(_)
            | Self::Float(_)
            | Self::Bool(_)
            | Self::Json(_)
            | Self::Vector(_)
            | Self::Array(_) => {
                self.write_json(out);
                Ok(())
            }
        };
        written.expect("a Vec takes every byte");
    }
}

fn write_items<T>(items: &[T], out: &mut Vec<u8>, write: impl Fn(&T, &mut Vec<u8>)) {
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(b']');
}

/// Quotes only what JSON demands, in runs: most texts are copied whole.
pub fn write_json_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut done = 0;
    for (index, byte) in bytes.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0x08 => b"\\b",
            0x0c => b"\\f",
            0..0x20 => &[],
            _ => continue,
        };
        out.extend_from_slice(&bytes[done..index]);
        if escape.is_empty() {
            write!(out, "\\u{byte:04x}").expect("a Vec takes every byte");
        } else {
            out.extend_from_slice(escape);
        }
        done = index + 1;
    }
    out.extend_from_slice(&bytes[done..]);
    out.push(b'"');
}
