//! A replica that drains ends each connection with its answer, so that who keeps one asks other replicas next.

use std::future::ready;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware::map_response;
use axum::response::Response;

use crate::{Life, Phase};

/// A connection that is kept until the listener closes may be closed while a change is on its way in it, which nobody
/// between may then send again.
pub fn with_farewell(router: Router, life: Life) -> Router {
    router.layer(map_response(move |mut response: Response| {
        if life.phase() == Phase::Draining {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        ready(response)
    }))
}
