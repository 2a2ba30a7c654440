//! As whom something goes on beside requests: a key may be revoked meanwhile, and an assertion runs out.

use http::request::Parts;
use http::{HeaderMap, HeaderValue, header};
use rmcp::model::Extensions;
use wire::{Caller, Problem, Trace};

use crate::face::{Face, Shared};

pub(crate) struct Standing {
    headers: HeaderMap,
    /// Of whoever runs the process, instead of a credential.
    caller: Option<Caller>,
}

impl Standing {
    /// As the request's head says, or the connection's.
    pub(crate) fn of<B>(face: &Face<B>, extensions: &Extensions) -> Option<Self> {
        let held = face.held.as_ref();
        let headers = extensions.get::<Parts>();
        let headers = headers.map(|parts| credential(&parts.headers));
        Some(Self {
            headers: headers.or_else(|| held.map(|held| held.headers.clone()))?,
            caller: held.and_then(|held| held.caller.clone()),
        })
    }

    /// Found out anew.
    pub(crate) async fn caller(&self, shared: &Shared) -> Result<Caller, Problem> {
        if let Some(caller) = &self.caller {
            return Ok(caller.clone());
        }
        // On the heap, as what follows: most of the time nothing of it is needed.
        let asked = Box::pin(shared.identify(&self.headers, Trace::random()));
        Ok(asked.await?.caller)
    }
}

/// Of a head what is needed to know who asks; a copy, since a value that came from a socket keeps all that was read with
/// it, which is 16 KiB.
pub(crate) fn credential(headers: &HeaderMap) -> HeaderMap {
    let value = headers.get(header::AUTHORIZATION);
    let copied = value.and_then(|value| HeaderValue::from_bytes(value.as_bytes()).ok());
    let header = copied.map(|value| (header::AUTHORIZATION, value));
    header.into_iter().collect()
}
