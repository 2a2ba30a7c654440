//! A project's folder, read and checked as a whole.

mod auth;
mod folder;
mod settings;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use auth::{Algorithm, Auth, Issuer, KeySource};
pub use settings::{Limits, Outside, ProjectSettings, Server};

use crate::{Group, Mistake, Models, Seed, Workflow, group, keys, read, seed, source, workflow};

#[derive(Debug, Clone)]
pub struct Project {
    pub root: PathBuf,
    /// As gantry.yaml says, else the folder's name.
    pub name: String,
    pub settings: ProjectSettings,
    pub models: Arc<Models>,
    pub groups: Arc<[Group]>,
    /// By name.
    pub workflows: Arc<[Workflow]>,
    /// In the order in which they are to be loaded.
    pub seeds: Vec<Seed>,
}

impl Project {
    /// Reads every file of the folder. Mistakes of all files come at once, by file and line.
    pub fn load(root: &Path) -> Result<Self, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let folder = folder::read(root, &mut mistakes);
        let (models, known) = read::read_models(&folder.models, &mut mistakes);
        let (name, settings) = read_settings(folder.settings.as_ref(), &mut mistakes);
        let workflows = workflow::read_all(&folder.workflows, &models, &known, &mut mistakes);
        let groups = group::read_all(&folder.groups, &models, &known, &mut mistakes);
        let seeds = seed::read_all(&folder.seeds, &models, &folder.data, &mut mistakes);
        source::sort(&mut mistakes);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let name = name.unwrap_or_else(|| folder_name(root));
        Ok(Self {
            root: root.to_path_buf(),
            name,
            settings,
            models: Arc::new(models),
            groups: groups.into(),
            workflows: workflows.into(),
            seeds,
        })
    }
}

/// The project's name alone, whatever mistakes its files have.
pub fn project_name(root: &Path) -> String {
    let mut untold = Vec::new();
    let folder = folder::read(root, &mut untold);
    let (name, _) = read_settings(folder.settings.as_ref(), &mut untold);
    name.unwrap_or_else(|| folder_name(root))
}

fn read_settings(
    file: Option<&(PathBuf, String)>,
    mistakes: &mut Vec<Mistake>,
) -> (Option<String>, ProjectSettings) {
    let Some((path, text)) = file else {
        return (None, ProjectSettings::default());
    };
    let (mut source, node) = read::read_file(path, text, &keys::PROJECT, "gantry.yaml");
    // A file of comments only is as good as none.
    let blank = text
        .lines()
        .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
    if blank {
        source.mistakes.clear();
    }
    let read = node.as_ref().map(|node| settings::read(&mut source, node));
    mistakes.append(&mut source.mistakes);
    read.unwrap_or_default()
}

fn folder_name(root: &Path) -> String {
    let absolute = std::path::absolute(root).unwrap_or_else(|_| root.to_path_buf());
    let absolute = absolute.canonicalize().unwrap_or(absolute);
    absolute.file_name().map_or_else(
        || "project".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}
