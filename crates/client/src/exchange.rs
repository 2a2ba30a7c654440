//! One request and its answer: which replica, how often, how long, and what a failure means to the asker.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::client::legacy::Error;
use wire::{ByteStream, Code, Content, Problem};

use crate::endpoint::{Endpoint, Outgoing};

/// Problems are small; what is larger is not one of ours.
const PROBLEM_BYTES: usize = 1 << 20;
/// How long an answer that no deadline bounds may take to begin.
const PATIENCE: Duration = Duration::from_mins(10);

pub(crate) struct Exchange {
    pub(crate) method: Method,
    /// With the query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) content: Content,
    pub(crate) deadline: Option<Instant>,
    /// Asking twice does no harm.
    pub(crate) repeatable: bool,
}

impl Endpoint {
    /// The answer's head, and its body unread. A refusal is a problem; 304 is an answer.
    pub(crate) async fn exchange(&self, exchange: Exchange) -> Result<Response<Incoming>, Problem> {
        let deadline = exchange
            .deadline
            .unwrap_or_else(|| Instant::now() + PATIENCE);
        let response = tokio::time::timeout_at(deadline.into(), self.try_replicas(exchange))
            .await
            .map_err(|_| Problem::new(Code::Timeout))??;
        if response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED {
            return Ok(response);
        }
        Err(problem_of(response).await)
    }

    /// A connection that cannot be made was no request: the next replica is tried. What was sent is sent once more
    /// where that does no harm.
    async fn try_replicas(&self, exchange: Exchange) -> Result<Response<Incoming>, Problem> {
        let replicas = self
            .replicas()
            .await
            .map_err(|error| self.unreachable(&error.to_string()))?;
        let Exchange {
            method,
            path,
            headers,
            content,
            repeatable,
            ..
        } = exchange;
        let content = Kept::from(content);
        let mut sent_before = false;
        let mut last = self.unreachable("its name has no address");
        // One replica is asked twice, so that a restart between two calls is not seen.
        for replica in replicas.iter().cycle().take(replicas.len().max(2)) {
            let Some(body) = content.to_send() else {
                break;
            };
            let mut request = Request::new(body);
            *request.method_mut() = method.clone();
            *request.headers_mut() = headers.clone();
            request
                .headers_mut()
                .insert(http::header::HOST, self.host.clone());
            match self.send(*replica, &path, request).await {
                Ok(response) => return Ok(response),
                Err(error) if error.is_connect() => last = self.unreachable(&root_cause(&error)),
                Err(error) if repeatable && !sent_before => {
                    sent_before = true;
                    last = broken(&error, repeatable);
                }
                Err(error) => {
                    return Err(own_problem(&error).unwrap_or_else(|| broken(&error, repeatable)));
                }
            }
        }
        Err(last)
    }

    fn unreachable(&self, why: &str) -> Problem {
        let host = self.host.to_str().unwrap_or_default();
        Problem::new(Code::Unavailable).detail(format!("{host} cannot be reached: {why}"))
    }
}

/// The asker's body failed while it was being sent: that problem says more than the broken connection.
fn own_problem(error: &Error) -> Option<Problem> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(problem) = error.downcast_ref::<Problem>() {
            return Some(problem.clone());
        }
        cause = error.source();
    }
    None
}

/// Content that stays for another try: a stream until its first bytes are asked for, which no connection that could not
/// be made has done.
enum Kept {
    Whole(Bytes),
    Stream(Arc<Mutex<Option<ByteStream>>>),
}

impl From<Content> for Kept {
    fn from(content: Content) -> Self {
        match content {
            Content::Whole(bytes) => Self::Whole(bytes),
            Content::Stream(stream) => Self::Stream(Arc::new(Mutex::new(Some(stream)))),
        }
    }
}

impl Kept {
    /// Nothing where it is gone.
    fn to_send(&self) -> Option<Outgoing> {
        match self {
            Self::Whole(bytes) => {
                let body = Full::new(bytes.clone());
                Some(body.map_err(|never| match never {}).boxed_unsync())
            }
            Self::Stream(kept) => {
                lock(kept).as_ref()?;
                let kept = Arc::clone(kept);
                let begun = stream::once(async move { lock(&kept).take() });
                let bytes =
                    begun.flat_map(|stream| stream.unwrap_or_else(|| stream::empty().boxed()));
                Some(StreamBody::new(bytes.map_ok(Frame::data)).boxed_unsync())
            }
        }
    }
}

fn lock(kept: &Mutex<Option<ByteStream>>) -> MutexGuard<'_, Option<ByteStream>> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

fn broken(error: &Error, repeatable: bool) -> Problem {
    let problem = Problem::new(Code::Unavailable).detail(format!(
        "the connection broke before the answer: {}",
        root_cause(error)
    ));
    if repeatable {
        problem
    } else {
        problem.hint("whether the change was made is not known; with an Idempotency-Key it can be sent again safely")
    }
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

async fn problem_of(response: Response<Incoming>) -> Problem {
    let status = response.status();
    let bytes = collect(response.into_body(), PROBLEM_BYTES)
        .await
        .unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_else(|_| {
        let code = match status.as_u16() {
            401 => Code::Unauthenticated,
            403 => Code::Forbidden,
            404 => Code::NoSuchRoute,
            413 => Code::PayloadTooLarge,
            429 => Code::RateLimited,
            504 => Code::Timeout,
            400..=499 => Code::BadRequest,
            _ => Code::Unavailable,
        };
        Problem::new(code).detail(format!(
            "answered {status} with a body that is no problem document"
        ))
    })
}

pub(crate) async fn collect(body: Incoming, limit: usize) -> Result<Bytes, Problem> {
    let limited = http_body_util::Limited::new(body, limit);
    let collected = limited.collect().await;
    collected
        .map(http_body_util::Collected::to_bytes)
        .map_err(|error| {
            Problem::new(Code::Unavailable).detail(format!("the answer broke off: {error}"))
        })
}

pub(crate) fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stream_goes_to_the_next_replica_until_it_was_begun() {
        let pieces = ["[1,", "2]"].map(|piece| Ok(Bytes::from_static(piece.as_bytes())));
        let kept = Kept::from(Content::Stream(stream::iter(pieces).boxed()));
        drop(kept.to_send());
        let sent = kept.to_send().unwrap().collect().await.unwrap();
        assert_eq!(sent.to_bytes(), "[1,2]");
        assert!(kept.to_send().is_none());
    }
}
