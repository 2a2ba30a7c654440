//! Migrations for those who may not speak to the store themselves.

use std::sync::Arc;

use model::Project;
use nodes::Nodes;
use serde_json::{Value, json};
use store::migrate::{self, ApplyOptions};
pub use store::migrate::{Applied, AtStake, Plan, RolledBack, Status, Step};

use wire::{Caller, Code, Problem};

use crate::{Error, Settings, location};

pub async fn plan(project: &Project, settings: &Settings) -> Result<Plan, Error> {
    let location = place(project, settings)?;
    Ok(migrate::plan(&location, &project.models).await?)
}

pub async fn apply(
    project: &Project,
    settings: &Settings,
    allow_destructive: bool,
) -> Result<Applied, Error> {
    let location = location::of(project, settings)?;
    apply_to(&location, project, settings, allow_destructive).await
}

pub(crate) async fn apply_to(
    location: &store::Settings,
    project: &Project,
    settings: &Settings,
    allow_destructive: bool,
) -> Result<Applied, Error> {
    make_folder(location)?;
    let options = ApplyOptions {
        allow_destructive,
        told: settings.migrating.or(Some(log)),
        ..ApplyOptions::default()
    };
    Ok(migrate::apply(location, &project.models, &options).await?)
}

/// A line each 500 steps: a service's start that takes its time says why.
fn log(done: usize, of: usize) {
    if done.is_multiple_of(500) {
        tracing::info!(done, of, "Migrating");
    }
}

pub async fn status(project: &Project, settings: &Settings) -> Result<Status, Error> {
    let location = place(project, settings)?;
    Ok(migrate::status(&location, &project.models).await?)
}

/// Undoes the last `steps` migrations.
pub async fn rollback(
    project: &Project,
    settings: &Settings,
    steps: usize,
) -> Result<RolledBack, Error> {
    let location = place(project, settings)?;
    Ok(migrate::rollback(&location, steps).await?)
}

/// Deletes for good what migrations before number `before` took away; answers what that was.
pub async fn purge(
    project: &Project,
    settings: &Settings,
    before: u64,
) -> Result<Vec<String>, Error> {
    let location = place(project, settings)?;
    Ok(migrate::purge(&location, before).await?)
}

/// A new project has no folder for its database yet, and may be asked all the same.
fn place(project: &Project, settings: &Settings) -> Result<store::Settings, Error> {
    let location = location::of(project, settings)?;
    make_folder(&location)?;
    Ok(location)
}

fn make_folder(location: &store::Settings) -> Result<(), Error> {
    if let store::Location::Sqlite(path) = &location.location
        && let Some(folder) = path.parent()
    {
        std::fs::create_dir_all(folder).map_err(|error| {
            store::Error::Setup(format!("{} cannot be made: {error}", folder.display()))
        })?;
    }
    Ok(())
}

/// For programs, in English words: the same on the command line and behind a socket.
pub fn status_json(status: &Status) -> Value {
    let applied = status.applied.iter().map(|migration| {
        json!({
            "name": migration.name,
            "at": migration.at,
            "state": migration.state.name(),
        })
    });
    json!({
        "applied": applied.collect::<Vec<_>>(),
        "pending": plan_json(&status.pending),
        "drift": status.drift,
    })
}

pub fn plan_json(plan: &Plan) -> Value {
    let steps = plan.steps.iter().map(|step| {
        let stake = step.destructive.as_ref();
        json!({
            "table": step.table,
            "summary": step.summary,
            "sql": step.sql,
            "destructive": stake.map(|stake| json!({"what": stake.what, "rows": stake.rows})),
            "blocked": step.blocked,
            "concurrent": step.concurrent,
        })
    });
    json!({
        "name": plan.name,
        "steps": steps.collect::<Vec<_>>(),
        "drift": plan.drift,
    })
}

/// What a running service tells of them.
#[derive(Clone)]
pub(crate) struct Teller {
    pub(crate) location: store::Settings,
    pub(crate) nodes: Arc<Nodes>,
}

impl Teller {
    pub(crate) async fn tell(&self, caller: &Caller) -> Result<Value, Problem> {
        self.nodes.need_admin(caller)?;
        let status = migrate::status(&self.location, &self.nodes.models()).await;
        let status = status.map_err(|error| {
            tracing::error!("the migrations cannot be told: {error}");
            Problem::new(Code::Unavailable).detail("the migrations cannot be told now")
        })?;
        Ok(status_json(&status))
    }
}
