//! Migrations for those who may not speak to the store themselves.

use model::Project;
use store::migrate::{self, ApplyOptions};
pub use store::migrate::{Applied, AtStake, Plan, RolledBack, Status, Step};

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
    apply_to(&location, project, allow_destructive).await
}

pub(crate) async fn apply_to(
    location: &store::Settings,
    project: &Project,
    allow_destructive: bool,
) -> Result<Applied, Error> {
    make_folder(location)?;
    Ok(migrate::apply(
        location,
        &project.models,
        &ApplyOptions { allow_destructive },
    )
    .await?)
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
