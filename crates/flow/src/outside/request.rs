//! `http.request`

use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};
use ureq::http;
use wire::{Code, Problem};

use super::Outside;
use super::arguments::{Arguments, mistake, shown};
use super::web::{Told, Web};
use crate::DataUri;

pub(super) struct Request(pub(super) Web);

impl Outside for Request {
    fn name(&self) -> &'static str {
        "http.request"
    }

    fn call(&self, input: Value) -> BoxFuture<'_, Result<Value, Problem>> {
        Box::pin(async {
            let mut arguments = Arguments::of(input)?;
            let time = arguments.text("timeout")?;
            let time = time
                .map(|text| model::duration(&text).ok_or(text))
                .transpose();
            let time =
                time.map_err(|_| mistake("timeout", "invalid_value", "is a time such as 10s"))?;
            let told = self.0.ask(request(arguments)?, time).await?;
            answer(told)
        })
    }
}

fn request(mut arguments: Arguments) -> Result<http::Request<Vec<u8>>, Problem> {
    let mut url = arguments.required_text("url")?;
    let is_web = |scheme: &str| {
        url.get(..scheme.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
    };
    if !is_web("http://") && !is_web("https://") {
        return Err(mistake(
            "url",
            "invalid_value",
            "begins with https:// or http://",
        ));
    }
    add_query(&mut url, &arguments.members("query")?);
    let json = arguments.take("json");
    let text = arguments.text("body")?;
    let body = match (&json, text) {
        (Some(json), None) => json.to_string().into_bytes(),
        (None, Some(text)) => text.into_bytes(),
        (None, None) => Vec::new(),
        (Some(_), Some(_)) => {
            return Err(mistake(
                "body",
                "invalid_value",
                "stands beside `json`: give one of them",
            ));
        }
    };
    let usual = if body.is_empty() { "GET" } else { "POST" };
    let method = arguments
        .text("method")?
        .unwrap_or_else(|| usual.to_owned());
    let mut request = http::Request::builder().method(method.as_str()).uri(url);
    let headers = arguments.members("headers")?;
    if json.is_some()
        && !headers
            .keys()
            .any(|name| name.eq_ignore_ascii_case("content-type"))
    {
        request = request.header("content-type", "application/json");
    }
    for (name, value) in &headers {
        request = request.header(name, shown(value));
    }
    request.body(body).map_err(|error| {
        Problem::new(Code::InvalidInput).detail(format!("the request cannot be made: {error}"))
    })
}

fn add_query(url: &mut String, query: &Map<String, Value>) {
    let fragment = url.find('#').map(|at| url.split_off(at));
    for (name, value) in query {
        let values = match value {
            Value::Array(values) => values.iter().collect(),
            Value::Null => Vec::new(),
            value => vec![value],
        };
        for value in values {
            url.push(if url.contains('?') { '&' } else { '?' });
            push_encoded(url, name);
            url.push('=');
            push_encoded(url, &shown(value));
        }
    }
    url.push_str(&fragment.unwrap_or_default());
}

fn push_encoded(url: &mut String, text: &str) {
    const KEPT: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    url.extend(percent_encoding::utf8_percent_encode(text, KEPT));
}

/// Whoever is away or wants to be left alone for a while may be asked again; all else is an answer.
fn answer(told: Told) -> Result<Value, Problem> {
    let status = told.status;
    let code = match status {
        429 => Some(Code::RateLimited),
        502..=504 => Some(Code::Unavailable),
        _ => None,
    };
    if let Some(code) = code {
        let after = told.headers.iter().find(|(name, _)| name == "retry-after");
        let problem = Problem::new(code).detail(format!("the answer was {status}"));
        return Err(Problem {
            retry_after: after.and_then(|(_, value)| value.parse().ok()),
            ..problem
        });
    }
    let headers = told
        .headers
        .into_iter()
        .map(|(name, value)| (name, Value::from(value)));
    let headers: Map<_, _> = headers.collect();
    let json: Value = serde_json::from_slice(&told.body).unwrap_or_default();
    let kind = headers.get("content-type").and_then(Value::as_str);
    let body = shown_body(kind, told.body);
    Ok(json!({"status": status, "headers": headers, "body": body, "json": json}))
}

/// A text of another encoding as far as it can be read; what is no text whole, as a data URI.
fn shown_body(content_type: Option<&str>, body: Vec<u8>) -> String {
    let is_text = content_type.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/"));
    match String::from_utf8(body) {
        Ok(text) => text,
        Err(error) if is_text => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        Err(error) => DataUri::write(content_type, error.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_kept_whole() {
        for (kind, body, expected) in [
            (Some("text/plain"), &b"a"[..], "a"),
            (
                Some("Text/HTML; charset=latin1"),
                &b"\xe4b"[..],
                "\u{fffd}b",
            ),
            (
                Some("image/png"),
                &b"\x89PN"[..],
                "data:image/png;base64,iVBO",
            ),
            (
                None,
                &b"\x89PN"[..],
                "data:application/octet-stream;base64,iVBO",
            ),
        ] {
            assert_eq!(shown_body(kind, body.to_vec()), expected);
        }
    }

    fn told(input: Value) -> String {
        match Arguments::of(input).and_then(request) {
            Err(problem) => problem.detail,
            Ok(request) => {
                let body = String::from_utf8_lossy(request.body());
                format!(
                    "{} {} {:?} {body}",
                    request.method(),
                    request.uri(),
                    request.headers()
                )
            }
        }
    }

    #[test]
    fn a_request_is_made_of_its_arguments() {
        for (input, expected) in [
            (
                json!({"url": "https://a.example/x"}),
                "GET https://a.example/x {} ",
            ),
            (
                json!({"url": "https://a.example?y=1", "query": {"q": "a b&c", "n": [1, 2], "none": null}}),
                "GET https://a.example/?y=1&q=a%20b%26c&n=1&n=2 {} ",
            ),
            (
                json!({"url": "http://a.example", "json": {"a": 1}, "method": "PUT"}),
                "PUT http://a.example/ {\"content-type\": \"application/json\"} {\"a\":1}",
            ),
            (
                json!({"url": "http://a.example", "body": "x", "headers": {"x-n": 7}}),
                "POST http://a.example/ {\"x-n\": \"7\"} x",
            ),
            (
                json!({"url": "file:///etc/passwd"}),
                "`url` begins with https:// or http://",
            ),
            (json!({}), "`url` must be given"),
            (
                json!({"url": "http://a.example", "json": 1, "body": "x"}),
                "`body` stands beside `json`: give one of them",
            ),
        ] {
            assert_eq!(told(input), expected);
        }
    }
}
