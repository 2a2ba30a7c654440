//! A problem as an HTTP answer.

use axum::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use wire::{Code, Problem};

/// What is answered instead of what was asked for. Boxed, since a problem is large and failing is rare.
#[derive(Debug)]
pub struct Refusal(Box<Refused>);

#[derive(Debug)]
struct Refused {
    problem: Problem,
    /// Of 405.
    allow: Option<&'static str>,
    /// Of 401, where it is not a bearer token that is asked for.
    challenge: Option<&'static str>,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(Box::new(Refused {
            problem,
            allow: None,
            challenge: None,
        }))
    }
}

impl Refusal {
    pub fn method(method: &http::Method, allow: &'static str) -> Self {
        let problem = Problem::new(Code::MethodNotAllowed)
            .detail(format!("{method} is not offered here; {allow} are"));
        Self(Box::new(Refused {
            problem,
            allow: Some(allow),
            challenge: None,
        }))
    }

    /// With what a 401 asks for (RFC 9110, 11.6.1) in place of a bearer token.
    #[must_use]
    pub fn challenge(mut self, challenge: &'static str) -> Self {
        self.0.challenge = Some(challenge);
        self
    }

    pub fn problem(&self) -> &Problem {
        &self.0.problem
    }

    /// `instance` is the request's path.
    pub fn into_response(self, instance: &str, trace: &str, credential: bool) -> Response<Body> {
        let Refused {
            mut problem,
            allow,
            challenge,
        } = *self.0;
        problem.trace_id.get_or_insert_with(|| trace.to_owned());
        let mut response = Response::new(Body::from(problem.to_json(Some(instance))));
        *response.status_mut() = status(problem.code);
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(allow) = allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        if let Some(seconds) = problem.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if problem.code == Code::Unauthenticated {
            let challenge = challenge.unwrap_or(if credential {
                "Bearer error=\"invalid_token\""
            } else {
                "Bearer"
            });
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static(challenge),
            );
        }
        if let Some(scope) = &problem.scope {
            // RFC 6750, 3.1: what a client needs to ask its issuer for more.
            let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
            put(headers, header::WWW_AUTHENTICATE, &challenge);
        }
        if let Some(version) = problem.current_version {
            put(headers, header::ETAG, &format!("\"{version}\""));
        }
        response
    }
}

fn status(code: Code) -> StatusCode {
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// What cannot stand in a header is left out.
pub fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
