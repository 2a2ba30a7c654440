//! One canonical text for a JSON value, the one that PostgreSQL's jsonb keeps, so that both engines store the same.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::Decimal;

/// How deep a `json` value may nest.
const MOST_DEPTH: usize = 64;

/// Without white space, keys by length then bytes, the last of duplicate keys, numbers without exponent.
///
/// Refused, as by jsonb: U+0000 in a string; a number beyond 1,000 digits on a side of the point.
pub fn canonical(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    write(text, MOST_DEPTH, &mut out)?;
    Ok(out)
}

fn write(text: &str, depth: usize, out: &mut String) -> Result<(), String> {
    let text = text.trim_matches([' ', '\t', '\n', '\r']);
    if depth == 0 {
        return Err(format!("a json value nests at most {MOST_DEPTH} deep"));
    }
    match text.as_bytes().first() {
        Some(b'{') => {
            let members: BTreeMap<SizedKey, &RawValue> = serde_json::from_str::<Members<'_>>(text)
                .map_err(|error| error.to_string())?
                .0;
            for (index, (key, value)) in members.iter().enumerate() {
                out.push(if index == 0 { '{' } else { ',' });
                write_string(&key.1, out)?;
                out.push(':');
                write(value.get(), depth - 1, out)?;
            }
            out.push_str(if members.is_empty() { "{}" } else { "}" });
        }
        Some(b'[') => {
            let items: Vec<&RawValue> =
                serde_json::from_str(text).map_err(|error| error.to_string())?;
            for (index, item) in items.iter().enumerate() {
                out.push(if index == 0 { '[' } else { ',' });
                write(item.get(), depth - 1, out)?;
            }
            out.push_str(if items.is_empty() { "[]" } else { "]" });
        }
        Some(b'"') => {
            let string: String = serde_json::from_str(text).map_err(|error| error.to_string())?;
            write_string(&string, out)?;
        }
        Some(b't' | b'f' | b'n') => out.push_str(text),
        _ => out.push_str(&text.parse::<Decimal>()?.to_string()),
    }
    Ok(())
}

fn write_string(string: &str, out: &mut String) -> Result<(), String> {
    if string.contains('\0') {
        return Err("the character U+0000 cannot be stored".to_owned());
    }
    out.push_str(&serde_json::to_string(string).map_err(|error| error.to_string())?);
    Ok(())
}

/// Orders by length, then bytes.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct SizedKey(usize, String);

/// An object's members, the last of a key that stands twice.
struct Members<'a>(BTreeMap<SizedKey, &'a RawValue>);

impl<'de> serde::Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Self::Value, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, &'de RawValue>()? {
                    members.insert(SizedKey(key.len(), key), value);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_for_one_value() {
        for (text, expected) in [
            (
                r#" { "bb" : 1 , "a" : [ 1.50 , 1e5, -0 ], "a": [true] } "#,
                r#"{"a":[true],"bb":1}"#,
            ),
            (
                "[1.50, 1e5, -0, 12345678901234567890123]",
                "[1.50,100000,0,12345678901234567890123]",
            ),
            ("{}", "{}"),
            ("[ ]", "[]"),
            (r#""\u00e9\n""#, "\"é\\n\""),
            (r#"{"é":null,"b":false}"#, r#"{"b":false,"é":null}"#),
        ] {
            assert_eq!(canonical(text).as_deref(), Ok(expected), "{text}");
        }
        for bad in [
            r#""\u0000""#,
            "1e999999",
            &("[".repeat(70) + &"]".repeat(70)),
        ] {
            assert!(canonical(bad).is_err(), "{bad}");
        }
    }
}
