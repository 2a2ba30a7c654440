//! What a call carries in and an answer carries out: bytes of a stated kind, whole or as a stream.

use std::fmt;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{BoxStream, StreamExt};

use crate::{Code, Problem};

/// The kinds of content that nodes read and write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Media {
    #[default]
    Json,
    /// One JSON value a line.
    JsonLines,
    Csv,
    /// Server-sent events, which only `changes` answers.
    EventStream,
}

impl Media {
    pub const ALL: [Self; 4] = [Self::Json, Self::JsonLines, Self::Csv, Self::EventStream];
    /// Those of records.
    pub const RECORDS: [Self; 3] = [Self::Json, Self::JsonLines, Self::Csv];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::JsonLines => "application/x-ndjson",
            Self::Csv => "text/csv",
            Self::EventStream => "text/event-stream",
        }
    }

    /// Reads a `Content-Type`, parameters ignored but for a charset other than UTF-8.
    pub fn from_content_type(value: &str) -> Option<Self> {
        let (essence, parameters) = value.split_once(';').unwrap_or((value, ""));
        let parameters = parameters.to_ascii_lowercase();
        if let Some((_, charset)) = parameters.split_once("charset=")
            && !matches!(charset.trim().trim_matches('"'), "utf-8" | "utf8")
        {
            return None;
        }
        let essence = essence.trim();
        Self::ALL
            .into_iter()
            .find(|media| media.as_str().eq_ignore_ascii_case(essence))
    }
}

pub type ByteStream = BoxStream<'static, Result<Bytes, Problem>>;

pub enum Content {
    Whole(Bytes),
    Stream(ByteStream),
}

pub struct Body {
    pub media: Media,
    pub content: Content,
}

impl Body {
    pub fn empty() -> Self {
        Self::json(Bytes::new())
    }

    pub fn json(bytes: impl Into<Bytes>) -> Self {
        Self {
            media: Media::Json,
            content: Content::Whole(bytes.into()),
        }
    }

    /// The whole content, read up to `limit` bytes.
    pub async fn collect(self, limit: usize) -> Result<Bytes, Problem> {
        let too_large = || {
            Problem::new(Code::PayloadTooLarge)
                .detail(format!("the body is larger than {limit} bytes"))
                .hint("send fewer records at a time, or raise `limits.body_bytes` in gantry.yaml")
        };
        match self.content {
            Content::Whole(bytes) if bytes.len() > limit => Err(too_large()),
            Content::Whole(bytes) => Ok(bytes),
            Content::Stream(mut stream) => {
                let mut whole = BytesMut::new();
                while let Some(chunk) = stream.next().await {
                    let chunk = chunk?;
                    if whole.len() + chunk.len() > limit {
                        return Err(too_large());
                    }
                    whole.extend_from_slice(&chunk);
                }
                Ok(whole.freeze())
            }
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.content {
            Content::Whole(bytes) => write!(f, "{} of {} bytes", self.media.as_str(), bytes.len()),
            Content::Stream(_) => write!(f, "{} stream", self.media.as_str()),
        }
    }
}
