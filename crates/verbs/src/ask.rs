//! One call, and its answer as what it is.

use std::fs;
use std::io::{self, Read as _};

use anyhow::Context as _;
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::{Answer, Body, Call, Meta, NodeName};

use crate::{Failure, Platform};

/// The node's answer. The name is one of ours.
pub async fn ask(
    platform: &Platform,
    node: &str,
    input: &impl Serialize,
) -> Result<(Meta, Bytes), Failure> {
    let input = serde_json::to_vec(input).context("the arguments are no JSON")?;
    call(platform, name(node)?, Body::json(input)).await
}

/// The same, read.
pub async fn ask_json<T: DeserializeOwned>(
    platform: &Platform,
    node: &str,
    input: &impl Serialize,
) -> Result<T, Failure> {
    let (_, body) = ask(platform, node, input).await?;
    read(&body, node)
}

pub(crate) fn read<T: DeserializeOwned>(body: &[u8], node: &str) -> Result<T, Failure> {
    let read = serde_json::from_slice(body);
    Ok(read.with_context(|| format!("the answer of {node} cannot be read"))?)
}

pub(crate) async fn call(
    platform: &Platform,
    node: NodeName,
    input: Body,
) -> Result<(Meta, Bytes), Failure> {
    carry(platform, Call::new(node, platform.caller.clone(), input)).await
}

pub(crate) async fn carry(platform: &Platform, call: Call) -> Result<(Meta, Bytes), Failure> {
    let Answer { meta, body } = platform.calls.call(call).await?;
    Ok((meta, body.collect(usize::MAX).await?))
}

fn name(node: &str) -> Result<NodeName, Failure> {
    let bad = |_| Failure::usage(format!("`{node}` is no node's name"));
    node.parse().map_err(bad)
}

/// JSON text as it stands, `@file`, or `-` for standard input.
pub fn body_of(source: &str) -> Result<Vec<u8>, Failure> {
    if source == "-" {
        let mut bytes = Vec::new();
        let read = io::stdin().read_to_end(&mut bytes);
        read.context("cannot read standard input")?;
        return Ok(bytes);
    }
    match source.strip_prefix('@') {
        None => Ok(source.as_bytes().to_vec()),
        Some(path) => Ok(fs::read(path).with_context(|| format!("cannot read {path}"))?),
    }
}
