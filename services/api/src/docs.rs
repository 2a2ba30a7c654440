//! `/docs`: the bundled reference page, and a page for each problem code.

use std::fmt::Write as _;

use axum::extract::Path;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderName, HeaderValue, header};
use wire::{Code, Problem, Trace};

use chassis::Refusal;

const PAGE: &str = include_str!("docs/page.html");
const STYLE: &str = include_str!("docs/page.css");

/// Nothing from elsewhere, nothing in a frame; the page's own style and script stand in it.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// `GET /docs`
pub(crate) async fn page() -> Response {
    html(PAGE.replace("/*style*/", STYLE))
}

/// `GET /docs/problems`
pub(crate) async fn problems() -> Response {
    let mut list = String::new();
    for code in Code::ALL {
        // Writing to a String cannot fail.
        let _ = write!(
            list,
            "<li><a href=\"/docs/problems/{0}\"><code>{0}</code></a> {1} · {2}</li>",
            code.as_str(),
            code.status(),
            escaped(code.title()),
        );
    }
    article(
        "Problems",
        &format!("<p>Whatever goes wrong is one of these.</p><ul>{list}</ul>"),
    )
}

/// `GET /docs/problems/{code}`
pub(crate) async fn problem(Path(name): Path<String>) -> Response {
    let Some(code) = Code::ALL.iter().find(|code| code.as_str() == name) else {
        let problem = Problem::new(Code::NoSuchRoute)
            .detail("there is no problem code of this name")
            .hint("all of them are at /docs/problems");
        return Refusal::from(problem).into_response(
            "/docs/problems",
            &Trace::random().id(),
            false,
        );
    };
    let about = escaped(code.about());
    let body = format!(
        "<p class=\"lead\">{}</p><p>{about}</p><dl><dt>code</dt><dd><code>{}</code></dd><dt>HTTP status</dt><dd>{}</dd>\
         <dt>exit code of <code>gantry</code></dt><dd>{}</dd></dl><p><a href=\"/docs/problems\">All problems</a></p>",
        escaped(code.title()),
        code.as_str(),
        code.status(),
        code.exit() as u8,
    );
    article(code.as_str(), &body)
}

fn article(title: &str, body: &str) -> Response {
    let title = escaped(title);
    html(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><style>{STYLE}</style><body class=\"plain\"><main><p><a href=\"/docs\">Reference</a></p>\
         <h1>{title}</h1>{body}</main></body></html>"
    ))
}

fn html(text: String) -> Response {
    let headers: [(HeaderName, HeaderValue); 3] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        (
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ),
    ];
    (headers, Html(text)).into_response()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
