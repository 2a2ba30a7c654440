//! A request's body as it comes: whole where it is short, a bounded stream where not; never parsed.

use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody as _};
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, StreamExt as _};
use http::{HeaderMap, header};
use wire::{Code, Content, Media, Problem, Reply};

use crate::Limits;
use crate::prefer::Preferences;

/// How much of a body that is refused is read, and for how long.
const LINGER_BYTES: usize = 64 << 20;
const LINGER: Duration = Duration::from_secs(2);
/// A body that is announced as no longer is read to its end: whole, it can go with others, and to another replica.
const SHORT: u64 = 64 << 10;

/// What of it is read before the call: the first byte that is not blank, and all of it where it is short or comes in one
/// piece.
pub(crate) struct Incoming {
    pub(crate) content: Content,
    /// The first byte that is not white space.
    pub(crate) first: Option<u8>,
}

impl Incoming {
    pub(crate) fn none() -> Self {
        Self {
            content: Content::Whole(Bytes::new()),
            first: None,
        }
    }

    pub(crate) async fn read(headers: &HeaderMap, body: Body, limit: u64) -> Result<Self, Problem> {
        // The layers around the body do not pass on what it knows of its end.
        let announced = announced(headers);
        if announced == Some(0) || body.is_end_stream() {
            return Ok(Self::none());
        }
        let mut chunks = body.into_data_stream();
        if announced.is_some_and(|announced| announced > limit) {
            discard(&mut chunks).await;
            return Err(too_large(limit));
        }
        let mut begun = Bytes::new();
        loop {
            let Some(chunk) = next(&mut chunks).await? else {
                break;
            };
            begun = if begun.is_empty() {
                chunk
            } else {
                joined(&begun, &chunk)
            };
            if begun.len() as u64 > limit {
                discard(&mut chunks).await;
                return Err(too_large(limit));
            }
            let read = begun.len() as u64;
            let is_short = announced.is_some_and(|announced| announced <= SHORT);
            if is_short && announced > Some(read) {
                continue;
            }
            if let Some(first) = first_of(&begun) {
                let content = if announced == Some(read) {
                    Content::Whole(begun)
                } else {
                    rest(begun, chunks, limit)
                };
                return Ok(Self {
                    content,
                    first: Some(first),
                });
            }
        }
        Ok(Self {
            first: None,
            content: Content::Whole(begun),
        })
    }
}

/// Whether the body is one whose records are taken as they come, should the node be one that does so.
pub(crate) fn may_import(headers: &HeaderMap) -> bool {
    matches!(media(headers), Ok(Media::JsonLines | Media::Csv))
        && Preferences::read(headers).is_ok_and(|said| said.reply == Some(Reply::Minimal))
}

/// The most bytes of the request's body.
pub(crate) fn limit(limits: &Limits, headers: &HeaderMap) -> u64 {
    if may_import(headers) {
        limits.import_bytes
    } else {
        limits.body_bytes as u64
    }
}

/// `Content-Type`; JSON where it is not said.
pub(crate) fn media(headers: &HeaderMap) -> Result<Media, Problem> {
    // What could be unpacked has lost this header on its way here.
    if let Some(encoding) = headers.get(header::CONTENT_ENCODING)
        && encoding != "identity"
    {
        return Err(Problem::new(Code::UnsupportedMedia)
            .detail("the body is packed in a way that is not read here")
            .hint("send it as it is, or with `Content-Encoding: gzip` or `zstd`"));
    }
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Ok(Media::Json);
    };
    value.to_str().ok().and_then(Media::from_content_type).ok_or_else(|| {
        let shown = String::from_utf8_lossy(value.as_bytes()).chars().take(80).collect::<String>();
        Problem::new(Code::UnsupportedMedia)
            .detail(format!("`{shown}` is not read here"))
            .hint("send application/json; lists of records may also be text/csv or application/x-ndjson")
    })
}

/// What was packed has lost this header, too, on its way here.
fn announced(headers: &HeaderMap) -> Option<u64> {
    let value = headers.get(header::CONTENT_LENGTH)?;
    value.to_str().ok()?.parse().ok()
}

fn first_of(bytes: &[u8]) -> Option<u8> {
    bytes
        .iter()
        .copied()
        .find(|byte| !byte.is_ascii_whitespace())
}

fn joined(begun: &[u8], chunk: &[u8]) -> Bytes {
    let mut whole = BytesMut::with_capacity(begun.len() + chunk.len());
    whole.extend_from_slice(begun);
    whole.extend_from_slice(chunk);
    whole.freeze()
}

