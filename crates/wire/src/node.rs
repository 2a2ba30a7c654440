//! The name of something that can be called.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A node's name: `Film.create` (a model's, `PascalCase`), `auth.verify` (a built-in family, lower-case) or `tx`.
///
/// ASCII letters, digits and `_`, at most one dot, 1 to 127 characters, so it is safe in a path, a header and a log.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct NodeName(Arc<str>);

impl NodeName {
    /// The model's node `verb`. Both parts come from checked definitions, so this cannot fail.
    pub fn of_model(model: &str, verb: &str) -> Self {
        Self(format!("{model}.{verb}").into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the dot: the model or the family.
    pub fn family(&self) -> &str {
        self.0.split_once('.').map_or("", |(family, _)| family)
    }

    /// Whether it is one of those of runs and sessions that callers have. The others of these families are for our own
    /// services: they are told to nobody, and no face passes them on.
    pub fn is_of_callers(&self) -> bool {
        let verbs: &[&str] = match self.family() {
            "run" => &[
                "read", "steps", "list", "cancel", "retry", "replay", "signal", "approve",
            ],
            "session" => &["open", "read", "write", "list", "close"],
            _ => &[],
        };
        verbs.contains(&self.verb())
    }

    /// What stands after the dot, or the whole name where there is none.
    pub fn verb(&self) -> &str {
        self.0.split_once('.').map_or(&self.0, |(_, verb)| verb)
    }
}

/// The text is no node's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a node's name: letters, digits and `_`, one dot, as in `Film.create`")]
pub struct BadNodeName(String);

impl FromStr for NodeName {
    type Err = BadNodeName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_word = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_alphabetic())
                && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        let mut words = text.split('.');
        let named = words.next().is_some_and(is_word)
            && words.next().is_none_or(is_word)
            && words.next().is_none()
            && text.len() <= 127;
        if named {
            Ok(Self(text.into()))
        } else {
            Err(BadNodeName(text.chars().take(127).collect()))
        }
    }
}

impl TryFrom<String> for NodeName {
    type Error = BadNodeName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<NodeName> for String {
    fn from(name: NodeName) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_a_word_or_two_with_a_dot() {
        for good in ["Film.create", "tx", "auth.verify", "FilmRole.bulk_create"] {
            assert_eq!(good.parse::<NodeName>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            ".",
            "a.b.c",
            "Film.",
            ".create",
            "Film create",
            "Fïlm.create",
            "1a",
            "a/../b",
        ] {
            assert!(bad.parse::<NodeName>().is_err(), "{bad}");
        }
        let name: NodeName = "Film.create".parse().unwrap();
        assert_eq!((name.family(), name.verb()), ("Film", "create"));
    }
}
