//! A JSON object's members as they stand, values untouched; a key that stands twice is a mistake.

use std::borrow::Cow;

use serde_json::value::RawValue;

/// Borrowed from the text it was parsed from.
#[derive(Debug)]
pub struct Object<'a> {
    pub members: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'a> Object<'a> {
    /// The error is for the reader.
    pub fn parse(text: &'a str) -> Result<Self, String> {
        serde_json::from_str::<Self>(text).map_err(|error| error.to_string())
    }

    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.members
            .iter()
            .find(|(member, _)| member == name)
            .map(|(_, value)| *value)
    }
}

impl<'de: 'a, 'a> serde::Deserialize<'de> for Object<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Self::Value, A::Error> {
                let mut members: Vec<(Cow<'de, str>, &'de RawValue)> =
                    Vec::with_capacity(map.size_hint().unwrap_or(8));
                while let Some(key) = map.next_key::<Cow<'de, str>>()? {
                    if members.iter().any(|(member, _)| *member == key) {
                        return Err(serde::de::Error::custom(format_args!(
                            "the key `{key}` stands twice"
                        )));
                    }
                    members.push((key, map.next_value()?));
                }
                Ok(Object { members })
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}
