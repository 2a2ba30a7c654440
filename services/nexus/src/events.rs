//! What becomes of runs, as server-sent events: of one, and of all.

mod all;
mod run;

use std::pin::Pin;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use tokio_util::sync::CancellationToken;
use wire::{Media, Problem};

pub(crate) use all::of_all;
pub(crate) use run::of_run;

/// How often runs that are carried out elsewhere are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// What happens within this time is told together.
const TOGETHER: Duration = Duration::from_millis(50);
/// So long nothing is said before a comment says that all is well.
const SILENCE: Duration = Duration::from_secs(15);
const STILL_HERE: &str = ": still here\n\n";
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Ends once something was heard since before the last look.
type Heard = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

/// Whoever has news, again and again.
trait Watches: Send + 'static {
    /// The next events, as text; nothing once all is told.
    fn next(&mut self) -> impl Future<Output = Option<Result<String, Problem>>> + Send;
}

/// Whether `Accept` asks for events before anything else.
pub(crate) fn are_wanted(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    let first = accept.and_then(|text| text.split([',', ';']).next());
    first.is_some_and(|kind| {
        kind.trim()
            .eq_ignore_ascii_case(Media::EventStream.as_str())
    })
}

/// Until something was heard, or it is time to look anyway; false where this process is to stop.
async fn pause(heard: &mut Heard, stopping: &CancellationToken) -> bool {
    tokio::select! {
        heard = tokio::time::timeout(LOOK, heard) => if heard.is_ok() {
            tokio::time::sleep(TOGETHER).await;
        },
        () = stopping.cancelled() => return false,
    }
    true
}

fn answer(first: String, watch: impl Watches) -> Response<Body> {
    let told = stream::unfold((Some(first), watch), |(first, mut watch)| async {
        let text = match first {
            Some(first) => Some(Ok(first)),
            None => watch.next().await,
        };
        text.map(|text| (text.map(Bytes::from), (None, watch)))
    });
    let mut response = Response::new(Body::from_stream(told));
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("text/event-stream");
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response
}

fn push(text: &mut String, event: &str, data: &str) {
    text.push_str("event: ");
    text.push_str(event);
    for line in data.lines() {
        text.push_str("\ndata: ");
        text.push_str(line);
    }
    text.push_str("\n\n");
}
