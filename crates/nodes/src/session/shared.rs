//! `session.open`, `session.read`, `session.write`, `session.list`, `session.close`: what one caller carries from one
//! channel to another, by a handle.

use std::time::Duration;

use access::{Scope, token};
use model::Object;
use serde_json::json;
use serde_json::value::RawValue;
use store::{SessionName, SessionRow};
use wire::session::{Kind, List, Listed, Open, Put, Session};
use wire::{Answer, Fault, Problem};

use super::merge::merged;
use super::{full, hot, is_id, missing, time, ttl, used};
use crate::answers::Touched;
use crate::arguments::Pairs;
use crate::context::Context;
use crate::create::{fault, no_query};
use crate::door::Door;
use crate::keys::only;
use crate::work::check_affected;
use crate::workflow::answer_of;
use crate::{body, problem};

/// Of an id: as many letters and digits as hold 128 random bits.
const ID: usize = 22;

/// The nodes that are everyone's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionNode {
    Open,
    Read,
    Write,
    List,
    Close,
}

impl SessionNode {
    pub(crate) fn parse(verb: &str) -> Option<Self> {
        Some(match verb {
            "open" => Self::Open,
            "read" => Self::Read,
            "write" => Self::Write,
            "list" => Self::List,
            "close" => Self::Close,
            _ => return None,
        })
    }

    pub(crate) fn is_read(self) -> bool {
        matches!(self, Self::Read | Self::List)
    }

    /// Whether a step of a workflow may be it.
    pub(crate) fn is_step(self) -> bool {
        matches!(self, Self::Read | Self::Write)
    }

    pub(crate) fn scope(self) -> Scope {
        if self.is_read() {
            Scope::Read
        } else {
            Scope::Write
        }
    }
}

pub(crate) async fn call(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    node: SessionNode,
    pairs: &Pairs,
    text: &str,
) -> Result<Answer, Problem> {
    no_query(pairs, &[])?;
    let object = body::object(text, "")?;
    match node {
        SessionNode::Open => open(cx, door, &object).await,
        SessionNode::Read => read(cx, door, &object).await,
        SessionNode::Write => write(cx, door, &object).await,
        SessionNode::List => list(cx, &object).await,
        SessionNode::Close => close(cx, door, &object).await,
    }
}

/// `{state?, ttl?}`
async fn open(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    object: &Object<'_>,
) -> Result<Answer, Problem> {
    need_caller(cx, "open a session")?;
    only(object, &["state", "ttl"])?;
    check_affected(1, cx.options)?;
    let mut faults = Vec::new();
    let state = said(object, "state");
    let state = state.map_or(Some("{}"), |state| is_state(state, "/state", &mut faults));
    let ttl = match said(object, "ttl") {
        None => Some(Open::USUAL_TTL),
        Some(_) => ttl(object, &mut faults),
    };
    let (Some(state), Some(ttl)) = (state, ttl) else {
        return Err(problem::of_input(faults));
    };
    let id = token::random(ID).map_err(|error| problem::internal(&error.to_string()))?;
    let name = name_of(cx, id);
    let row = SessionRow {
        state: state.to_owned(),
        ttl,
        created_at: cx.now,
        expires_at: cx.now + Duration::from_secs(ttl.into()),
    };
    let tx = door.tx().map_err(problem::of_store)?;
    let opened = tx.open_session(&name, &row).await;
    if !opened.map_err(problem::of_store)? {
        return Err(full());
    }
    let mut answer = answer(name, row)?;
    answer.meta.created = true;
    answer.meta.affected = Some(1);
    Ok(answer)
}

/// `{id?}`
async fn read(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    object: &Object<'_>,
) -> Result<Answer, Problem> {
    only(object, &["id"])?;
    let name = named(cx, object).await?;
    let row = used(cx, door, &name).await?;
    answer(name, row)
}

/// `{id?, set}`: who writes at the same time as another waits for that one, so that nothing is lost.
async fn write(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    object: &Object<'_>,
) -> Result<Answer, Problem> {
    only(object, &["id", "set"])?;
    check_affected(1, cx.options)?;
    let mut faults = Vec::new();
    let Some(set) = said(object, "set") else {
        return Err(fault("/set".to_owned(), "required", "`set` must be given"));
    };
    let Some(set) = is_state(set, "/set", &mut faults) else {
        return Err(problem::of_input(faults));
    };
    let name = named(cx, object).await?;
    door.touch(hot::touched(cx, &name));
    let tx = door.tx().map_err(problem::of_store)?;
    let found = tx.find_session(&name, cx.now, true).await;
    let row = found.map_err(problem::of_store)?.ok_or_else(missing)?;
    let state =
        merged(&row.state, set).map_err(|why| fault("/set".to_owned(), "invalid_value", &why))?;
    if state.len() > Put::LARGEST_STATE {
        let most = Put::LARGEST_STATE;
        let detail = format!(
            "the state would have more than {most} bytes; take something out of it with null"
        );
        return Err(fault("/set".to_owned(), "too_long", &detail));
    }
    let until = row
        .expires_at
        .max(cx.now + Duration::from_secs(row.ttl.into()));
    let kept = tx.keep_session(&name, &state, until).await;
    kept.map_err(problem::of_store)?;
    let row = SessionRow {
        state,
        expires_at: until,
        ..row
    };
    let mut answer = answer(name, row)?;
    answer.meta.affected = Some(1);
    Ok(answer)
}

