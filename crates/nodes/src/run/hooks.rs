//! `run.hooks`, `run.hook`: webhooks. That the sender has signed what it sent is nexus's to check, where it arrives.

use std::sync::Arc;

use model::Workflow;
use model::workflow::Trigger;
use serde_json::json;
use store::{NewRun, Tx};
use wire::run::{Hook, HookInfo, Hooks, One};
use wire::{Answer, Body, Code, Meta, NodeName, Options, Problem};

use super::triggered::{self, Cause};
use super::{Runs, input};
use crate::context::Context;
use crate::idempotency::{self, Hash, Key};
use crate::live::Live;
use crate::problem;
use crate::workflow::answer_of;

/// All webhooks of all workflows, with their triggers' numbers.
fn all(live: &Live) -> impl Iterator<Item = (&Workflow, u32, HookInfo)> {
    live.workflows.iter().flat_map(|workflow| {
        let numbered = (0..).zip(&workflow.triggers);
        numbered.filter_map(move |(number, trigger)| match trigger {
            Trigger::Webhook { path, secret, .. } => {
                let (path, secret) = (path.clone(), secret.clone());
                Some((workflow, number, HookInfo { path, secret }))
            }
            _ => None,
        })
    })
}

pub(super) fn list(cx: &Context<'_>) -> Result<Answer, Problem> {
    let hooks = all(cx.live).map(|(.., hook)| hook).collect();
    Ok(Answer::json(answer_of(&Hooks { hooks })?))
}

pub(super) async fn start(
    cx: &Context<'_>,
    runs: &Arc<Runs>,
    text: &str,
) -> Result<Answer, Problem> {
    let told: Hook = input::own(text)?;
    let found = all(cx.live).find(|(.., hook)| hook.path == told.path);
    let Some((workflow, number, _)) = found else {
        let detail = format!("there is no webhook `{}`", told.path);
        return Err(Problem::new(Code::NotFound).detail(detail));
    };
    let cause = Cause {
        number,
        given: &json!({"body": told.body}),
        tenant: None,
        at: cx.now,
    };
    let run = triggered::run(workflow, cause)?;
    let key = key(&told)?;
    runs.keep(workflow).await?;
    let mut tx = cx.store.begin(None).await.map_err(problem::of_store)?;
    let answer = match started(&mut tx, &run, key).await {
        Ok(answer) => {
            tx.commit().await.map_err(problem::of_store)?;
            answer
        }
        Err(problem) => {
            // The problem that matters is the start's.
            let _ = tx.rollback().await;
            return Err(problem);
        }
    };
    runs.wake();
    Ok(answer)
}

/// Whose name of a delivery it is, the path says.
fn key(told: &Hook) -> Result<Option<Key>, Problem> {
    let node = NodeName::of_model("run", "hook");
    let options = Options {
        idempotency_key: told.delivery.clone(),
        ..Options::default()
    };
    let hash = || Hash::new(&node, "").of(told.body.get().as_bytes());
    Key::of(&options, &format!("hook:{}", told.path), &node, hash)
}

async fn started(tx: &mut Tx, run: &NewRun, key: Option<Key>) -> Result<Answer, Problem> {
    if let Some(key) = &key
        && let Some(replay) = key.claim(tx).await?
    {
        return Ok(replay);
    }
    tx.start_run(run, None).await.map_err(problem::of_store)?;
    let answer = Answer {
        meta: Meta {
            id: Some(run.id),
            created: true,
            ..Meta::default()
        },
        body: Body::json(answer_of(&One { id: run.id })?),
    };
    if let Some(key) = &key {
        key.keep(tx, &idempotency::kept(&answer)?).await?;
    }
    Ok(answer)
}
