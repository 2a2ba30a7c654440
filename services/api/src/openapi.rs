//! `/openapi.json`: OpenAPI 3.1 of what the caller may see.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value, json};
use wire::{Catalogue, Problem, Trace};

use crate::App;
use crate::condition::IfNoneMatch;
use crate::refusal::{Refusal, put};
use members::Members;

mod changes;
mod members;
mod models;
mod nodes;
mod parameters;
mod schemas;

/// `GET /openapi.json`
pub(crate) async fn openapi(State(app): State<App>, headers: HeaderMap) -> Response<Body> {
    let trace = Trace::random();
    answer(&app, &headers, trace)
        .await
        .unwrap_or_else(|problem| {
            let credential = headers.contains_key(header::AUTHORIZATION);
            Refusal::from(problem).into_response("/openapi.json", &trace.id(), credential)
        })
}

async fn answer(app: &App, headers: &HeaderMap, trace: Trace) -> Result<Response<Body>, Problem> {
    let caller = app.caller(headers, trace).await?;
    let view = app.view(&caller).await?;
    let mut response = if IfNoneMatch::read(headers)?.has(&view.catalogue.version) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let mut response = Response::new(Body::from(view.openapi()));
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        response
    };
    let headers = response.headers_mut();
    put(
        headers,
        header::ETAG,
        &format!("\"{}\"", view.catalogue.version),
    );
    headers.insert(header::VARY, HeaderValue::from_static("authorization"));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    Ok(response)
}

/// The whole document. Order is the catalogue's, so that equal catalogues give equal bytes. Written part by part: a tree
/// of all of it would take many times the text.
pub(crate) fn document(catalogue: &Catalogue) -> String {
    let mut text = Members::default();
    text.open(None);
    text.put_all(head(catalogue));
    text.open(Some("paths"));
    for model in &catalogue.models {
        text.put_all(models::paths(catalogue, model));
    }
    text.put_all(nodes::common(catalogue));
    for (path, operations) in catalogue.nodes.iter().filter_map(nodes::path) {
        text.put(&path, &operations.to_string());
    }
    text.close();
    text.open(Some("components"));
    text.put_all(components());
    text.open(Some("schemas"));
    for model in &catalogue.models {
        text.put_all(schemas::of_model(model));
    }
    for (name, schema) in schemas::of_nodes(catalogue) {
        text.put(&name, schema);
    }
    text.put_all(schemas::common());
    text.close();
    text.close();
    text.close();
    text.into_text()
}

fn head(catalogue: &Catalogue) -> Map<String, Value> {
    let tags = catalogue
        .models
        .iter()
        .map(|model| json!({ "name": model.name, "description": model.about }));
    let mut tags: Vec<_> = tags.collect();
    tags.push(json!({ "name": "nodes", "description": "Every node by its name, and several in one transaction." }));
    let info = json!({
        "title": catalogue.project,
        "version": catalogue.version,
        "description": "Records over REST, made by Gantry from the project's models. What this caller may see.",
    });
    members([
        ("openapi", json!("3.1.0")),
        ("info", info),
        ("servers", json!([{ "url": "/" }])),
        ("security", json!([{ "key": [] }, {}])),
        ("tags", tags.into()),
    ])
}

fn components() -> Map<String, Value> {
    let key = json!({ "type": "http", "scheme": "bearer", "description": "A key of `gantry keys create`." });
    members([
        ("securitySchemes", json!({ "key": key })),
        ("parameters", parameters::components()),
        ("headers", parameters::headers()),
        ("responses", parameters::problems()),
    ])
}

fn members<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    let named = members.into_iter();
    named
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
