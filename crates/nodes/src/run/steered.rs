//! `run.cancel`, `run.retry`, `run.replay`, `run.signal`, `run.approve`.

use std::path::Path;
use std::sync::Arc;

use model::Workflow;
use model::workflow::Action;
use serde_json::json;
use serde_json::value::RawValue;
use store::{NewRun, Retried, RunRow};
use uuid::Uuid;
use wire::run::{Decided, LARGEST_OUTPUT, StepState, approval};
use wire::{Answer, Code, Problem};

use super::asked::{answer, find, look, missing, sees};
use super::{Runs, acting, definitions, input};
use crate::context::Context;
use crate::create::fault;
use crate::door::Door;
use crate::workflow::{answer_of, need_start, new_run};
use crate::{problem, session};

/// `{id}`
pub(super) async fn cancel(
    cx: &Context<'_>,
    runs: &Arc<Runs>,
    text: &str,
) -> Result<Answer, Problem> {
    let id = input::id(&input::object(text, &["id"])?)?;
    find(cx, id).await?;
    let cancelled = cx.store.cancel_run(id).await;
    runs.steer(&cancelled.map_err(problem::of_store)?);
    runs.wake();
    changed(&find(cx, id).await?)
}

/// `{id, from?}`
pub(super) async fn retry(
    cx: &Context<'_>,
    runs: &Arc<Runs>,
    text: &str,
) -> Result<Answer, Problem> {
    let object = input::object(text, &["id", "from"])?;
    let id = input::id(&object)?;
    let from = input::word(&object, "from", "a step's path")?;
    find(cx, id).await?;
    let retried = cx.store.retry_run(id, from.as_deref()).await;
    let refuse =
        |pointer: &str, detail: &str| Err(fault(pointer.to_owned(), "invalid_value", detail));
    match retried.map_err(problem::of_store)? {
        Retried::Queued(row) => {
            runs.wake();
            changed(&row)
        }
        Retried::UnderWay => refuse("/id", "the run has not ended; cancel it first"),
        Retried::Succeeded => refuse("/from", "the run succeeded; name the step to begin with"),
        Retried::NoSuchStep => refuse("/from", "the run has no such step; see run.steps"),
    }
}

/// `{id}`: the same once more, as the caller and by the definition of now.
pub(super) async fn replay(
    cx: &Context<'_>,
    runs: &Arc<Runs>,
    text: &str,
) -> Result<Answer, Problem> {
    let id = input::id(&input::object(text, &["id"])?)?;
    let before = find(cx, id).await?.run;
    let Some(place) = cx.live.workflow(&before.workflow) else {
        let detail = format!("there is no workflow `{}` any more", before.workflow);
        return Err(fault("/id".to_owned(), "invalid_value", &detail));
    };
    let workflow = &cx.live.workflows[place];
    need_start(cx, workflow)?;
    let input = workflow.check_input(before.input.get());
    let input = input.map_err(problem::of_input)?;
    let run = NewRun {
        started_by: cx.principal.id.clone(),
        tenant: cx.principal.tenant.clone(),
        session: cx.options.session.clone(),
        ..new_run(workflow, input, acting::of(workflow, cx.principal), cx.now)?
    };
    session::check_run(cx, &mut Door::direct(cx, None)).await?;
    runs.keep(workflow).await?;
    cx.store.start_run(&run).await.map_err(problem::of_store)?;
    runs.wake();
    let mut answer = answer(&find(cx, run.id).await?)?;
    answer.meta.created = true;
    answer.meta.affected = Some(1);
    Ok(answer)
}

/// `{id, name, payload?}`
pub(super) async fn signal(
    cx: &Context<'_>,
    runs: &Arc<Runs>,
    text: &str,
) -> Result<Answer, Problem> {
    let object = input::object(text, &["id", "name", "payload"])?;
    let id = input::id(&object)?;
    let name = input::word(&object, "name", "a signal's name")?;
    let name = name.ok_or_else(|| fault("/name".to_owned(), "required", "`name` must be given"))?;
    if name.starts_with(&approval("")) {
        let detail = "who decides of a step does so by run.approve";
        return Err(fault("/name".to_owned(), "invalid_value", detail));
    }
    find(cx, id).await?;
    let payload = object.get("payload").map_or("null", RawValue::get);
    tell(cx, runs, id, &name, payload).await
}

