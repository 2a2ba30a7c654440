//! `session.put`, `session.get`, `session.delete`: what faces must remember of a client, for as long as it is used.
//!
//! A session is its maker's: whoever else names it is told that there is none.

mod hot;
mod info;
mod merge;
mod shared;

use std::time::Duration;

use jiff::Timestamp;
use model::{Object, Value};
use serde_json::json;
use serde_json::value::RawValue;
use store::{MOST_SESSIONS, SessionName, SessionPut, SessionRow};
use wire::session::{Kind, Put, Row};
use wire::{Answer, Code, Fault, Meta, Problem};

use crate::context::Context;
use crate::door::Door;
use crate::keys::only;
use crate::{body, problem};

pub(crate) use hot::{are_hot, run_out};
pub(crate) use info::nodes;
pub(crate) use shared::{SessionNode, call, check_run, touched};

/// A session that is used is not written to more often than this: reads stay cheap. Short ones are, at half their time.
const SLIDES: Duration = Duration::from_mins(1);

/// `{id, kind, state, ttl}`
pub(crate) async fn put(cx: &Context<'_>, text: &str) -> Result<Answer, Problem> {
    let object = body::object(text, "")?;
    only(&object, &["id", "kind", "state", "ttl"])?;
    let mut faults = Vec::new();
    let name = name(cx, &object, &mut faults);
    let state = state(&object, &mut faults);
    let ttl = ttl(&object, &mut faults);
    let (Some((name, _)), Some(state), Some(ttl)) = (name, state, ttl) else {
        return Err(problem::of_input(faults));
    };
    let row = SessionRow {
        state: state.get().to_owned(),
        ttl,
        created_at: cx.now,
        expires_at: cx.now + Duration::from_secs(ttl.into()),
    };
    let change = hot::change(cx, &name);
    let put = cx.store.put_session(&name, &row).await;
    hot::told(change).await;
    match put.map_err(problem::of_store)? {
        SessionPut::Kept => {
            let mut answer = Answer::json(json!({"expires_at": time(row.expires_at)}).to_string());
            answer.meta.affected = Some(1);
            Ok(answer)
        }
        SessionPut::Foreign => Err(missing()),
        SessionPut::Full => Err(full()),
    }
}

/// `{id, kind}`
pub(crate) async fn get(cx: &Context<'_>, text: &str) -> Result<Answer, Problem> {
    let (name, kind) = named(cx, text)?;
    let row = used(cx, &mut Door::direct(cx, None), &name).await?;
    let garbled = |error: serde_json::Error| problem::internal(&error.to_string());
    let row = Row {
        id: name.id,
        kind,
        state: RawValue::from_string(row.state).map_err(garbled)?,
        created_at: time(row.created_at),
        expires_at: time(row.expires_at),
    };
    Ok(Answer::json(serde_json::to_string(&row).map_err(garbled)?))
}

/// `{id, kind}`
pub(crate) async fn delete(cx: &Context<'_>, text: &str) -> Result<Answer, Problem> {
    let (name, _) = named(cx, text)?;
    let change = hot::change(cx, &name);
    let deleted = cx.store.delete_session(&name, cx.now).await;
    hot::told(change).await;
    let affected = u64::from(deleted.map_err(problem::of_store)?);
    let answer = Answer::json(json!({"affected": affected}).to_string());
    Ok(Answer {
        meta: Meta {
            affected: Some(affected),
            ..answer.meta
        },
        ..answer
    })
}

/// Reads it, which is a use of it.
async fn used(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    name: &SessionName,
) -> Result<SessionRow, Problem> {
    let found = hot::find(cx, door, name).await;
    let mut row = found.map_err(problem::of_store)?.ok_or_else(missing)?;
    if let Some(until) = slid(&row, cx.now) {
        let extended = hot::extend(cx, door, name, until).await;
        extended.map_err(problem::of_store)?;
        row.expires_at = until;
    }
    Ok(row)
}

/// Until when a session lives that is used now, if that is worth a write.
fn slid(row: &SessionRow, now: Timestamp) -> Option<Timestamp> {
    let ttl = Duration::from_secs(row.ttl.into());
    let until = now + ttl;
    let gained = until.duration_since(row.expires_at).unsigned_abs();
    (until > row.expires_at && gained >= SLIDES.min(ttl / 2)).then_some(until)
}

fn full() -> Problem {
    problem::limit_exceeded(format!(
        "the caller has {MOST_SESSIONS} sessions, and more may not be"
    ))
    .hint("end sessions that are not used any more, or let them expire")
}

fn missing() -> Problem {
    Problem::new(Code::NotFound).detail("there is no such session, or it has expired")
}

fn named(cx: &Context<'_>, text: &str) -> Result<(SessionName, Kind), Problem> {
    let object = body::object(text, "")?;
    only(&object, &["id", "kind"])?;
    let mut faults = Vec::new();
    name(cx, &object, &mut faults).ok_or_else(|| problem::of_input(faults))
}

fn name(
    cx: &Context<'_>,
    object: &Object<'_>,
    faults: &mut Vec<Fault>,
) -> Option<(SessionName, Kind)> {
    let id = read(object, "id");
    let id = id
        .as_ref()
        .and_then(|id| id.as_str())
        .filter(|id| is_id(id));
    if id.is_none() {
        faults.push(Fault::new("/id", "invalid_value", about_id()));
    }
    let kind = read(object, "kind").and_then(|kind| serde_json::from_value(kind).ok());
    // Shared ones are written to by their own nodes, which know what their states are.
    let kind = kind.filter(|kind: &Kind| *kind == Kind::Mcp);
    if kind.is_none() {
        faults.push(Fault::new("/kind", "not_in_enum", "`kind` is \"mcp\""));
    }
    let (id, kind) = (id?, kind?);
    let name = SessionName {
        kind: kind.as_str().to_owned(),
        id: id.to_owned(),
        owner: cx.principal.id.clone(),
    };
    Some((name, kind))
}

fn is_id(id: &str) -> bool {
    (1..=Put::LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

fn about_id() -> String {
    let most = Put::LONGEST_ID;
    format!("`id` is 1 to {most} visible characters of ASCII")
}

fn state<'a>(object: &Object<'a>, faults: &mut Vec<Fault>) -> Option<&'a RawValue> {
    let state = object.get("state");
    let (code, detail) = match state {
        None => ("required", "`state` must be given".to_owned()),
        Some(state) if state.get().len() > Put::LARGEST_STATE => (
            "too_long",
            format!("`state` has at most {} bytes", Put::LARGEST_STATE),
        ),
        Some(state) => return Some(state),
    };
    faults.push(Fault::new("/state", code, detail));
    None
}

fn ttl(object: &Object<'_>, faults: &mut Vec<Fault>) -> Option<u32> {
    let fits = |ttl: &u32| (1..=Put::LONGEST_TTL).contains(ttl);
    let ttl = object.get("ttl").and_then(body::whole).filter(fits);
    if ttl.is_none() {
        let detail = format!(
            "`ttl` is a whole number of seconds from 1 to {}",
            Put::LONGEST_TTL
        );
        faults.push(Fault::new("/ttl", "out_of_range", detail));
    }
    ttl
}

fn read(object: &Object<'_>, name: &str) -> Option<serde_json::Value> {
    serde_json::from_str(object.get(name)?.get()).ok()
}

fn time(at: Timestamp) -> String {
    let mut text = Vec::new();
    Value::Timestamp(at).write_text(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}
