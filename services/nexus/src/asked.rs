//! One request, as handlers need it, and calls of nodes for it.

use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::{Answer, Call, Caller, Code, NodeName, Options, Problem, Trace};

use crate::App;

/// Runs with their steps, whole.
const LARGEST_ANSWER: usize = 256 << 20;
/// A node has so long beyond what is waited for.
const CALL: Duration = Duration::from_secs(30);

pub(crate) struct Asked {
    pub(crate) app: App,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trace: Trace,
    pub(crate) begun: Instant,
}

impl Asked {
    /// Asked anew each time, since a run may be waited for longer than an assertion is good.
    pub(crate) async fn caller(&self) -> Result<Caller, Problem> {
        let callers = &self.app.callers;
        let identity = callers.identify(&self.headers, &*self.app.calls, self.trace);
        Ok(identity.await?.caller)
    }

    /// A node, as whoever asks.
    pub(crate) async fn call(
        &self,
        node: NodeName,
        input: Bytes,
        options: Options,
    ) -> Result<(wire::Meta, Bytes), Problem> {
        let call = Call {
            options,
            deadline: Some(Instant::now() + CALL),
            trace: self.trace,
            ..Call::new(node, self.caller().await?, wire::Body::json(input))
        };
        let Answer { meta, body } = self.app.calls.call(call).await?;
        Ok((meta, body.collect(LARGEST_ANSWER).await?))
    }

    /// The node `run.<verb>`.
    pub(crate) async fn run(
        &self,
        verb: &str,
        input: &impl Serialize,
    ) -> Result<(wire::Meta, Bytes), Problem> {
        let input = serde_json::to_vec(input).map_err(|error| {
            Problem::new(Code::Internal).detail(format!("the input of run.{verb}: {error}"))
        })?;
        let node = NodeName::of_model("run", verb);
        self.call(node, input.into(), Options::default()).await
    }

    /// The body, which may be absent where nothing must be said.
    pub(crate) fn body<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let body: &[u8] = if is_blank(&self.body) {
            b"{}"
        } else {
            &self.body
        };
        serde_json::from_slice(body).map_err(|error| {
            let code = if error.is_data() {
                Code::InvalidInput
            } else {
                Code::MalformedBody
            };
            Problem::new(code).detail(error.to_string())
        })
    }
}

pub(crate) fn is_blank(body: &[u8]) -> bool {
    body.iter().all(u8::is_ascii_whitespace)
}

pub(crate) fn read<T: DeserializeOwned>(answer: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(answer).map_err(|error| {
        Problem::new(Code::Internal).detail(format!("dataflow's answer cannot be read: {error}"))
    })
}

pub(crate) fn json(status: StatusCode, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}
