//! Migrations for those who may not speak to the store themselves.

use model::Project;
use store::migrate::{self, ApplyOptions};
pub use store::migrate::{Applied, AtStake, Plan, RolledBack, Status, Step};

use crate::{Error, Settings, location};

pub async fn plan(project: &Project, settings: &Settings) -> Result<Plan, Error> {
    Ok(migrate::plan(&location::of(project, settings)?, &project.models).await?)
}

pub async fn apply(
    project: &Project,
    settings: &Settings,
    allow_destructive: bool,
) -> Result<Applied, Error> {
    apply_to(
        &location::of(project, settings)?,
        project,
        allow_destructive,
    )
    .await
}

pub(crate) async fn apply_to(
    location: &store::Settings,
    project: &Project,
    allow_destructive: bool,
) -> Result<Applied, Error> {
    if let store::Location::Sqlite(path) = &location.location
        && let Some(folder) = path.parent()
    {
        std::fs::create_dir_all(folder).map_err(|error| {
            store::Error::Setup(format!("{} cannot be made: {error}", folder.display()))
        })?;
    }
    Ok(migrate::apply(
        location,
        &project.models,
        &ApplyOptions { allow_destructive },
    )
    .await?)
}

pub async fn status(project: &Project, settings: &Settings) -> Result<Status, Error> {
    Ok(migrate::status(&location::of(project, settings)?, &project.models).await?)
}

/// Undoes the last `steps` migrations.
pub async fn rollback(
    project: &Project,
    settings: &Settings,
    steps: usize,
) -> Result<RolledBack, Error> {
    Ok(migrate::rollback(&location::of(project, settings)?, steps).await?)
}
