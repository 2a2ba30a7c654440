//! `/api/v1/…`: a request becomes a call, its answer the response.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::State;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use wire::{Call, Caller, Code, Content, Media, NodeName, Options, Problem, Reply, Trace};

use crate::App;
use crate::accept::negotiate;
use crate::changes;
use crate::condition::{IfNoneMatch, if_match};
use crate::found::{Found, find};
use crate::incoming::{self, Incoming, media};
use crate::prefer::Preferences;
use crate::reply::{Asked, reply};
use crate::route::{Astray, Target, route};
use crate::view::View;
use chassis::{Refusal, put, session_of};

/// The nodes keep the deadline; this is for what hangs before or beside them.
const GRACE: Duration = Duration::from_secs(2);
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
const TRACE_RESPONSE: HeaderName = HeaderName::from_static("traceresponse");

/// Any method on any path below `/api/v1/`.
pub(crate) async fn v1(State(app): State<App>, request: Request<Body>) -> Response<Body> {
    let begun = Instant::now();
    let trace = Trace::of(request.headers());
    let _in_flight = app.metrics.as_ref().map(chassis::Metrics::begin);
    let path = request.uri().path().to_owned();
    let credential = request.headers().contains_key(header::AUTHORIZATION);
    let mut label = Label::default();
    let patience = if incoming::may_import(request.headers()) {
        app.limits.stream_time
    } else {
        app.limits.deadline
    };
    let work = answer(&app, request, begun, trace, &mut label);
    let answered = tokio::time::timeout(patience + GRACE, work).await;
    let answered = answered.unwrap_or_else(|_| Err(Problem::new(Code::Timeout).into()));
    let mut response = answered.unwrap_or_else(|refusal| {
        let trace_id = trace.id();
        if refusal.problem().code.status() >= 500 {
            let problem = refusal.problem();
            tracing::error!(
                code = problem.code.as_str(),
                node.name = label.text(),
                trace_id,
                path,
                "{}",
                problem.detail
            );
        }
        refusal.into_response(&path, &trace_id, credential)
    });
    let took = begun.elapsed();
    if let Some(metrics) = &app.metrics {
        metrics.observe(label.text(), response.status().as_u16(), took);
    }
    let headers = response.headers_mut();
    put(
        headers,
        SERVER_TIMING,
        &format!("total;dur={:.2}", took.as_secs_f64() * 1000.0),
    );
    put(headers, TRACE_RESPONSE, &trace.to_string());
    response
}

/// What metrics call the request: a node that the catalogue knows, so that their number is bounded.
#[derive(Default)]
struct Label(Option<NodeName>);

impl Label {
    fn text(&self) -> &str {
        self.0.as_ref().map_or("none", NodeName::as_str)
    }
}

async fn answer(
    app: &App,
    request: Request<Body>,
    begun: Instant,
    trace: Trace,
    label: &mut Label,
) -> Result<Response<Body>, Refusal> {
    let _place = app.places.try_acquire().map_err(|_| too_many(app))?;
    let (head, body) = request.into_parts();
    check_url(app, &head)?;
    let below = head.uri.path().strip_prefix("/api/v1/").unwrap_or_default();
    let target = match route(&head.method, below) {
        Ok(target) => target,
        Err(astray) => return stray(&head.method, astray),
    };
    let caller = app.caller(&head.headers, trace).await?;
    let view = app.view(&caller).await?;
    let Some(found) = find(&target, &view, &caller)? else {
        return Ok(listing(&view, &head.headers, head.method == Method::HEAD)?);
    };
    let preferences = Preferences::read(&head.headers)?;
    let if_none_match = IfNoneMatch::read(&head.headers)?;
    let call = call_of(app, &head, body, &found, &preferences, trace).await?;
    if if_none_match.is_said() && !matches!(head.method, Method::GET | Method::HEAD) {
        return Err(Problem::new(Code::BadRequest)
            .detail("`If-None-Match` has a meaning with GET and HEAD only")
            .hint("guard a change with `If-Match`")
            .into());
    }
    if view.catalogue.node(&call.node).is_some() {
        label.0 = Some(call.node.clone());
    }
    let asked = Asked {
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        method: &head.method,
        writes: !is_read(call.node.verb()),
        preferences: &preferences,
        if_none_match: &if_none_match,
        model: found.path,
        meta: matches!(target, Target::Node(_)),
    };
    let time = if call.is_import() {
        app.limits.stream_time
    } else {
        app.limits.deadline
    };
    let call = Call {
        caller,
        deadline: Some(begun + time),
        ..call
    };
    let answered = app.calls.call(call).await;
    let answer = answered.map_err(|problem| found.explain(problem, &view))?;
    Ok(reply(changes::until(&app.stopping, answer), &asked))
}

