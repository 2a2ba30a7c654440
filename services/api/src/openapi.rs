//! `/openapi.json`: OpenAPI 3.1 of what the caller may see.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};
use wire::{Catalogue, Problem, Trace};

use crate::App;
use crate::condition::IfNoneMatch;
use crate::refusal::{Refusal, put};

mod changes;
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

/// The whole document. Order is the catalogue's, so that equal catalogues give equal bytes.
pub(crate) fn document(catalogue: &Catalogue) -> Value {
    let mut paths = serde_json::Map::new();
    for model in &catalogue.models {
        models::paths(catalogue, model, &mut paths);
    }
    nodes::paths(catalogue, &mut paths);
    let tags = catalogue
        .models
        .iter()
        .map(|model| json!({ "name": model.name, "description": model.about }));
    let mut tags: Vec<_> = tags.collect();
    tags.push(json!({ "name": "nodes", "description": "Every node by its name, and several in one transaction." }));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": catalogue.project,
            "version": catalogue.version,
            "description": "Records over REST, made by Gantry from the project's models. What this caller may see.",
        },
        "servers": [{ "url": "/" }],
        "security": [{ "key": [] }, {}],
        "tags": tags,
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": { "type": "http", "scheme": "bearer", "description": "A key of `gantry keys create`." },
            },
            "parameters": parameters::components(),
            "headers": parameters::headers(),
            "responses": parameters::problems(),
            "schemas": schemas::components(catalogue),
        },
    })
}
