//! `GET /nexus/v1/call` and `POST /nexus/v1/call/{node}`: nodes of workflows, runs and sessions as they are, for verbs of
//! the command line.

use std::collections::BTreeMap;

use http::StatusCode;
use wire::{AnswerParts, Catalogue, Code, Media, NodeName, Problem};

use crate::asked::{Asked, json};
use crate::v1::Answered;

/// What of these the caller may call; nothing else of the catalogue.
pub(crate) async fn list(asked: &Asked) -> Answered {
    let catalogue = asked.by.catalogue().await?;
    let nodes = catalogue.nodes.iter().filter(|node| is_ours(&node.name));
    let ours = Catalogue {
        nodes: nodes.cloned().collect(),
        models: Vec::new(),
        filters: BTreeMap::new(),
        groups: Vec::new(),
        schemas: catalogue.schemas.clone(),
        index: wire::NodeIndex::default(),
        version: catalogue.version.clone(),
        project: catalogue.project.clone(),
        tools: catalogue.tools,
    };
    let ours = serde_json::to_vec(&ours).map_err(|error| {
        Problem::new(Code::Internal).detail(format!("the catalogue is no JSON: {error}"))
    })?;
    Ok(json(StatusCode::OK, ours.into()))
}

pub(crate) async fn call(asked: &Asked, name: &str) -> Answered {
    let node = name.parse::<NodeName>().ok().filter(is_ours);
    let node = node.ok_or_else(|| no_such(name))?;
    let (meta, answer) = asked.call(node).await?;
    let mut response = json(StatusCode::OK, answer);
    let media = Media::Json;
    AnswerParts { media, meta }.write(response.headers_mut());
    Ok(response)
}

fn is_ours(node: &NodeName) -> bool {
    node.is_of_callers() || node.family() == "workflow"
}

fn no_such(name: &str) -> Problem {
    Problem::new(Code::NoSuchNode)
        .detail(format!("there is no node `{name}` here"))
        .hint("here are nodes of workflows, runs and sessions: see /nexus/v1/call")
}
