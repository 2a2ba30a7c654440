//! `Prefer` (RFC 7240): how the asker would like to be served.

use std::fmt::Write as _;

use http::HeaderMap;
use wire::{Code, CountWish, Problem, Reply};

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Preferences {
    pub(crate) reply: Option<Reply>,
    pub(crate) count: Option<CountWish>,
    pub(crate) max_affected: Option<u64>,
    pub(crate) rollback: bool,
    pub(crate) strict: bool,
}

const NAMES: [&str; 5] = ["return", "count", "max-affected", "tx", "handling"];

impl Preferences {
    /// Of a name that is said twice the first counts. What is not known is ignored, unless strictness is asked for.
    pub(crate) fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut read = Self::default();
        let mut unknown = Vec::new();
        let mut seen = [false; NAMES.len()];
        for value in headers.get_all("prefer") {
            let text = value.to_str().map_err(|_| {
                Problem::new(Code::BadRequest)
                    .detail("the header `prefer` has a value that cannot be read")
            })?;
            for preference in text
                .split(',')
                .map(str::trim)
                .filter(|text| !text.is_empty())
            {
                let said = preference.split(';').next().unwrap_or_default();
                let (name, value) = said.split_once('=').unwrap_or((said, ""));
                let (name, value) = (
                    name.trim().to_ascii_lowercase(),
                    value.trim().trim_matches('"'),
                );
                let known = NAMES.iter().position(|known| *known == name);
                let is_first = known.is_none_or(|known| !std::mem::replace(&mut seen[known], true));
                if is_first && !read.take(&name, value)? {
                    unknown.push(said.to_owned());
                }
            }
        }
        match unknown.first() {
            Some(preference) if read.strict => Err(unknown_preference(preference)),
            _ => Ok(read),
        }
    }

    /// False where the preference, or what it wishes, is not known.
    fn take(&mut self, name: &str, value: &str) -> Result<bool, Problem> {
        match (name, value) {
            ("return", "minimal") => self.reply = Some(Reply::Minimal),
            ("return", "representation") => self.reply = Some(Reply::Representation),
            ("count", "none") => self.count = Some(CountWish::None),
            ("count", "planned") => self.count = Some(CountWish::Planned),
            ("count", "exact") => self.count = Some(CountWish::Exact),
            ("handling", "strict") => self.strict = true,
            ("handling", "lenient") | ("tx", "commit") => {}
            ("tx", "rollback") => self.rollback = true,
            // Who asks for a guard and misspells it must not be served without.
            ("tx", _) => return Err(misspelt(name, value, "`rollback` or `commit`")),
            ("max-affected", _) => match value.parse() {
                Ok(most) => self.max_affected = Some(most),
                Err(_) => return Err(misspelt(name, value, "a whole number")),
            },
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// `Preference-Applied`: what was heard and had a meaning here. Empty where that is nothing.
    pub(crate) fn applied(&self, writes: bool) -> String {
        let mut text = String::new();
        let mut put = |name: &str, value: &dyn std::fmt::Display| {
            let comma = if text.is_empty() { "" } else { ", " };
            // Writing to a String cannot fail.
            let _ = write!(text, "{comma}{name}={value}");
        };
        match self.reply.filter(|_| writes) {
            Some(Reply::Minimal) => put("return", &"minimal"),
            Some(Reply::Representation) => put("return", &"representation"),
            None => {}
        }
        match self.count.filter(|_| !writes) {
            Some(CountWish::None) => put("count", &"none"),
            Some(CountWish::Planned) => put("count", &"planned"),
            Some(CountWish::Exact) => put("count", &"exact"),
            None => {}
        }
        if let Some(most) = self.max_affected.filter(|_| writes) {
            put("max-affected", &most);
        }
        if self.rollback && writes {
            put("tx", &"rollback");
        }
        if self.strict {
            put("handling", &"strict");
        }
        text
    }
}

fn misspelt(name: &str, value: &str, expected: &str) -> Problem {
    Problem::new(Code::BadRequest).detail(format!(
        "the preference `{name}={value}` cannot be read: {expected} may stand there"
    ))
}

fn unknown_preference(preference: &str) -> Problem {
    Problem::new(Code::UnknownPreference)
        .detail(format!("the preference `{preference}` is not known"))
        .hint(
            "known are return=minimal|representation, count=none|planned|exact, max-affected=N, tx=rollback, \
             handling=strict",
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_heard_echoed_or_refused() {
        let cases = [
            ("", true, Ok("")),
            ("return=minimal", true, Ok("return=minimal")),
            ("return=minimal", false, Ok("")),
            (
                "Return=\"minimal\"; x=y, count=exact",
                false,
                Ok("count=exact"),
            ),
            ("count=exact, count=planned", false, Ok("count=exact")),
            (
                "tx=rollback, max-affected=7",
                true,
                Ok("max-affected=7, tx=rollback"),
            ),
            ("respond-async, wait=5", true, Ok("")),
            ("handling=strict", false, Ok("handling=strict")),
            (
                "respond-async, handling=strict",
                true,
                Err("unknown_preference"),
            ),
            (
                "return=some, handling=strict",
                true,
                Err("unknown_preference"),
            ),
            ("return=some", true, Ok("")),
            ("max-affected=few", true, Err("bad_request")),
            ("tx=rolback", true, Err("bad_request")),
        ];
        for (text, writes, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert("prefer", text.parse().unwrap());
            let told = Preferences::read(&headers).map(|read| read.applied(writes));
            let told = told.as_deref().map_err(|problem| problem.code.as_str());
            assert_eq!(told, expected, "{text}");
        }
    }
}
