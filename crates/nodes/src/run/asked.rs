//! `run.read`, `run.steps`, `run.list`: whoever started a run may see it, and admins see all.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::Object;
use store::{RunFilter, RunRow};
use uuid::Uuid;
use wire::run::{List, State, StepRow, StepState, approval};
use wire::{Answer, Code, Problem};

use super::input;
use crate::body;
use crate::context::Context;
use crate::create::fault;
use crate::problem;
use crate::workflow::answer_of;

const USUAL: u32 = 50;
const MOST: u32 = 1_000;
const PURPOSE: &str = "runs";

/// `{id}`
pub(super) async fn read(cx: &Context<'_>, text: &str) -> Result<Answer, Problem> {
    let id = input::id(&input::object(text, &["id"])?)?;
    answer(&find(cx, id).await?)
}

/// `{id}`
pub(super) async fn steps(cx: &Context<'_>, text: &str) -> Result<Answer, Problem> {
    let id = input::id(&input::object(text, &["id"])?)?;
    let id = find(cx, id).await?.run.id;
    let steps = cx.store.steps_of(&[id]).await.map_err(problem::of_store)?;
    let mut steps: Vec<_> = steps.into_iter().map(|(_, step)| step).collect();
    for step in &mut steps {
        say_who_decides(cx, step);
    }
    let mut answer = Answer::json(answer_of(&steps)?);
    answer.meta.rows = Some(steps.len() as u64);
    Ok(answer)
}

fn say_who_decides(cx: &Context<'_>, step: &mut StepRow) {
    if step.state != StepState::Waiting {
        return;
    }
    if let Some(note) = &mut step.note
        && note.signal.as_deref() == Some(&approval(&step.path))
    {
        let role = note.role.as_deref();
        note.decides = cx.principal.is_admin() || role.is_none_or(|role| cx.principal.has(role));
    }
}

/// `{workflow?, state?, session?, limit?, cursor?}`
pub(super) async fn list(cx: &Context<'_>, text: &str) -> Result<Answer, Problem> {
    if cx.principal.is_anonymous() {
        return Err(cx.denied("list runs"));
    }
    let wish = read_list(text)?;
    let limit = wish.limit.unwrap_or(USUAL);
    let before = wish.cursor.map(|cursor| open(cx, &cursor)).transpose()?;
    let filter = RunFilter {
        workflow: wish.workflow,
        state: wish.state,
        session: wish.session,
        before,
        limit: u64::from(limit) + 1,
        ..seen(cx)
    };
    let mut rows = cx
        .store
        .list_runs(&filter)
        .await
        .map_err(problem::of_store)?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let shown: Vec<_> = rows.iter().map(|row| &row.run).collect();
    let mut answer = Answer::json(answer_of(&shown)?);
    answer.meta.rows = Some(rows.len() as u64);
    answer.meta.cursor = rows.last().filter(|_| more).map(|row| seal(cx, row.run.id));
    Ok(answer)
}

/// All that the caller may see: those of which [`sees`] says so.
pub(super) fn seen(cx: &Context<'_>) -> RunFilter {
    let principal = cx.principal;
    RunFilter {
        started_by: (!principal.is_admin()).then(|| principal.id.clone()),
        tenant: principal.tenant.clone(),
        ..RunFilter::default()
    }
}

fn read_list(text: &str) -> Result<List, Problem> {
    let known = ["workflow", "state", "session", "limit", "cursor"];
    let object = input::object(text, &known)?;
    let limit = read_limit(&object)?;
    let states = State::ALL.map(State::as_str).join(", ");
    Ok(List {
        workflow: input::word(&object, "workflow", "a workflow's name")?,
        state: input::member(&object, "state", &format!("one of {states}"))?,
        session: input::word(&object, "session", "a session's id")?,
        limit,
        cursor: input::member(&object, "cursor", "a text")?,
    })
}

/// Nothing where it is absent or null.
pub(super) fn read_limit(object: &Object<'_>) -> Result<Option<u32>, Problem> {
    let Some(raw) = object.get("limit").filter(|raw| raw.get() != "null") else {
        return Ok(None);
    };
    let limit = body::whole(raw).filter(|limit| (1..=MOST).contains(limit));
    limit.map(Some).ok_or_else(|| {
        let detail = format!("`limit` is a whole number from 1 to {MOST}");
        fault("/limit".to_owned(), "out_of_range", &detail)
    })
}

/// The last run of a page, sealed: a caller cannot make one up, though there would be nothing to gain.
fn seal(cx: &Context<'_>, last: Uuid) -> String {
    let mut sealed = cx.signer.seal(PURPOSE, last.as_bytes()).to_vec();
    sealed.extend(last.as_bytes());
    URL_SAFE_NO_PAD.encode(sealed)
}

fn open(cx: &Context<'_>, cursor: &str) -> Result<Uuid, Problem> {
    let sealed = URL_SAFE_NO_PAD.decode(cursor).unwrap_or_default();
    let last = sealed.split_at_checked(32).and_then(|(mac, last)| {
        let last = Uuid::from_slice(last).ok()?;
        let sealed = cx.signer.is_sealed(PURPOSE, last.as_bytes(), mac);
        sealed.then_some(last)
    });
    last.ok_or_else(|| {
        Problem::new(Code::InvalidCursor)
            .detail("the cursor was not made by this server, or was altered")
            .hint("ask for the first page, without a cursor")
    })
}

/// A run of another is as good as none.
pub(super) async fn find(cx: &Context<'_>, id: Uuid) -> Result<RunRow, Problem> {
    let row = look(cx, id).await?;
    row.filter(|row| sees(cx, row)).ok_or_else(missing)
}

pub(super) async fn look(cx: &Context<'_>, id: Uuid) -> Result<Option<RunRow>, Problem> {
    cx.store.find_run(id).await.map_err(problem::of_store)
}

pub(super) fn sees(cx: &Context<'_>, row: &RunRow) -> bool {
    let (own, principal) = (row.run.started_by == cx.principal.id, cx.principal);
    let within = principal.tenant.is_none() || principal.tenant == row.tenant;
    within && (own || principal.is_admin())
}

pub(super) fn missing() -> Problem {
    Problem::new(Code::NotFound).detail("there is no such run, or the caller may not see it")
}

pub(super) fn answer(row: &RunRow) -> Result<Answer, Problem> {
    let mut answer = Answer::json(answer_of(&row.run)?);
    answer.meta.id = Some(row.run.id);
    Ok(answer)
}
