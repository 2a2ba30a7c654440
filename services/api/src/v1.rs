//! `/api/v1/…`: a request becomes a call, its answer the response.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use wire::{Call, Caller, Code, Content, Media, NodeName, Options, Problem, Reply, Trace};

use crate::App;
use crate::accept::negotiate;
use crate::condition::{IfNoneMatch, if_match};
use crate::incoming::{Incoming, media};
use crate::prefer::Preferences;
use crate::refusal::{Refusal, put};
use crate::reply::{Asked, reply};
use crate::route::{Astray, Target, Verb, route};
use crate::view::View;

/// The nodes keep the deadline; this is for what hangs before or beside them.
const GRACE: Duration = Duration::from_secs(2);
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
const TRACE_RESPONSE: HeaderName = HeaderName::from_static("traceresponse");

/// Any method on any path below `/api/v1/`.
pub(crate) async fn v1(State(app): State<App>, request: Request<Body>) -> Response<Body> {
    let begun = Instant::now();
    let trace = trace_of(request.headers());
    let _in_flight = app.metrics.as_ref().map(chassis::Metrics::begin);
    let path = request.uri().path().to_owned();
    let credential = request.headers().contains_key(header::AUTHORIZATION);
    let mut label = Label::default();
    let work = answer(&app, request, begun, trace, &mut label);
    let answered = tokio::time::timeout(app.limits.deadline + GRACE, work).await;
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

fn trace_of(headers: &HeaderMap) -> Trace {
    let told = headers
        .get(wire::header::TRACEPARENT)
        .and_then(|value| value.to_str().ok());
    told.and_then(|text| text.parse().ok())
        .unwrap_or_else(Trace::random)
}

async fn answer(
    app: &App,
    request: Request<Body>,
    begun: Instant,
    trace: Trace,
    label: &mut Label,
) -> Result<Response<Body>, Refusal> {
    let (head, body) = request.into_parts();
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
    let reads_http = matches!(head.method, Method::GET | Method::HEAD);
    let incoming = if reads_http {
        Incoming::none()
    } else {
        Incoming::read(body, app.limits.body_bytes).await?
    };
    let input_media = if incoming.first.is_some() {
        media(&head.headers)?
    } else {
        Media::Json
    };
    let node = found.node(input_media, incoming.first)?;
    if view.catalogue.node(&node).is_some() {
        label.0 = Some(node.clone());
    }
    let preferences = Preferences::read(&head.headers)?;
    let if_none_match = IfNoneMatch::read(&head.headers)?;
    if if_none_match.is_said() && !reads_http {
        return Err(Problem::new(Code::BadRequest)
            .detail("`If-None-Match` has a meaning with GET and HEAD only")
            .hint("guard a change with `If-Match`")
            .into());
    }
    let query = head.uri.query().unwrap_or_default();
    let writes = !is_read(node.verb());
    let call = Call {
        query: found.query(query),
        input: wire::Body {
            media: input_media,
            content: incoming.content,
        },
        options: options(&head.headers, &preferences, node.verb())?,
        deadline: Some(begun + app.limits.deadline),
        trace,
        caller,
        node,
    };
    let asked = Asked {
        path: head.uri.path(),
        query,
        reads: reads_http,
        head: head.method == Method::HEAD,
        writes,
        preferences: &preferences,
        if_none_match: &if_none_match,
        model: found.path,
        meta: matches!(target, Target::Node(_)),
    };
    let answer = app
        .calls
        .call(call)
        .await
        .map_err(|problem| found.explain(problem, &view))?;
    Ok(reply(answer, &asked))
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

/// A target with its model looked up.
struct Found<'a> {
    target: &'a Target,
    /// The model's name: as the catalogue has it, or as its path suggests.
    model: String,
    /// The model's path where the catalogue has it.
    path: Option<&'a str>,
}

/// Nothing where the catalogue itself is asked for. A model that an anonymous caller cannot see is called all the
/// same: whether that is a 401 or a 404 is not for a face to say.
fn find<'a>(
    target: &'a Target,
    view: &View,
    caller: &Caller,
) -> Result<Option<Found<'a>>, Problem> {
    match target {
        Target::Catalogue => Ok(None),
        Target::Node(name) => {
            let node = name.parse::<NodeName>();
            node.map_err(|error| Problem::new(Code::NoSuchNode).detail(error.to_string()))?;
            Ok(Some(Found {
                target,
                model: String::new(),
                path: None,
            }))
        }
        Target::Model { path, .. } => match (view.model(path), caller) {
            (Some(model), _) => Ok(Some(Found {
                target,
                model: model.name.clone(),
                path: Some(path),
            })),
            (None, Caller::Anonymous) if is_path(path) => Ok(Some(Found {
                target,
                model: pascal(path),
                path: None,
            })),
            (None, _) => Err(no_such_model(path, view)),
        },
    }
}

