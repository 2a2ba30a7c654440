//! An answer of a node as an HTTP answer: its meta in standard headers, its body as it is.

use std::fmt::Write as _;

use axum::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use percent_encoding::utf8_percent_encode;
use wire::{Answer, AnswerParts, Content, Media, Meta};

use crate::condition::IfNoneMatch;
use crate::found::ESCAPED;
use crate::prefer::Preferences;
use chassis::put;

/// What of the request its answer depends on.
pub(crate) struct Asked<'a> {
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) method: &'a Method,
    /// The node changes something.
    pub(crate) writes: bool,
    pub(crate) preferences: &'a Preferences,
    pub(crate) if_none_match: &'a IfNoneMatch,
    /// The model's path, where a record's location can be told.
    pub(crate) model: Option<&'a str>,
    /// The whole meta, for our own client.
    pub(crate) meta: bool,
}

const VARY: HeaderValue = HeaderValue::from_static("accept, authorization, prefer");
const AFFECTED: HeaderName = HeaderName::from_static("gantry-affected");
const CURSOR: HeaderName = HeaderName::from_static("next-cursor");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const TRUNCATED: HeaderName = HeaderName::from_static("gantry-truncated");
/// Tells proxies not to wait for more before they pass events on.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const APPLIED: HeaderName = HeaderName::from_static("preference-applied");

impl Asked<'_> {
    /// `GET` or `HEAD`: may be answered 304, and a next page is a link.
    fn is_get(&self) -> bool {
        matches!(*self.method, Method::GET | Method::HEAD)
    }
}

pub(crate) fn reply(answer: Answer, asked: &Asked<'_>) -> Response<Body> {
    let Answer { meta, body } = answer;
    let media = body.media;
    let length = match &body.content {
        Content::Whole(bytes) => Some(bytes.len()),
        Content::Stream(_) => None,
    };
    let version = meta.version.map(|version| version.to_string());
    let is_known = |version| asked.if_none_match.has(version);
    let unchanged = asked.is_get() && version.as_deref().is_some_and(is_known);
    let head = *asked.method == Method::HEAD;
    let mut response = Response::new(match body.content {
        _ if unchanged || head => Body::empty(),
        Content::Whole(bytes) => Body::from(bytes),
        Content::Stream(stream) => Body::from_stream(stream),
    });
    // An empty list in CSV or JSON Lines is an empty text; JSON always has something to say.
    let is_empty = length == Some(0) && media == Media::Json;
    *response.status_mut() = match () {
        () if unchanged => StatusCode::NOT_MODIFIED,
        // Also of a creation: its `Location` tells, and 201 would promise a body.
        () if is_empty => StatusCode::NO_CONTENT,
        () if meta.created => StatusCode::CREATED,
        () => StatusCode::OK,
    };
    let headers = response.headers_mut();
    if !is_empty && !unchanged {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(media.as_str()),
        );
        if let Some(length) = length.filter(|_| head) {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
    }
    headers.insert(header::VARY, VARY);
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if media == Media::EventStream {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    }
    if let Some(version) = &version {
        put(headers, header::ETAG, &format!("\"{version}\""));
    }
    tell(&meta, asked, length.is_none(), headers);
    if asked.meta {
        let is_typed = headers.contains_key(header::CONTENT_TYPE);
        AnswerParts { media, meta }.write(headers);
        if !is_typed {
            headers.remove(header::CONTENT_TYPE);
        }
    }
    response
}

/// The meta, each fact in its header.
fn tell(meta: &Meta, asked: &Asked<'_>, streams: bool, headers: &mut HeaderMap) {
    if let (true, Some(id), Some(model)) = (meta.created, meta.id, asked.model) {
        put(headers, header::LOCATION, &format!("/api/v1/{model}/{id}"));
    }
    for (is_so, name) in [(meta.replayed, REPLAYED), (meta.truncated, TRUNCATED)] {
        if is_so {
            headers.insert(name, HeaderValue::from_static("true"));
        }
    }
    // Of one record that is plain.
    if let (Some(affected), None) = (meta.affected, meta.id) {
        headers.insert(AFFECTED, HeaderValue::from(affected));
    }
    if let Some(range) = content_range(meta, streams) {
        put(headers, header::CONTENT_RANGE, &range);
    }
    if let Some(cursor) = &meta.cursor {
        put(headers, CURSOR, cursor);
        if asked.is_get() {
            put(
                headers,
                header::LINK,
                &next_page(asked.path, asked.query, cursor),
            );
        }
    }
    let applied = asked.preferences.applied(asked.writes);
    if !applied.is_empty() {
        put(headers, APPLIED, &applied);
    }
}

/// `items 0-19/*`; a total where it is known.
fn content_range(meta: &Meta, streams: bool) -> Option<String> {
    let mut text = match meta.rows {
        // What streams does not know how much it will be.
        None if streams && meta.count.is_some() => "items */".to_owned(),
        None => return None,
        Some(0) => "items */".to_owned(),
        Some(rows) => format!("items {}-{}/", meta.offset, meta.offset + rows - 1),
    };
    // Writing to a String cannot fail.
    let _ = match meta.count {
        Some(count) => write!(text, "{}", count.records),
        None => text.write_char('*'),
    };
    Some(text)
}

/// The same list from the cursor on.
fn next_page(path: &str, query: &str, cursor: &str) -> String {
    let mut link = format!("<{path}?");
    let is_place = |part: &&str| part.starts_with("cursor=") || part.starts_with("offset=");
    for part in query
        .split('&')
        .filter(|part| !part.is_empty() && !is_place(part))
    {
        // `>` ends the link, and may stand in a query that a careless client sends.
        link.push_str(&part.replace('>', "%3E"));
        link.push('&');
    }
    // Writing to a String cannot fail.
    let _ = write!(
        link,
        "cursor={}>; rel=\"next\"",
        utf8_percent_encode(cursor, ESCAPED)
    );
    link
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::Count;

    #[test]
    fn a_list_tells_where_it_stands() {
        let range = |rows, offset, count: Option<u64>| {
            let count = count.map(|records| Count {
                records,
                exact: true,
            });
            let meta = Meta {
                rows,
                offset,
                count,
                ..Meta::default()
            };
            content_range(&meta, rows.is_none()).unwrap_or_default()
        };
        assert_eq!(range(Some(20), 0, None), "items 0-19/*");
        assert_eq!(range(Some(20), 40, Some(3201)), "items 40-59/3201");
        assert_eq!(range(Some(0), 0, Some(0)), "items */0");
        assert_eq!(range(Some(0), 0, None), "items */*");
        assert_eq!(range(None, 0, None), "");
        assert_eq!(range(None, 0, Some(7)), "items */7");
    }

    #[test]
    fn the_next_page_is_the_same_list_from_the_cursor_on() {
        for (query, expected) in [
            ("", "</api/v1/film?cursor=abc>; rel=\"next\""),
            (
                "limit=2&cursor=x&title=a%20b",
                "</api/v1/film?limit=2&title=a%20b&cursor=abc>; rel=\"next\"",
            ),
            (
                "offset=20&limit=2",
                "</api/v1/film?limit=2&cursor=abc>; rel=\"next\"",
            ),
        ] {
            assert_eq!(next_page("/api/v1/film", query, "abc"), expected);
        }
    }
}