fn rest(begun: Bytes, chunks: BodyDataStream, limit: u64) -> Content {
    let read = begun.len() as u64;
    let rest = stream::unfold(Some((chunks, read)), move |state| async move {
        let (mut chunks, read) = state?;
        match next(&mut chunks).await {
            Ok(None) => None,
            Ok(Some(chunk)) if read + chunk.len() as u64 > limit => {
                discard(&mut chunks).await;
                Some((Err(too_large(limit)), None))
            }
            Ok(Some(chunk)) => {
                let read = read + chunk.len() as u64;
                Some((Ok(chunk), Some((chunks, read))))
            }
            Err(problem) => Some((Err(problem), None)),
        }
    });
    Content::Stream(stream::once(async { Ok(begun) }).chain(rest).boxed())
}

async fn next(chunks: &mut BodyDataStream) -> Result<Option<Bytes>, Problem> {
    let chunk = chunks.next().await.transpose();
    chunk.map_err(|error| {
        if is_pause(&error) {
            return Problem::new(Code::RequestTimeout)
                .detail("the client paused too long in the midst of the body");
        }
        Problem::new(Code::BadRequest)
            .detail(format!("the body cannot be read to its end: {error}"))
    })
}

fn is_pause(error: &axum::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<tower_http::timeout::TimeoutError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Reads on for a while: a connection that is closed while its client still sends is reset, and the client then never
/// sees why.
async fn discard(chunks: &mut BodyDataStream) {
    let mut left = LINGER_BYTES;
    let reading = async {
        while let Some(Ok(chunk)) = chunks.next().await
            && let Some(rest) = left.checked_sub(chunk.len())
        {
            left = rest;
        }
    };
    // Who is slower than that is not waited for.
    let _ = tokio::time::timeout(LINGER, reading).await;
}

fn too_large(limit: u64) -> Problem {
    Problem::new(Code::PayloadTooLarge)
        .detail(format!("the body is larger than {limit} bytes"))
        .hint("send fewer records at a time, or any number as JSON Lines or CSV with `Prefer: return=minimal`")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn told(chunks: &[&'static str], limit: u64) -> String {
        let chunks: Vec<_> = chunks
            .iter()
            .map(|chunk| Ok::<_, std::io::Error>(Bytes::from_static(chunk.as_bytes())))
            .collect();
        let body = Body::from_stream(stream::iter(chunks));
        let read = Incoming::read(&HeaderMap::new(), body, limit).await;
        let read = match read {
            Err(problem) => return problem.code.as_str().to_owned(),
            Ok(read) => read,
        };
        let first = read.first.map_or('-', char::from);
        let body = wire::Body {
            media: Media::Json,
            content: read.content,
        };
        match body.collect(usize::MAX).await {
            Ok(bytes) => format!("{first} {}", String::from_utf8(bytes.to_vec()).unwrap()),
            Err(problem) => format!("{first} then {}", problem.code.as_str()),
        }
    }

    #[tokio::test]
    async fn bodies_come_through_whole_up_to_the_limit() {
        assert_eq!(told(&[], 9).await, "- ");
        assert_eq!(told(&["{}"], 9).await, "{ {}");
        assert_eq!(told(&[" ", "\n", " [1,", "2]"], 9).await, "[  \n [1,2]");
        assert_eq!(told(&["  ", " "], 9).await, "-    ");
        assert_eq!(
            told(&["1234", "5678", "90"], 9).await,
            "1 then payload_too_large"
        );
        assert_eq!(told(&["1234567890"], 9).await, "payload_too_large");
        assert_eq!(told(&[" ", "         x"], 9).await, "payload_too_large");
    }

    #[tokio::test]
    async fn what_is_announced_as_short_is_whole() {
        let is_whole = async |announced: &'static str, chunks: [&'static str; 2]| {
            let headers = [(header::CONTENT_LENGTH, announced.parse().unwrap())];
            let chunks =
                chunks.map(|chunk| Ok::<_, std::io::Error>(Bytes::from_static(chunk.as_bytes())));
            let body = Body::from_stream(stream::iter(chunks));
            let read = Incoming::read(&headers.into_iter().collect(), body, 70_000).await;
            read.map(|read| matches!(read.content, Content::Whole(_)))
                .map_err(|problem| problem.code)
        };
        assert_eq!(is_whole("2", ["{}", ""]).await, Ok(true));
        assert_eq!(is_whole("4", ["{}", "  "]).await, Ok(true));
        assert_eq!(is_whole("65537", ["{}", "  "]).await, Ok(false));
        assert_eq!(is_whole("0", ["", ""]).await, Ok(true));
        assert_eq!(
            is_whole("70001", ["{}", ""]).await,
            Err(Code::PayloadTooLarge)
        );
    }
}
