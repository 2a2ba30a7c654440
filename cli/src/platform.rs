//! What every verb stands on: the project read, and its nodes in this process or behind a server.

use std::path::Path;

use model::Project;
use wire::ExitKind;

use crate::failure::Failure;

/// Reads and checks the folder.
pub fn project(folder: &Path) -> Result<Project, Failure> {
    if !folder.is_dir() {
        let detail = format!("there is no folder {}", folder.display());
        return Err(Failure::refused(ExitKind::NotFound, detail)
            .hint("`gantry init <folder>` makes a project"));
    }
    if !folder.join("gantry.yaml").is_file() && !folder.join("models").is_dir() {
        let detail = format!(
            "{} is no project: it has neither gantry.yaml nor models/",
            folder.display()
        );
        return Err(Failure::refused(ExitKind::NotFound, detail)
            .hint("name a project's folder, or make one with `gantry init <folder>`"));
    }
    Ok(Project::load(folder)?)
}
