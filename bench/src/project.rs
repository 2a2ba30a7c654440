//! The projects that Gantry serves in the comparisons.

use std::fs;
use std::path::{Path, PathBuf};

/// The same for every comparison; what may be done with films is each one's own.
const FILM: &str = "\
model: Film
fields:
  title:    { type: text, required: true, max: 300 }
  released: { type: date }
  gross:    { type: int, index: true }
  rating:   { type: decimal, min: 0, max: 10 }
  director: { type: text }
access:
";

/// Readers and writers need no key here, so every call is decided by the model's rules as a stranger's.
const ANYONE: &str = "  - { role: anyone, can: [read, create] }\n";

/// A filter joins every read; one film in five hundred does not pass.
const FILTERED: &str = "  - { role: anyone, can: [create] }\n  - { role: anyone, can: [read], where: { director: { ne: Director 7 } } }\n";

pub(crate) fn films(folder: &Path) -> anyhow::Result<PathBuf> {
    write(folder, "project", ANYONE)
}

pub(crate) fn filtered_films(folder: &Path) -> anyhow::Result<PathBuf> {
    write(folder, "project-filtered", FILTERED)
}

fn write(folder: &Path, name: &str, access: &str) -> anyhow::Result<PathBuf> {
    let project = folder.join(name);
    fs::create_dir_all(project.join("models"))?;
    fs::write(project.join("models/film.yaml"), format!("{FILM}{access}"))?;
    Ok(project)
}

/// Films and as many small models beside them as make `count`, each of which refers to the one before it.
pub(crate) fn many_models(folder: &Path, count: usize) -> anyhow::Result<PathBuf> {
    let project = write(folder, &format!("project-of-{count}"), ANYONE)?;
    let mut before = "Film".to_owned();
    for number in 2..=count {
        let name = format!("Thing{number}");
        let text = format!(
            "model: {name}\nfields:\n  name: {{ type: text, required: true, max: 100 }}\n  size: {{ type: int, index: true }}\n  \
             before: {{ ref: {before}, on_delete: set_null }}\n"
        );
        fs::write(project.join(format!("models/thing{number}.yaml")), text)?;
        before = name;
    }
    Ok(project)
}
