//! What may be read beside tools: each model, the last migrations, the health of what is behind.

use rmcp::model::{ErrorData, ReadResourceResult, Resource, ResourceContents, ResourceTemplate};
use serde_json::json;
use wire::{Body, Call, Code, NodeName, Problem, nearest};

use crate::asker::Asker;
use crate::face::Shared;
use crate::offer::Offer;
use crate::{schemas, tools, watch};

const MODEL: &str = "gantry://models/";
const HEALTH: &str = "gantry://health";
const MIGRATIONS: &str = "gantry://migrations";
const JSON: &str = "application/json";

pub(crate) fn is_ours(uri: &str) -> bool {
    uri.starts_with("gantry://")
}

/// Whether it is read at that address, by whoever asks.
pub(crate) fn is_listed(asker: &Asker, offer: &Offer, uri: &str) -> bool {
    list(asker, offer)
        .iter()
        .any(|resource| resource.uri == uri)
}

/// Neither ours nor of what stands beside.
pub fn no_resource(uri: &str) -> ErrorData {
    let error = ErrorData::resource_not_found(format!("there is no resource `{uri}`"), None);
    with_address(error, uri)
}

/// Clients are to find the address in the error's data (SEP-2164).
pub fn with_address(mut error: ErrorData, uri: &str) -> ErrorData {
    let data = error.data.get_or_insert_with(|| json!({}));
    data["uri"] = json!(uri);
    error
}

pub(crate) fn list(asker: &Asker, offer: &Offer) -> Vec<Resource> {
    let models = offer.models();
    let model = models.map(|model| {
        Resource::new(format!("{MODEL}{}", model.name), model.name.clone())
            .with_title(format!("The model {}", model.name))
            .with_description(model.about.clone())
            .with_mime_type(JSON)
    });
    let mut all: Vec<Resource> = model.collect();
    if has_migrations(offer) {
        all.push(
            Resource::new(MIGRATIONS, "migrations")
                .with_title("The last migrations")
                .with_description("What was last changed in the database's tables.")
                .with_mime_type(JSON),
        );
    }
    if asker.identity.id.is_some() {
        all.push(
            Resource::new(HEALTH, "health")
                .with_title("Health")
                .with_description("How the platform is, and what it depends on.")
                .with_mime_type(JSON),
        );
    }
    all
}

pub(crate) fn templates(offer: &Offer) -> Vec<ResourceTemplate> {
    if offer.models().next().is_none() {
        return Vec::new();
    }
    vec![
        ResourceTemplate::new(format!("{MODEL}{{model}}"), "model")
            .with_title("A model")
            .with_description(
                "A model's fields, what you may do with it, and the schema of its records.",
            )
            .with_mime_type(JSON),
    ]
}

fn migrations() -> NodeName {
    NodeName::of_model("migration", "list")
}

fn has_migrations(offer: &Offer) -> bool {
    offer.about.is_none() && offer.catalogue.node(&migrations()).is_some()
}

pub(crate) async fn read(
    shared: &Shared,
    asker: &Asker,
    offer: &Offer,
    uri: &str,
) -> Result<ReadResourceResult, Problem> {
    let missing = || Problem::new(Code::NotFound).detail(format!("there is no resource `{uri}`"));
    let text = match uri {
        HEALTH if asker.identity.id.is_some() => json!(shared.calls.health().await).to_string(),
        MIGRATIONS if has_migrations(offer) => {
            let limits = &shared.settings.limits;
            let mut call = Call::new(
                migrations(),
                asker.identity.caller.clone(),
                Body::json("{}"),
            );
            call.deadline = Some(std::time::Instant::now() + limits.time);
            call.trace = asker.trace;
            let body = shared
                .calls
                .call(call)
                .await?
                .body
                .collect(limits.bytes)
                .await?;
            String::from_utf8_lossy(&body).into_owned()
        }
        _ => {
            let name = uri.strip_prefix(MODEL).ok_or_else(missing)?;
            let model = offer.models().find(|model| model.name == name);
            let model = model.ok_or_else(|| {
                let near = nearest(offer.models().map(|model| model.name.as_str()), name);
                match near {
                    Some(near) => missing().hint(format!("did you mean `{MODEL}{near}`?")),
                    None => missing(),
                }
            })?;
            let mut told = tools::detail(offer, model);
            if let Some(schema) = offer.catalogue.schemas.get(&model.name) {
                let schema = schemas::standalone(schema, &offer.catalogue);
                told["schema"] = serde_json::Value::Object(schema);
            }
            told.to_string()
        }
    };
    let contents = ResourceContents::text(text, uri).with_mime_type(JSON);
    let mut result = ReadResourceResult::new(vec![contents]);
    watch::may_be_kept(&mut result.ttl_ms, &mut result.cache_scope);
    Ok(result)
}
