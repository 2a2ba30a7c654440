//! Workflows that are offered as resources: what they answer is what is read at an address.

use flow::DataUri;
use mcp_face::Asker;
use model::workflow::UriTemplate;
use percent_encoding::percent_decode_str;
use rmcp::RoleServer;
use rmcp::model::{
    CacheScope, ErrorData, JsonObject, ReadResourceRequestParams, ReadResourceResponse,
    ReadResourceResult, Resource, ResourceContents, ResourceTemplate,
};
use rmcp::service::RequestContext;
use serde_json::{Value, json};
use wire::{Catalogue, NodeInfo, Primitive};

use super::call::{Carried, Request, finished};
use super::{media, outcome, task, text, tool};
use crate::asking::Asking;

/// One of them.
struct Offered<'a> {
    node: &'a NodeInfo,
    uri: &'a str,
    template: UriTemplate,
    media_type: Option<&'a str>,
    reads: &'a [String],
}

fn offered<'a>(catalogue: &'a Catalogue, asker: &Asker) -> impl Iterator<Item = Offered<'a>> {
    tool::offered(catalogue, asker).filter_map(|node| match &node.primitive {
        Primitive::Resource {
            uri,
            media_type,
            reads,
        } => Some(Offered {
            node,
            uri,
            template: UriTemplate::parse(uri).ok()?,
            media_type: media_type.as_deref(),
            reads,
        }),
        Primitive::Tool | Primitive::Prompt => None,
    })
}

fn is_one(offered: &Offered<'_>) -> bool {
    offered.template.variables().next().is_none()
}

pub(super) fn all(catalogue: &Catalogue, asker: &Asker) -> Vec<Resource> {
    let shown = |offered: Offered<'_>| {
        let name = offered.node.name.verb();
        let resource = Resource::new(offered.uri, name)
            .with_title(tool::title(name))
            .with_description(offered.node.about.clone());
        match offered.media_type {
            Some(media_type) => resource.with_mime_type(media_type),
            None => resource,
        }
    };
    offered(catalogue, asker)
        .filter(is_one)
        .map(shown)
        .collect()
}

pub(super) fn templates(catalogue: &Catalogue, asker: &Asker) -> Vec<ResourceTemplate> {
    let shown = |offered: Offered<'_>| {
        let name = offered.node.name.verb();
        let template = ResourceTemplate::new(offered.uri, name)
            .with_title(tool::title(name))
            .with_description(offered.node.about.clone());
        match offered.media_type {
            Some(media_type) => template.with_mime_type(media_type),
            None => template,
        }
    };
    let many = offered(catalogue, asker).filter(|offered| !is_one(offered));
    many.map(shown).collect()
}

/// By its address as it is listed.
pub(super) fn find<'a>(catalogue: &'a Catalogue, asker: &Asker, uri: &str) -> Option<&'a NodeInfo> {
    let mut offered = offered(catalogue, asker);
    offered
        .find(|offered| offered.uri == uri)
        .map(|offered| offered.node)
}

/// The models whose records are read at that address; `None`: nothing is.
pub(super) fn reads(catalogue: &Catalogue, asker: &Asker, uri: &str) -> Option<Vec<String>> {
    let mut offered = offered(catalogue, asker);
    let found = offered.find(|offered| offered.template.matches(uri).is_some())?;
    Some(found.reads.to_vec())
}

pub(super) async fn read(
    asking: &Asking,
    asker: &Asker,
    request: ReadResourceRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<ReadResourceResponse, ErrorData> {
    let catalogue = asking.app.calls.catalogue(&asker.identity.caller).await;
    let catalogue = catalogue.map_err(|problem| task::protocol_error(&problem))?;
    let uri = &request.uri;
    let found = offered(&catalogue, asker).find_map(|offered| {
        let given = inputs(&offered.template, uri)?;
        Some((offered, given))
    });
    let Some((offered, given)) = found else {
        return Err(mcp_face::no_resource(uri));
    };
    let request = Request {
        arguments: text::typed(&offered.node.input.tree(), given),
        responses: request.input_responses,
        state: request.request_state,
    };
    let about = |error| mcp_face::with_address(error, uri);
    let carried = finished(asking, offered.node, request, context).await;
    match carried.map_err(about)? {
        Carried::Asks(more) => Ok(more.into()),
        Carried::Task(run) => Err(about(outcome::unfinished(&run, &[]))),
        Carried::Run(run, steps) => {
            let most = asking.app.agents.limits.bytes;
            let output = outcome::output(&run, &steps, most).map_err(about)?;
            let contents = contents(output, uri, offered.media_type);
            // Records change; what was read is read again.
            let mut result = ReadResourceResult::new(vec![contents]).with_ttl_ms(0);
            result.cache_scope = Some(CacheScope::Private);
            Ok(result.into())
        }
    }
}

/// `None`: it is none of these addresses, or what is in it is no text.
fn inputs(template: &UriTemplate, uri: &str) -> Option<JsonObject> {
    let given = template.matches(uri)?.into_iter().map(|(name, value)| {
        let value = percent_decode_str(value).decode_utf8().ok()?;
        Some((name.to_owned(), json!(value)))
    });
    given.collect()
}

/// A text; a data URI as what it holds; anything else as JSON.
fn contents(output: Value, uri: &str, media_type: Option<&str>) -> ResourceContents {
    let (contents, usual) = match output {
        Value::String(text) => match DataUri::parse(&text) {
            Some(data) => (media::contents(&data, uri), None),
            None => (ResourceContents::text(text, uri), Some("text/plain")),
        },
        other => (
            ResourceContents::text(other.to_string(), uri),
            Some("application/json"),
        ),
    };
    match media_type.or(usual) {
        Some(media_type) => contents.with_mime_type(media_type),
        None => contents,
    }
}
