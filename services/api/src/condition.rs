//! `If-Match` and `If-None-Match` (RFC 9110, 13): entity tags are versions, `"3"`.

use http::{HeaderMap, HeaderName, header};
use wire::{Code, IfVersion, Problem};

/// A version that no record has: what none of the tags names matches nothing.
const NO_VERSION: i64 = 0;

/// Tags that are weak, or not ours, match nothing: `If-Match` compares strongly.
pub(crate) fn if_match(headers: &HeaderMap) -> Result<Option<IfVersion>, Problem> {
    let Some(tags) = Tags::read(headers, &header::IF_MATCH)? else {
        return Ok(None);
    };
    if tags.any {
        return Ok(Some(IfVersion::Any));
    }
    let strong = tags.listed.iter().filter(|tag| !tag.weak);
    let mut versions: Vec<i64> = strong.filter_map(|tag| tag.text.parse().ok()).collect();
    if versions.is_empty() {
        versions.push(NO_VERSION);
    }
    Ok(Some(IfVersion::OneOf(versions)))
}

/// What the asker has already.
#[derive(Debug, Default)]
pub(crate) struct IfNoneMatch(Option<Tags>);

impl IfNoneMatch {
    pub(crate) fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        Tags::read(headers, &header::IF_NONE_MATCH).map(Self)
    }

    pub(crate) fn is_said(&self) -> bool {
        self.0.is_some()
    }

    /// Compares weakly. `tag` stands without quotes.
    pub(crate) fn has(&self, tag: &str) -> bool {
        let Some(tags) = &self.0 else { return false };
        tags.any || tags.listed.iter().any(|one| one.text == tag)
    }
}

#[derive(Debug, Default)]
struct Tags {
    any: bool,
    listed: Vec<Tag>,
}

#[derive(Debug)]
struct Tag {
    weak: bool,
    text: String,
}

impl Tags {
    fn read(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Self>, Problem> {
        if !headers.contains_key(name) {
            return Ok(None);
        }
        let bad = || {
            Problem::new(Code::BadRequest)
                .detail(format!(
                    "the header `{name}` is neither `*` nor a list of entity tags such as `\"3\"`"
                ))
                .hint("send the ETag of an answer as it came, quotes included")
        };
        let mut tags = Self::default();
        for value in headers.get_all(name) {
            let mut rest = value.to_str().map_err(|_| bad())?.trim();
            while !rest.is_empty() {
                if let Some(after) = rest.strip_prefix('*') {
                    tags.any = true;
                    rest = after;
                } else {
                    let weak = rest.starts_with("W/");
                    let quoted = rest.strip_prefix("W/").unwrap_or(rest);
                    let (text, after) = quoted
                        .strip_prefix('"')
                        .and_then(|open| open.split_once('"'))
                        .ok_or_else(bad)?;
                    tags.listed.push(Tag {
                        weak,
                        text: text.to_owned(),
                    });
                    rest = after;
                }
                rest = rest.trim_start();
                rest = match rest.strip_prefix(',') {
                    Some(after) => after.trim_start(),
                    None if rest.is_empty() => rest,
                    None => return Err(bad()),
                };
            }
        }
        let alone = !tags.any || tags.listed.is_empty();
        if alone && (tags.any || !tags.listed.is_empty()) {
            Ok(Some(tags))
        } else {
            Err(bad())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn if_match_names_versions() {
        let one_of = |versions: &[i64]| Ok(Some(IfVersion::OneOf(versions.to_vec())));
        let cases = [
            ("\"3\"", one_of(&[3])),
            ("\"3\", \"4\"", one_of(&[3, 4])),
            ("\"3\",W/\"4\" ,\"x\"", one_of(&[3])),
            ("W/\"3\"", one_of(&[0])),
            ("\"a,b\"", one_of(&[0])),
            ("*", Ok(Some(IfVersion::Any))),
            ("3", Err(())),
            ("", Err(())),
            ("\"3", Err(())),
            ("\"3\" \"4\"", Err(())),
            ("*, \"3\"", Err(())),
        ];
        for (text, expected) in cases {
            let read = if_match(&headers(header::IF_MATCH, text)).map_err(drop);
            assert_eq!(read, expected, "{text}");
        }
        assert_eq!(if_match(&HeaderMap::new()).map_err(drop), Ok(None));
    }

    #[test]
    fn if_none_match_compares_weakly() {
        for (text, has) in [
            ("\"3\"", true),
            ("W/\"3\"", true),
            ("*", true),
            ("\"4\", \"3\"", true),
            ("\"4\"", false),
        ] {
            let read = IfNoneMatch::read(&headers(header::IF_NONE_MATCH, text)).unwrap();
            assert_eq!(read.has("3"), has, "{text}");
        }
    }
}