/// `{limit?}`: the caller's own, an administrator's too.
async fn list(cx: &Context<'_>, object: &Object<'_>) -> Result<Answer, Problem> {
    need_caller(cx, "list sessions")?;
    only(object, &["limit"])?;
    let limit = match said(object, "limit") {
        None => Some(List::USUAL),
        Some(raw) => body::whole(raw),
    };
    let limit = limit.filter(|limit| (1..=List::MOST).contains(limit));
    let limit = limit.ok_or_else(|| {
        let detail = format!("`limit` is a whole number from 1 to {}", List::MOST);
        fault("/limit".to_owned(), "out_of_range", &detail)
    })?;
    let own = name_of(cx, String::new());
    let rows = cx.store.list_sessions(&own, cx.now, limit).await;
    let shown = rows.map_err(problem::of_store)?.into_iter();
    let shown: Vec<_> = shown
        .map(|(id, row)| Listed {
            id,
            created_at: time(row.created_at),
            expires_at: time(row.expires_at),
        })
        .collect();
    let mut answer = Answer::json(answer_of(&shown)?);
    answer.meta.rows = Some(shown.len() as u64);
    Ok(answer)
}

/// `{id?}`
async fn close(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    object: &Object<'_>,
) -> Result<Answer, Problem> {
    only(object, &["id"])?;
    check_affected(1, cx.options)?;
    let name = named(cx, object).await?;
    door.touch(hot::touched(cx, &name));
    let tx = door.tx().map_err(problem::of_store)?;
    let closed = tx.close_session(&name, cx.now).await;
    if !closed.map_err(problem::of_store)? {
        return Err(missing());
    }
    let mut answer = Answer::json(json!({"affected": 1}).to_string());
    answer.meta.affected = Some(1);
    Ok(answer)
}

/// A run that belongs to a session begins with one that is there, which is a use of it. A step's run shares its
/// parent's, for as long as that goes on.
pub(crate) async fn check_run(cx: &Context<'_>, door: &mut Door<'_>) -> Result<(), Problem> {
    let Some(id) = &cx.options.session else {
        return Ok(());
    };
    if cx.options.step.is_some() {
        return Ok(());
    }
    let strange = cx.principal.is_anonymous() || !is_id(id);
    if strange {
        return Err(missing());
    }
    used(cx, door, &name_of(cx, id.clone())).await.map(drop)
}

/// What a call of the node writes to, where answers may have been made of it.
pub(crate) async fn touched(
    cx: &Context<'_>,
    node: SessionNode,
    text: &str,
) -> Result<Touched, Problem> {
    match node {
        SessionNode::Write | SessionNode::Close => {
            let name = named(cx, &body::object(text, "")?).await?;
            Ok(hot::touched(cx, &name))
        }
        // Nobody has read yet what is opened.
        SessionNode::Open | SessionNode::Read | SessionNode::List => Ok(Touched::new()),
    }
}

/// The session that the call says, else that of its options. A step's is its run's, whoever the run acts as.
async fn named(cx: &Context<'_>, object: &Object<'_>) -> Result<SessionName, Problem> {
    need_caller(cx, "use a session")?;
    let id: Option<String> = match said(object, "id") {
        None => None,
        Some(raw) => Some(serde_json::from_str(raw.get()).map_err(|_| bad_id())?),
    };
    if let Some(step) = &cx.options.step {
        let run = cx
            .store
            .find_run(step.run)
            .await
            .map_err(problem::of_store)?;
        if let Some(run) = run.map(|row| row.run)
            && let Some(session) = run.session
            && id.as_ref().is_none_or(|id| *id == session)
        {
            return Ok(SessionName {
                owner: run.started_by,
                ..name_of(cx, session)
            });
        }
    }
    let id = id.or_else(|| cx.options.session.clone()).ok_or_else(|| {
        let detail = "`id` must be given, or the call's own session: --session, Gantry-Session";
        fault("/id".to_owned(), "required", detail)
    })?;
    if is_id(&id) {
        Ok(name_of(cx, id))
    } else {
        Err(bad_id())
    }
}

fn name_of(cx: &Context<'_>, id: String) -> SessionName {
    SessionName {
        kind: Kind::Shared.as_str().to_owned(),
        id,
        owner: cx.principal.id.clone(),
    }
}

fn need_caller(cx: &Context<'_>, what: &str) -> Result<(), Problem> {
    if cx.principal.is_anonymous() {
        return Err(cx.denied(what));
    }
    Ok(())
}

/// Nothing where it is absent or null.
fn said<'a>(object: &Object<'a>, name: &str) -> Option<&'a RawValue> {
    object.get(name).filter(|raw| raw.get() != "null")
}

fn is_state<'a>(raw: &'a RawValue, at: &str, faults: &mut Vec<Fault>) -> Option<&'a str> {
    let (code, detail) = if !raw.get().starts_with('{') {
        ("invalid_value", format!("`{}` is an object", &at[1..]))
    } else if raw.get().len() > Put::LARGEST_STATE {
        let most = Put::LARGEST_STATE;
        (
            "too_long",
            format!("`{}` has at most {most} bytes", &at[1..]),
        )
    } else {
        return Some(raw.get());
    };
    faults.push(Fault::new(at, code, detail));
    None
}

fn bad_id() -> Problem {
    fault("/id".to_owned(), "invalid_value", &super::about_id())
}

fn answer(name: SessionName, row: SessionRow) -> Result<Answer, Problem> {
    let garbled = |error: serde_json::Error| problem::internal(&error.to_string());
    let session = Session {
        id: name.id,
        state: RawValue::from_string(row.state).map_err(garbled)?,
        created_at: time(row.created_at),
        expires_at: time(row.expires_at),
    };
    Ok(Answer::json(answer_of(&session)?))
}
