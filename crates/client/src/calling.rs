//! A call as a request, an answer from its response.

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{HeaderMap, Method, Response, header};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use wire::{
    Answer, AnswerParts, Body, Call, CallParts, Caller, Code, Content, Health, NodeName, Problem,
};

use crate::exchange::{Exchange, collect};
use crate::{Client, Speech};

/// An answer whose length is known and below this is read at once; what is longer streams.
const WHOLE: u64 = 256 * 1024;
const HEALTH_BYTES: usize = 1 << 20;

impl Client {
    pub(crate) async fn carry(&self, call: Call) -> Result<Answer, Problem> {
        // A public server has no such route, and its callers are few.
        match &self.inner.speech {
            Speech::Internal if wire::batch::goes_with_others(&call) => {
                self.carry_small(call).await
            }
            _ => self.carry_alone(call).await,
        }
    }

    pub(crate) async fn carry_alone(&self, call: Call) -> Result<Answer, Problem> {
        let repeatable = self.may_repeat(&call.node, &call.caller);
        let mut path = match &self.inner.speech {
            Speech::Internal => format!("/call/{}", call.node),
            Speech::Public { nodes, .. } => format!("{nodes}/{}", call.node),
        };
        if !call.query.is_empty() {
            path.push('?');
            path.push_str(&call.query);
        }
        let parts = CallParts {
            caller: call.caller,
            media: call.input.media,
            options: call.options,
            deadline: call.deadline,
            trace: call.trace,
        };
        let mut headers = HeaderMap::new();
        match &self.inner.speech {
            Speech::Internal => parts.write(&mut headers),
            Speech::Public { key, .. } => key.write(&parts, &mut headers),
        }
        let exchange = Exchange {
            method: Method::POST,
            path,
            headers,
            content: call.input.content,
            deadline: call.deadline,
            repeatable,
        };
        answer_of(self.inner.endpoint.exchange(exchange).await?).await
    }

    /// Whether the call only reads, as the catalogue says where it is known, else by the verbs that every model has; or
    /// says of a session what may be said twice.
    pub(crate) fn may_repeat(&self, node: &NodeName, caller: &Caller) -> bool {
        let known = self.inner.catalogues.known(caller);
        known
            .as_deref()
            .and_then(|catalogue| catalogue.node(node))
            .map_or_else(|| sounds_repeatable(node), |node| node.hints.read_only)
    }

    pub(crate) async fn reported_health(&self) -> Result<Health, Problem> {
        let exchange = Exchange {
            method: Method::GET,
            path: "/health".to_owned(),
            headers: HeaderMap::new(),
            content: Content::Whole(Bytes::new()),
            deadline: Some(std::time::Instant::now() + std::time::Duration::from_secs(3)),
            repeatable: true,
        };
        let response = self.inner.endpoint.exchange(exchange).await?;
        let bytes = collect(response.into_body(), HEALTH_BYTES).await?;
        serde_json::from_slice(&bytes).map_err(|error| {
            Problem::new(Code::Unavailable)
                .detail(format!("the health report cannot be read: {error}"))
        })
    }
}

/// A workflow may have any name.
fn sounds_repeatable(node: &NodeName) -> bool {
    let reads = matches!(
        node.verb(),
        "read" | "list" | "count" | "search" | "aggregate" | "verify" | "get" | "put" | "changes"
    );
    reads && node.family() != "workflow"
}

async fn answer_of(response: Response<Incoming>) -> Result<Answer, Problem> {
    let (head, body) = response.into_parts();
    let AnswerParts { media, meta } = AnswerParts::read(&head.headers)?;
    let short = body.size_hint().exact().is_some_and(|len| len <= WHOLE);
    let encoded = head.headers.contains_key(header::CONTENT_ENCODING);
    if encoded {
        return Err(Problem::new(Code::Unavailable)
            .detail("the answer is encoded, which was not asked for"));
    }
    let content = if short {
        let whole = usize::try_from(WHOLE).unwrap_or(usize::MAX);
        Content::Whole(collect(body, whole).await?)
    } else {
        let broke_off = |error| {
            Problem::new(Code::Unavailable).detail(format!("the answer broke off: {error}"))
        };
        let stream = body
            .into_data_stream()
            .map(move |chunk| chunk.map_err(broke_off));
        Content::Stream(Box::pin(stream))
    };
    Ok(Answer {
        meta,
        body: Body { media, content },
    })
}
