//! Names that go into SQL, ACL files and paths as they are.

use std::fmt;
use std::str::FromStr;

use crate::Error;

/// 1 to 63 of `a-z0-9_`, the first a letter or `_`: it needs no quotes anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name(String);

impl Name {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let first = |byte: &u8| byte.is_ascii_lowercase() || *byte == b'_';
        let rest = |byte: &u8| first(byte) || byte.is_ascii_digit();
        let bytes = text.as_bytes();
        // `pg_` is PostgreSQL's own; the others are the servers' own superusers.
        let taken = text.starts_with("pg_") || matches!(text, "postgres" | "default" | "public");
        let fits = (1..=63).contains(&bytes.len()) && bytes.first().is_some_and(first);
        if fits && !taken && bytes.iter().all(rest) {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::Settings(format!(
            "`{text}` cannot be a name here: 1 to 63 of a-z, 0-9 and _, not beginning with a digit or pg_, and not one \
             of postgres, default, public"
        )))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_need_no_quotes_are_taken() {
        for name in ["gantry", "_a9", &"a".repeat(63)] {
            assert_eq!(name.parse::<Name>().unwrap().as_str(), name);
        }
        for name in [
            "",
            "9a",
            "A",
            "a-b",
            "a\"b",
            "a b",
            "pg_a",
            "postgres",
            "default",
            &"a".repeat(64),
        ] {
            name.parse::<Name>().unwrap_err();
        }
    }
}
