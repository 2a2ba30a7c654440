//! `GET /api/v1/changes`: where a listener goes on from, and when its stream ends.

use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderName};
use percent_encoding::utf8_percent_encode;
use tokio_util::sync::CancellationToken;
use wire::{Answer, Code, Content, Media, Problem};

use crate::found::ESCAPED;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// `Last-Event-ID` takes the place of `since`: a browser that connects again repeats the URL that it began with.
pub(crate) fn going_on(query: &str, headers: &HeaderMap) -> Result<String, Problem> {
    let last = headers.get(LAST_EVENT_ID).filter(|last| !last.is_empty());
    let Some(last) = last else {
        return Ok(query.to_owned());
    };
    let last = last.to_str().map_err(|_| {
        Problem::new(Code::BadRequest)
            .detail("the header `last-event-id` has a value that cannot be read")
    })?;
    let is_other =
        |part: &&str| !part.is_empty() && *part != "since" && !part.starts_with("since=");
    let mut parts: Vec<_> = query.split('&').filter(is_other).collect();
    let since = format!("since={}", utf8_percent_encode(last, ESCAPED));
    parts.push(&since);
    Ok(parts.join("&"))
}

/// A stream of events has no end of its own, and must not hold up a process that is to stop.
pub(crate) fn until(stopping: &CancellationToken, mut answer: Answer) -> Answer {
    if answer.body.media == Media::EventStream
        && let Content::Stream(stream) = answer.body.content
    {
        let stream = stream.take_until(stopping.clone().cancelled_owned());
        answer.body.content = Content::Stream(stream.boxed());
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_says_where_to_go_on() {
        for (query, header, expected) in [
            ("", None, "model=Film"),
            ("since=a", None, "since=a&model=Film"),
            ("since=a", Some(""), "since=a&model=Film"),
            ("", Some("b"), "model=Film&since=b"),
            ("since=a", Some("b"), "model=Film&since=b"),
            ("since", Some("b&c"), "model=Film&since=b%26c"),
            ("sinc=a", Some("b"), "sinc=a&model=Film&since=b"),
        ] {
            let query = format!("{query}&model=Film");
            let header = header.map(|text| (LAST_EVENT_ID, text.parse().unwrap()));
            let told = going_on(&query, &HeaderMap::from_iter(header)).unwrap();
            assert_eq!(told.trim_start_matches('&'), expected);
        }
    }
}
