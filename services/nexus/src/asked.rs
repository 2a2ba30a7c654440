//! One request, as handlers need it.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde::de::DeserializeOwned;
use wire::{Code, Meta, NodeName, Options, Problem};

use crate::asking::Asking;

pub(crate) struct Asked {
    pub(crate) by: Asking,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Arc<HeaderMap>,
    pub(crate) body: Bytes,
    pub(crate) begun: Instant,
}

impl Asked {
    /// A node, with the body as its input and the conditions that the headers name.
    pub(crate) async fn call(&self, node: NodeName) -> Result<(Meta, Bytes), Problem> {
        let options = Options {
            idempotency_key: self.idempotency_key()?,
            session: chassis::session_of(&self.headers)?,
            ..Options::default()
        };
        let input = if is_blank(&self.body) {
            Bytes::from_static(b"{}")
        } else {
            self.body.clone()
        };
        self.by.call(node, input, options).await
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
