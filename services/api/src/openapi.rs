//! `/openapi.json`: OpenAPI 3.1 of what the caller may see.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value, json};
use wire::{Caller, Catalogue, NodeName, Problem, Trace};

use crate::App;
use crate::condition::IfNoneMatch;
use chassis::{Refusal, put};
use members::Members;

mod changes;
mod members;
mod models;
mod nodes;
mod parameters;
mod queries;
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
    let anyone = app.view(&Caller::Anonymous).await?;
    let version = format!("{}-{}", view.catalogue.version, anyone.catalogue.version);
    let mut response = if IfNoneMatch::read(headers)?.has(&version) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let mut response = Response::new(Body::from(view.openapi(&anyone.catalogue)));
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        response
    };
    let headers = response.headers_mut();
    put(headers, header::ETAG, &format!("\"{version}\""));
    headers.insert(header::VARY, HeaderValue::from_static("authorization"));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    Ok(response)
}

/// The whole document; what is not in the catalogue of `anyone` needs a key. Order is the catalogue's, so that equal
/// catalogues give equal bytes. Written part by part: a tree of all of it would take many times the text.
pub(crate) fn document(catalogue: &Catalogue, anyone: &Catalogue) -> String {
    let mut text = Members::default();
    text.open(None);
    text.put_all(head(catalogue));
    text.open(Some("paths"));
    let of_models = catalogue.models.iter();
    let of_models = of_models.flat_map(|model| models::paths(catalogue, model));
    let of_nodes = catalogue.nodes.iter();
    let of_nodes = of_nodes.filter_map(|node| nodes::path(catalogue, node));
    let paths = of_models.chain(nodes::common(catalogue)).chain(of_nodes);
    for (path, mut operations) in paths {
        say_who_may(&mut operations, anyone);
        text.put(&path, &operations.to_string());
    }
    text.close();
    text.open(Some("components"));
    text.put_all(components(catalogue));
    text.open(Some("schemas"));
    for model in &catalogue.models {
        text.put_all(schemas::of_model(catalogue, model));
    }
    for (name, schema) in schemas::of_nodes(catalogue) {
        text.put(&name, &schema);
    }
    text.put_all(queries::filter_schemas(catalogue));
    text.put_all(schemas::common());
    text.close();
    text.close();
    text.close();
    text.into_text()
}

/// An operation whose node not everybody may call needs a key.
fn say_who_may(operations: &mut Value, anyone: &Catalogue) {
    let operations = operations.as_object_mut().into_iter();
    for operation in operations.flat_map(|operations| operations.values_mut()) {
        let node: Option<NodeName> = operation["x-gantry-node"]
            .as_str()
            .and_then(|name| name.parse().ok());
        if node.is_some_and(|node| anyone.node(&node).is_none()) {
            operation["security"] = json!([{ "key": [] }]);
        }
    }
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

fn components(catalogue: &Catalogue) -> Map<String, Value> {
    let key = json!({ "type": "http", "scheme": "bearer", "description": "A key of `gantry keys create`, or a token of an issuer that the project takes." });
    let mut parameters = parameters::components();
    for (name, parameter) in queries::filter_parameters(catalogue) {
        parameters[name] = parameter;
    }
    members([
        ("securitySchemes", json!({ "key": key })),
        ("parameters", parameters),
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
