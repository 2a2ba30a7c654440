//! Migrations: what must change so that the database holds the models, done, undone and told.
//!
//! Nothing is destroyed at once. What a migration takes away is *parked* under a name that starts with
//! `gantry_parked_`, so that [`rollback`] brings back schema and rows; [`purge`] deletes it for good.
//! The database is compared with what the last migration left (*drift*) before anything is done.

mod convert;
mod desired;
mod diff;
mod history;
mod inspect;
mod live;
mod mark;
mod meta;
mod ops;
mod parts;
mod plan;
mod planning;
mod postgres;
mod probes;
pub mod replica;
mod role;
mod run;
mod schema;
mod snapshot;
mod sqlite;
mod steps;

use model::Models;

use crate::{Error, Settings};

pub use diff::{Alteration, Change, ColumnChange, diff};
pub use history::{Migration, Recorded, State};
pub(crate) use history::{latest, recorded};
pub use inspect::Found;
pub use plan::{AtStake, Plan, Step};
pub use run::{apply, apply_over, purge, rollback};
pub use schema::{Column, Extra, Index, Reference, Schema, Table};

#[derive(Debug, Clone, Copy, Default)]
pub struct ApplyOptions {
    /// Whether rows or values may be taken away.
    pub allow_destructive: bool,
    /// Whether to do nothing at all where the plan disturbs others: [`Applied::plan`] tells it then.
    pub undisturbed: bool,
    /// Whether indexes that are made beside the work may wait for the next [`apply`].
    pub indexes_later: bool,
    /// Told after each step of a migration.
    pub told: Option<Told>,
}

/// How many steps are done, of how many.
pub type Told = fn(usize, usize);

/// What [`apply`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// `None` where there was nothing to do.
    pub migration: Option<String>,
    pub plan: Plan,
    /// An earlier migration whose indexes were unfinished and are made now.
    pub resumed: Option<String>,
    /// What could not be had, such as a role that is not the owner.
    pub notes: Vec<String>,
}

/// What [`rollback`] undid, the latest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RolledBack {
    pub migrations: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// Every migration that was done, undone ones included, oldest first.
    pub applied: Vec<Migration>,
    pub pending: Plan,
    pub drift: Vec<String>,
}

/// What [`apply`] would do. Changes nothing.
pub async fn plan(settings: &Settings, models: &Models) -> Result<Plan, Error> {
    Ok(status(settings, models).await?.pending)
}

/// What was done, what is to be done, and what was changed by others. Changes nothing.
pub async fn status(settings: &Settings, models: &Models) -> Result<Status, Error> {
    let mut live = live::Live::open(settings).await?;
    let applied = history::all(&mut live).await?;
    let desired = desired::schema(live.engine(), models);
    let pending = planning::plan(&mut live, &applied, &desired).await?.plan;
    let drift = pending.drift.clone();
    Ok(Status {
        applied,
        pending,
        drift,
    })
}

/// The mark of these models' tables, as [`crate::Store::announce`] takes it.
pub fn version(settings: &Settings, models: &Models) -> String {
    let engine = match settings.location {
        crate::Location::Postgres(_) => crate::Engine::Postgres,
        crate::Location::Sqlite(_) => crate::Engine::Sqlite,
    };
    desired::schema(engine, models).version()
}

/// The database as it is, the models' tables only: for comparing two databases.
pub async fn found(settings: &Settings, models: &Models) -> Result<Found, Error> {
    let mut live = live::Live::open(settings).await?;
    let desired = desired::schema(live.engine(), models);
    Ok(inspect::inspect(&mut live).await?.of(&desired))
}
