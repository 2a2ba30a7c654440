//! The internal routes: `/call/{node}`, `/catalogue`, `/migrations`, `/health`.

use std::sync::Arc;
use std::time::Instant;

use crate::App;
use crate::migrations::Teller;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use chassis::{Life, Metrics};
use futures_util::future::join_all;
use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio_util::sync::CancellationToken;
use wire::{
    Answer, AnswerParts, Call, CallParts, Calls, Code, Content, Media, NodeName, Problem, batch,
};

/// More than as many small calls as one request holds.
const BATCH_BYTES: usize = 16 << 20;

/// What the routes stand on. Cheap to clone.
#[derive(Clone)]
pub struct Served {
    calls: Arc<dyn Calls>,
    migrations: Option<Teller>,
    metrics: Option<Metrics>,
    /// When it is cancelled, streams that have no end of their own end.
    stopping: CancellationToken,
    life: Life,
}

impl Served {
    pub fn of(app: &App) -> Self {
        Self {
            calls: app.calls(),
            migrations: Some(app.teller()),
            metrics: None,
            stopping: CancellationToken::new(),
            life: Life::default(),
        }
    }

    /// Calls are counted there, by node and status.
    #[must_use]
    pub fn counted(self, metrics: Metrics) -> Self {
        Self {
            metrics: Some(metrics),
            ..self
        }
    }

    /// While this drains, each answer ends its connection.
    #[must_use]
    pub fn draining_with(self, life: Life) -> Self {
        Self { life, ..self }
    }

    pub(crate) fn until(self, stopping: CancellationToken) -> Self {
        Self { stopping, ..self }
    }
}

impl Served {
    async fn counted_call(&self, call: Call) -> Result<Answer, Problem> {
        let Some(metrics) = &self.metrics else {
            return self.calls.call(call).await;
        };
        let (begun, label) = (Instant::now(), call.node.clone());
        let in_flight = metrics.begin();
        let answered = self.calls.call(call).await;
        drop(in_flight);
        // What does not exist is no label: callers could name anything.
        let (route, status) = match &answered {
            Ok(_) => (label.as_str(), 200),
            Err(problem) if problem.code == Code::NoSuchNode => ("none", 404),
            Err(problem) => (label.as_str(), problem.code.status()),
        };
        metrics.observe(route, status, begun.elapsed());
        answered
    }
}

impl From<Arc<dyn Calls>> for Served {
    fn from(calls: Arc<dyn Calls>) -> Self {
        Self {
            calls,
            migrations: None,
            metrics: None,
            stopping: CancellationToken::new(),
            life: Life::default(),
        }
    }
}

pub(crate) fn router(served: Served) -> Router {
    let life = served.life.clone();
    let router = Router::new()
        .route("/call/{node}", post(call))
        .route("/calls", post(calls))
        .route("/changes", get(changes))
        .route("/catalogue", get(catalogue))
        .route("/migrations", get(migrations))
        .route("/health", get(health))
        .with_state(served);
    chassis::with_farewell(router, life)
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
    State(served): State<Served>,
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
    let answer = served.counted_call(call).await?;
    Ok(respond(answer, served.stopping))
}

/// `POST /calls`: several small calls, carried out side by side, answered together
async fn calls(State(served): State<Served>, request: Request<Body>) -> Result<Response, Refusal> {
    let cut_off = |_| Problem::new(Code::BadRequest).detail("the body was cut off or is too large");
    let bytes = axum::body::to_bytes(request.into_body(), BATCH_BYTES).await;
    let calls = batch::read_calls(bytes.map_err(cut_off)?)?;
    let answers = join_all(calls.into_iter().map(|call| served.counted_call(call))).await;
    let bytes = batch::write_answers(&answers)?;
    Ok(([(header::CONTENT_TYPE, batch::BATCH)], bytes).into_response())
}

/// `GET /changes?{query}`: the node of that name
async fn changes(
    State(served): State<Served>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let parts = CallParts::read(&headers)?;
    let node = "changes".parse().expect("it is a node's name");
    let mut call = Call::new(node, parts.caller, wire::Body::empty());
    call.query = query.unwrap_or_default();
    call.options.accept = Media::EventStream;
    call.trace = parts.trace;
    let answer = served.counted_call(call).await?;
    Ok(respond(answer, served.stopping))
}

fn respond(answer: Answer, stopping: CancellationToken) -> Response {
    let is_endless = answer.body.media == Media::EventStream;
    let body = match answer.body.content {
        Content::Whole(bytes) => Body::from(bytes),
        Content::Stream(stream) if is_endless => {
            Body::from_stream(stream.take_until(stopping.cancelled_owned()))
        }
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
async fn catalogue(State(served): State<Served>, headers: HeaderMap) -> Result<Response, Refusal> {
    let parts = CallParts::read(&headers)?;
    let catalogue = served.calls.catalogue(&parts.caller).await?;
    let tag = format!("\"{}\"", catalogue.version);
    if headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes())
    {
        return Ok(StatusCode::NOT_MODIFIED.into_response());
    }
    Ok(([(header::ETAG, tag)], Json(&*catalogue)).into_response())
}

/// `GET /migrations`, for admins: what was applied, what is pending, what others changed
async fn migrations(State(served): State<Served>, headers: HeaderMap) -> Result<Response, Refusal> {
    let parts = CallParts::read(&headers)?;
    let Some(teller) = &served.migrations else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    Ok(Json(teller.tell(&parts.caller).await?).into_response())
}

/// `GET /health`
async fn health(State(served): State<Served>) -> Response {
    Json(served.calls.health().await).into_response()
}