/// `{id, step, approved, note?, form?}`: by one of the step's role, whose run it need not be.
pub(super) async fn approve(
    cx: &Context<'_>,
    runs: &Arc<Runs>,
    text: &str,
) -> Result<Answer, Problem> {
    let object = input::object(text, &["id", "step", "approved", "note", "form"])?;
    let id = input::id(&object)?;
    let path = input::word(&object, "step", "a step's path")?;
    let path = path.ok_or_else(|| fault("/step".to_owned(), "required", "`step` must be given"))?;
    let approved: bool = input::needed(&object, "approved", "true or false")?;
    let note: Option<String> = input::member(&object, "note", "a text")?;
    let row = look(cx, id).await?.ok_or_else(missing)?;
    let steps = cx.store.steps_of(&[id]).await.map_err(problem::of_store)?;
    let name = approval(&path);
    let waits = steps.into_iter().map(|(_, step)| step).find_map(|step| {
        let note = step.note.filter(|_| step.state == StepState::Waiting)?;
        (note.signal.as_deref() == Some(&name)).then_some(note)
    });
    let role = waits.as_ref().and_then(|note| note.role.as_deref());
    let within = cx.principal.tenant.is_none() || cx.principal.tenant == row.tenant;
    let decides = within && role.is_some_and(|role| cx.principal.has(role));
    if !decides && !sees(cx, &row) {
        return Err(missing());
    }
    let Some(waits) = &waits else {
        let detail = format!("no step at `{path}` waits for a decision; see run.steps");
        return Err(fault("/step".to_owned(), "invalid_value", &detail));
    };
    if let Some(role) = role
        && !decides
        && !cx.principal.is_admin()
    {
        return Err(cx.denied(&format!(
            "decide of this step: that is for the role `{role}`"
        )));
    }
    let given = object.get("form").filter(|form| form.get() != "null");
    let form = match (waits.form.is_some() && approved, given) {
        (true, given) => Some(filled_in(runs, &row, &path, given).await?),
        (false, None) => None,
        (false, Some(_)) => {
            let detail = if approved {
                "the step asks for nothing but yes or no"
            } else {
                "nothing is filled in with a no"
            };
            return Err(fault("/form".to_owned(), "invalid_value", detail));
        }
    };
    let payload = answer_of(&Decided {
        approved,
        by: None,
        note,
        form,
    })?;
    tell(cx, runs, id, &name, &payload).await
}

/// By the file that the run began with; defaults are filled.
async fn filled_in(
    runs: &Runs,
    row: &RunRow,
    path: &str,
    given: Option<&RawValue>,
) -> Result<Box<RawValue>, Problem> {
    let garbled = |why: String| Problem::new(Code::Internal).detail(why);
    let text = definitions::text(runs, &row.run.workflow, &row.run.version).await?;
    let workflow = Workflow::parse(Path::new("workflow.yaml"), &text).map_err(|mistakes| {
        let told: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
        garbled(told.join("\n"))
    })?;
    let step = workflow.step_at(path).map(|step| &step.action);
    let Some(Action::Approve { form, .. }) = step else {
        return Err(garbled(format!("no step at `{path}` asks anybody")));
    };
    let given = given.map_or("", RawValue::get);
    let checked = form
        .check(("the form", "field"), given)
        .map_err(|mut faults| {
            for fault in &mut faults {
                fault.pointer.insert_str(0, "/form");
            }
            problem::of_input(faults)
        })?;
    RawValue::from_string(checked).map_err(|error| garbled(error.to_string()))
}

async fn tell(
    cx: &Context<'_>,
    runs: &Arc<Runs>,
    id: Uuid,
    name: &str,
    payload: &str,
) -> Result<Answer, Problem> {
    if payload.len() > LARGEST_OUTPUT {
        let detail = format!("a signal has at most {LARGEST_OUTPUT} bytes");
        return Err(problem::limit_exceeded(detail));
    }
    let told = cx
        .store
        .signal_run(id, name, payload, &cx.principal.id)
        .await;
    let told = told.map_err(problem::of_store)?;
    let seq = told.ok_or_else(|| {
        let detail = "the run has ended, or was told as much as it may be";
        fault("/id".to_owned(), "invalid_value", detail)
    })?;
    runs.steer(&[id]);
    runs.wake();
    let mut answer = Answer::json(json!({"seq": seq}).to_string());
    answer.meta.affected = Some(1);
    Ok(answer)
}

fn changed(row: &RunRow) -> Result<Answer, Problem> {
    let mut answer = answer(row)?;
    answer.meta.affected = Some(1);
    Ok(answer)
}

/// Why a run whose starter lost the credential ends.
pub(super) fn revoked() -> Problem {
    Problem::new(Code::Unauthenticated)
        .detail("the credential of whoever started the run is revoked or has expired")
}