fn no_such_model(path: &str, view: &View) -> Problem {
    let shown: String = path.chars().take(80).collect();
    let problem =
        Problem::new(Code::NoSuchRoute).detail(format!("there is no model at `/api/v1/{shown}`"));
    match view.nearest(path) {
        Some(near) => problem.hint(format!("did you mean `/api/v1/{near}`?")),
        None => problem,
    }
}

impl Found<'_> {
    /// For a POST of a collection the body decides: one object is one record, whatever else is many.
    fn node(&self, media: Media, first: Option<u8>) -> Result<NodeName, Problem> {
        let verb = match self.target {
            Target::Catalogue => "",
            Target::Node(name) => {
                return name.parse().map_err(|_| Problem::new(Code::NoSuchNode));
            }
            Target::Model {
                verb: Verb::Is(verb),
                ..
            } if media == Media::Json => verb,
            Target::Model {
                verb: Verb::Is(_), ..
            } => {
                return Err(Problem::new(Code::UnsupportedMedia)
                    .detail(format!("{} is not read here", media.as_str()))
                    .hint("send application/json"));
            }
            Target::Model {
                verb: Verb::Create, ..
            } => match (media, first) {
                (Media::Json, Some(b'[')) | (Media::Csv | Media::JsonLines, _) => "bulk_create",
                (Media::Json, _) => "create",
            },
        };
        Ok(NodeName::of_model(&self.model, verb))
    }

    /// A record's id stands before what was asked.
    fn query(&self, query: &str) -> String {
        let Target::Model { id: Some(id), .. } = self.target else {
            return query.to_owned();
        };
        let mut with_id = String::with_capacity(4 + id.len() + query.len());
        with_id.push_str("id=");
        with_id.extend(utf8_percent_encode(id, NON_ALPHANUMERIC));
        if !query.is_empty() {
            with_id.push('&');
            with_id.push_str(query);
        }
        with_id
    }

    /// That a guessed node does not exist means that there is no such path.
    fn explain(&self, problem: Problem, view: &View) -> Problem {
        match self.target {
            Target::Model { path, .. }
                if self.path.is_none() && problem.code == Code::NoSuchNode =>
            {
                no_such_model(path, view)
            }
            _ => problem,
        }
    }
}

fn is_path(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

/// `film_role` → `FilmRole`
fn pascal(path: &str) -> String {
    let words = path.split('_').filter(|word| !word.is_empty());
    words
        .flat_map(|word| {
            word[..1]
                .to_ascii_uppercase()
                .chars()
                .chain(word[1..].chars())
                .collect::<Vec<_>>()
        })
        .collect()
}

fn is_read(verb: &str) -> bool {
    matches!(verb, "read" | "list" | "count" | "search" | "aggregate")
}

fn options(headers: &HeaderMap, preferences: &Preferences, verb: &str) -> Result<Options, Problem> {
    let offered = if matches!(verb, "list" | "search") {
        &Media::ALL[..]
    } else {
        &Media::ALL[..1]
    };
    Ok(Options {
        accept: negotiate(headers, offered)?,
        if_version: if_match(headers)?,
        idempotency_key: idempotency_key(headers)?,
        dry_run: preferences.rollback,
        count: preferences.count.unwrap_or_default(),
        max_affected: preferences.max_affected,
        reply: preferences.reply.unwrap_or(Reply::Representation),
        session: None,
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
        reads: true,
        head: head || unchanged,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_suggests_a_models_name() {
        for (path, name) in [("film", "Film"), ("film_role", "FilmRole"), ("a2_b", "A2B")] {
            assert_eq!(pascal(path), name);
        }
        assert!(!is_path("Film") && !is_path("") && !is_path("é") && !is_path("_a"));
    }
}