fn too_many(app: &App) -> Problem {
    Problem::new(Code::Unavailable)
        .detail(format!(
            "{} requests are at work already",
            app.limits.requests
        ))
        .hint("nothing was done: try again after Retry-After")
}

fn check_url(app: &App, head: &Parts) -> Result<(), Problem> {
    let most = app.limits.url_bytes;
    let target = head.uri.path_and_query();
    if target.is_none_or(|target| target.as_str().len() <= most) {
        return Ok(());
    }
    Err(Problem::new(Code::UriTooLong)
        .detail(format!("the path and query are longer than {most} bytes"))
        .hint("send a long filter as JSON, to `:query` or `:count`"))
}

/// What the request asks; by whom and until when is for the caller of this to say.
async fn call_of(
    app: &App,
    head: &Parts,
    body: Body,
    found: &Found<'_>,
    preferences: &Preferences,
    trace: Trace,
) -> Result<Call, Problem> {
    let incoming = match head.method {
        Method::GET | Method::HEAD => Incoming::none(),
        _ => {
            let limit = incoming::limit(&app.limits, &head.headers);
            Incoming::read(&head.headers, body, limit).await?
        }
    };
    let media = match incoming.first {
        Some(_) => media(&head.headers)?,
        None => Media::Json,
    };
    let node = found.node(media, incoming.first)?;
    let input = wire::Body {
        media,
        content: incoming.content,
    };
    let options = options(&head.headers, preferences, node.verb())?;
    let mut query = found.query(head.uri.query().unwrap_or_default());
    if node.as_str() == "changes" {
        query = changes::going_on(&query, &head.headers)?;
    }
    Ok(Call {
        query,
        options,
        node,
        input,
        caller: Caller::Anonymous,
        deadline: None,
        trace,
    })
}

fn stray(method: &Method, astray: Astray) -> Result<Response<Body>, Refusal> {
    match astray {
        Astray::NoSuchPath { hint } => {
            let problem = Problem::new(Code::NoSuchRoute);
            Err(Problem { hint, ..problem }.into())
        }
        Astray::Garbled => Err(Problem::new(Code::BadRequest)
            .detail("the path is not percent-encoded UTF-8")
            .into()),
        Astray::Method(allow) => Err(Refusal::method(method, allow)),
        Astray::Options(allow) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_static(allow));
            Ok(response)
        }
    }
}

fn is_read(verb: &str) -> bool {
    matches!(
        verb,
        "read" | "list" | "count" | "search" | "aggregate" | "changes"
    )
}

fn options(headers: &HeaderMap, preferences: &Preferences, verb: &str) -> Result<Options, Problem> {
    let offered: &[Media] = match verb {
        "list" | "search" => &Media::RECORDS,
        "changes" => &[Media::EventStream],
        _ => &[Media::Json],
    };
    Ok(Options {
        accept: negotiate(headers, offered)?,
        if_version: if_match(headers)?,
        idempotency_key: idempotency_key(headers)?,
        dry_run: preferences.rollback,
        count: preferences.count.unwrap_or_default(),
        max_affected: preferences.max_affected,
        reply: preferences.reply.unwrap_or(Reply::Representation),
        session: session_of(headers)?,
        step: None,
    })
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut keys = headers.get_all(wire::header::IDEMPOTENCY_KEY).iter();
    let Some(key) = keys.next() else {
        return Ok(None);
    };
    let text = key.to_str().ok().map(|text| text.trim_matches('"'));
    match text {
        Some(text) if keys.next().is_none() && (1..=255).contains(&text.len()) => {
            Ok(Some(text.to_owned()))
        }
        _ => Err(Problem::new(Code::BadRequest).detail(
            "the header `idempotency-key` must be one text of 1 to 255 printable ASCII characters",
        )),
    }
}

/// `GET /api/v1/call`: the catalogue of the caller.
fn listing(view: &View, headers: &HeaderMap, head: bool) -> Result<Response<Body>, Problem> {
    let bytes = view.listing();
    let unchanged = IfNoneMatch::read(headers)?.has(&view.catalogue.version);
    let answer = wire::Answer {
        meta: wire::Meta::default(),
        body: wire::Body {
            media: Media::Json,
            content: Content::Whole(bytes),
        },
    };
    let asked = Asked {
        path: "",
        query: "",
        method: if head { &Method::HEAD } else { &Method::GET },
        writes: false,
        preferences: &Preferences::default(),
        if_none_match: &IfNoneMatch::default(),
        model: None,
        meta: false,
    };
    let mut response = if unchanged {
        Response::new(Body::empty())
    } else {
        reply(answer, &asked)
    };
    if unchanged {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    put(
        response.headers_mut(),
        header::ETAG,
        &format!("\"{}\"", view.catalogue.version),
    );
    Ok(response)
}
