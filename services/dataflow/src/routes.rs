//! The internal routes: `/call/{node}`, `/catalogue`, `/health`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::TryStreamExt as _;
use wire::{Answer, AnswerParts, Call, CallParts, Calls, Code, Content, NodeName, Problem};

type App = Arc<dyn Calls>;

pub(crate) fn router(calls: App) -> Router {
    Router::new()
        .route("/call/{node}", post(call))
        .route("/catalogue", get(catalogue))
        .route("/health", get(health))
        .with_state(calls)
}

/// A problem as an answer: it carries its status itself.
struct Refusal(Problem);

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (
            status,
            [(header::CONTENT_TYPE, "application/problem+json")],
            self.0.to_json(None),
        )
            .into_response()
    }
}

/// `POST /call/{node}?{query}`
async fn call(
    State(calls): State<App>,
    Path(node): Path<String>,
    RawQuery(query): RawQuery,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    let node: NodeName = node
        .parse()
        .map_err(|error| Problem::new(Code::NoSuchNode).detail(format!("{error}")))?;
    let parts = CallParts::read(request.headers())?;
    let lost = |_| Problem::new(Code::BadRequest).detail("the body was cut off");
    let stream = request.into_body().into_data_stream().map_err(lost);
    let call = Call {
        node,
        caller: parts.caller,
        query: query.unwrap_or_default(),
        input: wire::Body {
            media: parts.media,
            content: Content::Stream(Box::pin(stream)),
        },
        options: parts.options,
        deadline: parts.deadline,
        trace: parts.trace,
    };
    Ok(respond(calls.call(call).await?))
}

fn respond(answer: Answer) -> Response {
    let body = match answer.body.content {
        Content::Whole(bytes) => Body::from(bytes),
        Content::Stream(stream) => Body::from_stream(stream),
    };
    let mut response = Response::new(body);
    AnswerParts {
        media: answer.body.media,
        meta: answer.meta,
    }
    .write(response.headers_mut());
    response
}

/// `GET /catalogue`, 304 where the caller has this version
async fn catalogue(State(calls): State<App>, headers: HeaderMap) -> Result<Response, Refusal> {
    let parts = CallParts::read(&headers)?;
    let catalogue = calls.catalogue(&parts.caller).await?;
    let tag = format!("\"{}\"", catalogue.version);
    if headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes())
    {
        return Ok(StatusCode::NOT_MODIFIED.into_response());
    }
    Ok(([(header::ETAG, tag)], Json(&*catalogue)).into_response())
}

/// `GET /health`
async fn health(State(calls): State<App>) -> Response {
    Json(calls.health().await).into_response()
}
