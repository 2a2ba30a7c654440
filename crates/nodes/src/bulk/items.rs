//! Operations of a bulk call one after the other, each undone by itself where the whole need not hold together.

use std::sync::Arc;

use bytes::Bytes;
use model::{FieldId, Model, Object};
use serde_json::value::RawValue;
use uuid::Uuid;
use wire::{Answer, Body, Code, IfVersion, Meta, Problem};

use crate::change::{self, How, Target};
use crate::context::{Context, Done, pointed};
use crate::create::{self, fault};
use crate::door::Door;
use crate::{body, delete, problem, read, upsert, values};

#[derive(Clone)]
pub(super) enum Kind {
    /// The values of a new record.
    Create,
    /// `{id, if_version?, field…}`
    Update,
    /// Values, known by these fields.
    Upsert(Vec<FieldId>),
    /// `{op, …}`
    Op,
}

pub(super) struct Item<'a> {
    pub(super) model: &'a Arc<Model>,
    pub(super) kind: Kind,
    pub(super) raw: &'a RawValue,
    pub(super) pointer: String,
}

/// What each did. When atomic the first problem is the whole's.
pub(super) async fn run(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    items: &[Item<'_>],
    atomic: bool,
) -> Result<Vec<Result<Done, Problem>>, Problem> {
    let mut all = Vec::with_capacity(items.len());
    for item in items {
        if !atomic {
            door.savepoint().await.map_err(problem::of_store)?;
        }
        let done = one(cx, door, item)
            .await
            .map_err(|problem| pointed(problem, &item.pointer));
        match &done {
            Err(problem) if atomic || is_of_the_whole(problem.code) => return Err(problem.clone()),
            Err(_) => door.undo().await.map_err(problem::of_store)?,
            Ok(_) if !atomic => door.release().await.map_err(problem::of_store)?,
            Ok(_) => {}
        }
        all.push(done);
    }
    Ok(all)
}

/// After these the transaction cannot go on.
fn is_of_the_whole(code: Code) -> bool {
    matches!(
        code,
        Code::WriteConflict | Code::Timeout | Code::Unavailable | Code::Internal
    )
}

async fn one(cx: &Context<'_>, door: &mut Door<'_>, item: &Item<'_>) -> Result<Done, Problem> {
    let pointer = &item.pointer;
    let object = body::object(item.raw.get(), pointer)?;
    match &item.kind {
        Kind::Create => create::create(cx, door, item.model, &object, pointer, None).await,
        Kind::Upsert(on) => upsert::one(cx, door, item.model, on, &object, pointer, None).await,
        Kind::Update => {
            let (id, if_version) = (id_of(&object, pointer)?, version_of(&object, pointer)?);
            let target = Target {
                model: item.model,
                id,
                if_version: if_version.as_ref(),
                pointer,
            };
            let ignore = ["id", "if_version"];
            change::change(cx, door, &target, &object, &ignore, How::Update, None).await
        }
        Kind::Op => operation(cx, door, item, &object).await,
    }
}

async fn operation(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    item: &Item<'_>,
    object: &Object<'_>,
) -> Result<Done, Problem> {
    let (model, pointer) = (item.model, &item.pointer);
    let names = ["create", "update", "replace", "upsert", "delete"];
    let op: Option<String> = object
        .get("op")
        .and_then(|raw| serde_json::from_str(raw.get()).ok());
    let at = || format!("{pointer}/op");
    let Some(op) = op else {
        let detail = "`op` is one of create, update, replace, upsert, delete";
        return Err(fault(at(), "required", detail));
    };
    let knows: &[&str] = match op.as_str() {
        "create" => &["op", "values"],
        "update" | "replace" => &["op", "id", "values", "if_version"],
        "upsert" => &["op", "on", "values"],
        "delete" => &["op", "id", "if_version"],
        _ => {
            let hint = model::did_you_mean(&op, names).unwrap_or_default();
            let detail = format!("`op` is one of {}; {hint}", names.join(", "));
            return Err(fault(at(), "not_in_enum", detail.trim_end_matches("; ")));
        }
    };
    if let Some((name, _)) = object
        .members
        .iter()
        .find(|(name, _)| !knows.contains(&&**name))
    {
        let at = format!("{pointer}/{}", values::escape(name));
        return Err(fault(
            at,
            "unknown_field",
            &format!("{op} takes {}", knows.join(", ")),
        ));
    }
    if op == "upsert" {
        return upsert::upsert(cx, door, model, object, pointer, &["op"]).await;
    }
    let at = format!("{pointer}/values");
    let values = || match object.get("values") {
        Some(raw) => body::object(raw.get(), &at),
        None => Err(fault(at.clone(), "required", "`values` must be given")),
    };
    if op == "create" {
        return create::create(cx, door, model, &values()?, &at, None).await;
    }
    let (id, if_version) = (id_of(object, pointer)?, version_of(object, pointer)?);
    let target = Target {
        model,
        id,
        if_version: if_version.as_ref(),
        pointer: &at,
    };
    match op.as_str() {
        "delete" => delete::delete(cx, door, &target).await,
        "replace" => change::change(cx, door, &target, &values()?, &[], How::Replace, None).await,
        _ => change::change(cx, door, &target, &values()?, &[], How::Update, None).await,
    }
}

fn id_of(object: &Object<'_>, pointer: &str) -> Result<Uuid, Problem> {
    let at = format!("{pointer}/id");
    match object.get("id") {
        Some(raw) => read::json_id(raw, &at),
        None => Err(fault(at, "required", "`id` must be given")),
    }
}

pub(crate) fn version_of(object: &Object<'_>, pointer: &str) -> Result<Option<IfVersion>, Problem> {
    let Some(raw) = object.get("if_version") else {
        return Ok(None);
    };
    match raw.get() {
        "null" => Ok(None),
        "\"*\"" => Ok(Some(IfVersion::Any)),
        _ => {
            let version = body::whole(raw).ok_or_else(|| {
                let at = format!("{pointer}/if_version");
                fault(at, "wrong_type", "`if_version` is a version or \"*\"")
            })?;
            Ok(Some(IfVersion::OneOf(vec![version])))
        }
    }
}

/// `{"changed": n, "results": [..]}`
pub(crate) fn results(cx: &Context<'_>, all: Vec<Result<Done, Problem>>) -> Answer {
    let changed = all.iter().flatten().count() as u64;
    let failed = all.len() as u64 > changed;
    let mut out = format!("{{\"changed\":{changed},\"results\":[").into_bytes();
    for (index, result) in all.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let (status, name, body) = match result {
            Ok(done) => (done.status(), "record", done.body),
            Err(problem) => (
                problem.code.status(),
                "problem",
                problem.to_json(None).into(),
            ),
        };
        out.extend_from_slice(format!("{{\"status\":{status}").as_bytes());
        if !body.is_empty() {
            out.extend_from_slice(format!(",\"{name}\":").as_bytes());
            out.extend_from_slice(&body);
        }
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
    let meta = Meta {
        affected: Some(changed),
        ..Meta::default()
    };
    // Who fails must be told even where nothing else is wanted.
    let body = if cx.wants_body() || failed {
        out.into()
    } else {
        Bytes::new()
    };
    Answer {
        meta,
        body: Body::json(body),
    }
}
