//! Which files of a project's folder are read, and their texts.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::Mistake;
use crate::source::about_file;

/// Paths are relative to the project's folder, sorted.
#[derive(Default)]
pub(super) struct Folder {
    pub settings: Option<(PathBuf, String)>,
    pub models: Vec<(PathBuf, String)>,
    pub workflows: Vec<(PathBuf, String)>,
    pub groups: Vec<(PathBuf, String)>,
    pub seeds: Vec<(PathBuf, String)>,
    /// Names of the files in data/ that are no seeds.
    pub data: Vec<String>,
}

pub(super) fn read(root: &Path, mistakes: &mut Vec<Mistake>) -> Folder {
    let mut folder = Folder::default();
    if !root.is_dir() {
        mistakes.push(about_file(root, "there is no such folder", None));
        return folder;
    }
    let settings = PathBuf::from("gantry.yaml");
    if root.join(&settings).exists() {
        folder.settings = text(root, settings, mistakes);
    } else if root.join("gantry.yml").exists() {
        mistakes.push(wrong_ending(Path::new("gantry.yml")));
    }
    for (name, files) in [
        ("models", &mut folder.models),
        ("workflows", &mut folder.workflows),
        ("groups", &mut folder.groups),
    ] {
        for path in list(root, name, mistakes) {
            match path.extension().and_then(|ending| ending.to_str()) {
                Some("yaml") => files.extend(text(root, path, mistakes)),
                Some("yml") => mistakes.push(wrong_ending(&path)),
                _ => {}
            }
        }
    }
    for path in list(root, "data", mistakes) {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.ends_with(".seed.yaml") {
            folder.seeds.extend(text(root, path, mistakes));
        } else if name.ends_with(".seed.yml") {
            mistakes.push(wrong_ending(&path));
        } else {
            folder.data.push(name);
        }
    }
    folder
}

fn wrong_ending(path: &Path) -> Mistake {
    let hint = Some(format!(
        "rename it to {}",
        path.with_extension("yaml").display()
    ));
    about_file(
        path,
        "the file's name ends in .yml, so it would not be read",
        hint,
    )
}

/// The files of a folder; none where there is no such folder. Hidden files are left to their editors.
fn list(root: &Path, name: &str, mistakes: &mut Vec<Mistake>) -> Vec<PathBuf> {
    let entries = match fs::read_dir(root.join(name)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            mistakes.push(about_file(
                name,
                format!("the folder cannot be read: {error}"),
                None,
            ));
            return Vec::new();
        }
    };
    let names = entries.filter_map(|entry| Some(entry.ok()?.file_name()));
    let names = names.filter(|name| !name.to_string_lossy().starts_with('.'));
    let mut paths: Vec<PathBuf> = names.map(|file| Path::new(name).join(file)).collect();
    paths.retain(|path| !root.join(path).is_dir());
    paths.sort();
    paths
}

fn text(root: &Path, path: PathBuf, mistakes: &mut Vec<Mistake>) -> Option<(PathBuf, String)> {
    match fs::read(root.join(&path)).map(String::from_utf8) {
        Ok(Ok(text)) => Some((path, text)),
        Ok(Err(error)) => {
            let bytes = error.as_bytes();
            let valid = &bytes[..error.utf8_error().valid_up_to()];
            let line = valid.split(|byte| *byte == b'\n').count();
            mistakes.push(Mistake {
                line,
                ..about_file(path, "the file is not UTF-8", None)
            });
            None
        }
        Err(error) => {
            mistakes.push(about_file(
                path,
                format!("the file cannot be read: {error}"),
                None,
            ));
            None
        }
    }
}
