//! `/nexus/v1/…`: who asks and for what, and the answer or the problem as HTTP.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::extract::State;
use chassis::{Refusal, put};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use wire::{Code, Problem, Trace};

use crate::asked::{Asked, is_blank};
use crate::asking::{Asking, Who};
use crate::route::{Astray, Target, route};
use crate::{App, actions, call, events, hooks, openapi, runs, sessions, workflows};

pub(crate) type Answered = Result<Response<Body>, Problem>;

/// For what hangs before or beside the wait for a run.
const GRACE: Duration = Duration::from_secs(5);
const TRACE_RESPONSE: HeaderName = HeaderName::from_static("traceresponse");

/// Any method on any path below `/nexus/v1/`.
pub(crate) async fn v1(State(app): State<App>, request: Request<Body>) -> Response<Body> {
    let begun = Instant::now();
    let trace = Trace::of(request.headers());
    let _in_flight = app.metrics.as_ref().map(chassis::Metrics::begin);
    let path = request.uri().path().to_owned();
    let credential = request.headers().contains_key(header::AUTHORIZATION);
    let below = path.strip_prefix("/nexus/v1/").unwrap_or_default();
    let target = route(request.method(), below);
    let label = target.as_ref().map_or("none", label);
    let limit = app.limits.deadline + GRACE;
    let work = answer(&app, request, target, (begun, trace));
    let answered = tokio::time::timeout(limit, work).await;
    let answered = answered.unwrap_or_else(|_| Err(Problem::new(Code::Timeout).into()));
    let mut response = answered.unwrap_or_else(|refusal| {
        let problem = refusal.problem();
        if problem.code.status() >= 500 {
            let (code, trace_id) = (problem.code.as_str(), trace.id());
            tracing::error!(code, trace_id, path, "{}", problem.detail);
        }
        refusal.into_response(&path, &trace.id(), credential)
    });
    if let Some(metrics) = &app.metrics {
        metrics.observe(label, response.status().as_u16(), begun.elapsed());
    }
    put(response.headers_mut(), TRACE_RESPONSE, &trace.to_string());
    response
}

/// What metrics call it.
fn label(target: &Target) -> &'static str {
    match target {
        Target::OpenApi => "openapi",
        Target::Nodes => "nodes",
        Target::Node(_) => "node",
        Target::Workflows => "workflows",
        Target::Start(_) => "start",
        Target::Runs => "runs",
        Target::Run(_) => "run",
        Target::Steps(_) => "steps",
        Target::Events(_) => "events",
        Target::AllEvents => "all_events",
        Target::Act(_, act) => act.verb(),
        Target::Sessions => "sessions",
        Target::OpenSession => "open_session",
        Target::Session(_) => "session",
        Target::WriteSession(_) => "write_session",
        Target::CloseSession(_) => "close_session",
        Target::Hook(_) => "hook",
    }
}

async fn answer(
    app: &App,
    request: Request<Body>,
    target: Result<Target, Astray>,
    (begun, trace): (Instant, Trace),
) -> Result<Response<Body>, Refusal> {
    let _place = app.places.try_acquire().map_err(|_| too_many(app))?;
    let target = match target {
        Ok(target) => target,
        Err(astray) => return stray(request.method(), astray),
    };
    let (head, body) = request.into_parts();
    let body = to_bytes(body, app.limits.body_bytes).await;
    let headers = Arc::new(head.headers);
    let asked = Asked {
        by: Asking {
            app: app.clone(),
            who: Who::Head(Arc::clone(&headers)),
            trace,
        },
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        body: body.map_err(|error| unread(app, &error))?,
        headers,
        begun,
    };
    // What is sent to a webhook has its signature for a credential.
    if !matches!(target, Target::Hook(_)) {
        // Before anything is said of what was asked for.
        asked.by.caller().await?;
        check_media(&asked)?;
    }
    let answered = match target {
        Target::OpenApi => openapi::document(&asked).await,
        Target::Nodes => call::list(&asked).await,
        Target::Node(name) => call::call(&asked, &name).await,
        Target::Workflows => workflows::list(&asked).await,
        Target::Start(name) => workflows::start(asked, &name).await,
        Target::Runs => runs::list(&asked).await,
        Target::Run(id) => runs::read(&asked, id).await,
        Target::Steps(id) => runs::steps(&asked, id).await,
        Target::Events(id) => events::of_run(asked, id).await,
        Target::AllEvents => events::of_all(asked).await,
        Target::Act(id, act) => actions::act(&asked, id, act).await,
        Target::Sessions => sessions::list(&asked).await,
        Target::OpenSession => sessions::open(&asked).await,
        Target::Session(id) => sessions::show(&asked, id).await,
        Target::WriteSession(id) => sessions::change(&asked, id).await,
        Target::CloseSession(id) => sessions::close(&asked, id).await,
        Target::Hook(path) => return hooks::take_in(&asked, &path).await,
    };
    Ok(answered?)
}

fn too_many(app: &App) -> Problem {
    let most = app.limits.requests;
    Problem::new(Code::Unavailable)
        .detail(format!("{most} requests are at work already"))
        .hint("nothing was done: try again after Retry-After")
}

fn unread(app: &App, error: &axum::Error) -> Problem {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            let most = app.limits.body_bytes;
            return Problem::new(Code::PayloadTooLarge)
                .detail(format!("the body is larger than {most} bytes"));
        }
        cause = error.source();
    }
    Problem::new(Code::BadRequest).detail(format!("the body cannot be read to its end: {error}"))
}

fn check_media(asked: &Asked) -> Result<(), Problem> {
    let Some(kind) = asked
        .headers
        .get(header::CONTENT_TYPE)
        .filter(|_| !is_blank(&asked.body))
    else {
        return Ok(());
    };
    let media = kind.to_str().ok().and_then(wire::Media::from_content_type);
    if media == Some(wire::Media::Json) {
        return Ok(());
    }
    Err(Problem::new(Code::UnsupportedMedia)
        .detail("only application/json is read here")
        .hint("send the input as a JSON object"))
}

fn stray(method: &Method, astray: Astray) -> Result<Response<Body>, Refusal> {
    match astray {
        Astray::NoSuchPath => Err(Problem::new(Code::NoSuchRoute)
            .hint("there are /nexus/v1/workflows, /runs, /events and /sessions: see /nexus/v1/openapi.json")
            .into()),
        Astray::NoSuchRun => Err(Problem::new(Code::NotFound)
            .detail("a run's id is a UUID, and this is none")
            .into()),
        Astray::Method(allow) => Err(Refusal::method(method, allow)),
        Astray::Options(allow) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            let headers = response.headers_mut();
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
            Ok(response)
        }
    }
}
