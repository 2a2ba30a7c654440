//! `gantry keys`: who may call.

use std::io::Write as _;

use serde_json::{Value, json};
use verbs::Platform;
use verbs::reading;
use wire::{Body, Call};

use crate::args::{CreateKey, Keys, KeysVerb, Output, Place, RevokeKey};
use crate::failure::Failure;
use crate::platform;

pub async fn run(args: Keys, output: Output) -> Result<(), Failure> {
    match args.verb {
        KeysVerb::Create(args) => create(args, output).await,
        KeysVerb::List(place) => list(&place, output).await,
        KeysVerb::Revoke(args) => revoke(args, output).await,
    }
}

/// Makes a key and gives the answer of `key.create`; its `token` is never shown again.
pub async fn make(platform: &Platform, input: &Value) -> Result<Value, Failure> {
    let body = call(platform, "key.create", input).await?;
    serde_json::from_slice(&body).map_err(|error| {
        anyhow::Error::new(error)
            .context("the answer of key.create")
            .into()
    })
}

/// Every key's description, without secrets.
pub async fn all(platform: &Platform) -> Result<Vec<Value>, Failure> {
    let body = call(platform, "key.list", &json!({})).await?;
    serde_json::from_slice(&body).map_err(|error| {
        anyhow::Error::new(error)
            .context("the answer of key.list")
            .into()
    })
}

async fn call(platform: &Platform, node: &str, input: &Value) -> Result<bytes::Bytes, Failure> {
    let node = node.parse().expect("the names of key nodes are valid");
    let call = Call::new(node, platform.caller.clone(), Body::json(input.to_string()));
    let answer = platform.calls.call(call).await?;
    Ok(answer.body.collect(usize::MAX).await?)
}

async fn create(args: CreateKey, output: Output) -> Result<(), Failure> {
    let platform = platform::compose(&args.place).await?;
    let name = args.name.unwrap_or_else(|| args.roles.join(", "));
    let mut input = json!({"roles": args.roles, "name": name});
    if let Some(at) = args.expires_at {
        input["expires_at"] = Value::String(at);
    }
    if !args.scopes.is_empty() {
        input["scopes"] = json!(args.scopes);
    }
    if let Some(tenant) = args.tenant {
        input["tenant"] = Value::String(tenant);
    }
    let answer = make(&platform, &input).await?;
    let mut out = anstream::stdout();
    match output {
        Output::Json => writeln!(out, "{answer}")?,
        Output::Text => {
            writeln!(out, "{}", answer["token"].as_str().unwrap_or_default())?;
            writeln!(
                anstream::stderr(),
                "\nThe key is shown once and kept only as a hash. Its id, to revoke it, is {}.",
                answer["id"].as_str().unwrap_or_default()
            )?;
        }
    }
    Ok(())
}

async fn list(place: &Place, output: Output) -> Result<(), Failure> {
    let platform = platform::compose(place).await?;
    let body = call(&platform, "key.list", &json!({})).await?;
    match output {
        Output::Json => writeln!(anstream::stdout(), "{}", String::from_utf8_lossy(&body))?,
        Output::Text if body.as_ref() == b"[]" => writeln!(
            anstream::stderr(),
            "no keys: make one with `gantry keys create --role admin`"
        )?,
        Output::Text => reading::print(&body)?,
    }
    Ok(())
}

async fn revoke(args: RevokeKey, output: Output) -> Result<(), Failure> {
    let platform = platform::compose(&args.place).await?;
    let body = call(&platform, "key.revoke", &json!({"id": args.id})).await?;
    match output {
        Output::Json if body.is_empty() => {
            writeln!(anstream::stdout(), "{}", json!({"id": args.id}))?;
        }
        Output::Json => writeln!(anstream::stdout(), "{}", String::from_utf8_lossy(&body))?,
        Output::Text => writeln!(
            anstream::stderr(),
            "revoked {}; a server that knew it refuses it within 10 seconds",
            args.id
        )?,
    }
    Ok(())
}
