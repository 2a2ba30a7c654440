//! `workflow.<name>`: a run of it begins.

use access::Principal;
use minijinja::Value as Scope;
use model::Workflow;
use serde_json::value::RawValue;
use store::{NewRun, Slot};
use uuid::Uuid;
use wire::run::{Run, State};
use wire::{Answer, Body, Meta, Problem};

use crate::arguments::Pairs;
use crate::context::Context;
use crate::door::Door;
use crate::run::acting;
use crate::{create, problem, session};

pub(crate) async fn call(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    workflow: &Workflow,
    pairs: &Pairs,
    text: &str,
) -> Result<Answer, Problem> {
    create::no_query(pairs, &[])?;
    need_start(cx, workflow)?;
    let input = workflow.check_input(text).map_err(problem::of_input)?;
    session::check_run(cx, door).await?;
    let acting = acting::of(workflow, cx.principal);
    let run = NewRun {
        session: cx.options.session.clone(),
        ..new_run(workflow, input, acting, cx.now)?
    };
    let run = NewRun {
        started_by: cx.principal.id.clone(),
        tenant: cx.principal.tenant.clone(),
        lease: door.lease(),
        ..run
    };
    let parent = cx.options.step.as_ref().map(|step| step.run);
    let started = door.start_run(&run, parent).await;
    started.map_err(problem::of_store)?;
    let body = if cx.wants_body() {
        answer_of(&shown(&run, parent)?)?
    } else {
        String::new()
    };
    Ok(Answer {
        meta: Meta {
            id: Some(run.id),
            created: true,
            affected: Some(1),
            ..Meta::default()
        },
        body: Body::json(body),
    })
}

pub(crate) fn may_start(workflow: &Workflow, principal: &Principal) -> bool {
    let anyone = workflow.start.iter().any(|role| role == access::ANYONE);
    let known = || workflow.may_start(principal.roles.iter().map(String::as_str));
    anyone || (!principal.is_anonymous() && known())
}

pub(crate) fn need_start(cx: &Context<'_>, workflow: &Workflow) -> Result<(), Problem> {
    if may_start(workflow, cx.principal) {
        return Ok(());
    }
    Err(cx.denied(&format!("start {}", workflow.name)))
}

/// Nobody's yet.
pub(crate) fn new_run(
    workflow: &Workflow,
    input: String,
    acting: String,
    at: jiff::Timestamp,
) -> Result<NewRun, Problem> {
    Ok(NewRun {
        id: Uuid::now_v7(),
        workflow: workflow.name.clone(),
        version: workflow.version.clone(),
        slot: slot(workflow, &input)?,
        input,
        acting,
        started_by: String::new(),
        tenant: None,
        session: None,
        lease: None,
        at,
    })
}

/// Runs of the same key wait for each other.
fn slot(workflow: &Workflow, input: &str) -> Result<Option<Slot>, Problem> {
    let Some(concurrency) = &workflow.concurrency else {
        return Ok(None);
    };
    let key = match &concurrency.key {
        None => String::new(),
        Some(template) => {
            let garbled = |error: serde_json::Error| problem::internal(&error.to_string());
            let inputs: serde_json::Value = serde_json::from_str(input).map_err(garbled)?;
            let scope = serde_json::json!({"inputs": inputs});
            let key = template.render(&Scope::from(minijinja::value::Serde(&scope)));
            key.map_err(|why| {
                let detail = format!("the key of {}'s concurrency: {why}", workflow.name);
                create::fault(String::new(), "invalid_value", &detail)
            })?
            .to_string()
        }
    };
    Ok(Some(Slot {
        key: format!("{}:{key}", workflow.name),
        limit: concurrency.limit,
    }))
}

/// As it is before anybody has begun it.
fn shown(run: &NewRun, parent: Option<Uuid>) -> Result<Run, Problem> {
    let input = RawValue::from_string(run.input.clone());
    Ok(Run {
        id: run.id,
        workflow: run.workflow.clone(),
        version: run.version.clone(),
        state: State::Queued,
        epoch: 1,
        input: input.map_err(|error| problem::internal(&error.to_string()))?,
        output: None,
        problem: None,
        started_by: run.started_by.clone(),
        session: run.session.clone(),
        parent,
        cancelling: false,
        created_at: format!("{:.6}", run.at),
        started_at: None,
        finished_at: None,
    })
}

pub(crate) fn answer_of(shown: &impl serde::Serialize) -> Result<String, Problem> {
    serde_json::to_string(shown).map_err(|error| problem::internal(&error.to_string()))
}
