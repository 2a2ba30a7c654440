//! Model files → checked models. All files are read before any is refused, so that every mistake is told at once.

mod access;
mod field;
mod lists;
mod model;
mod name;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use field::read as read_field;
pub use name::path_of;
pub(crate) use name::{PARAMETERS, check_role};

use crate::shape::{Shape, Table, check};
use crate::source::{self, Source};
use crate::yaml::{self, Node};
use crate::{Mistake, Models, keys};

/// Reads model files, given as path and text. Mistakes come sorted by file and line.
pub fn load_models(sources: &[(PathBuf, String)]) -> Result<Models, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    let (models, _) = read_models(sources, &mut mistakes);
    source::sort(&mut mistakes);
    if mistakes.is_empty() {
        Ok(models)
    } else {
        Err(mistakes)
    }
}

/// The models that could be read, and all that are named; what is wrong with the others is told in `mistakes`.
pub(crate) fn read_models(
    sources: &[(PathBuf, String)],
    mistakes: &mut Vec<Mistake>,
) -> (Models, Known) {
    let mut files: Vec<(Source, Node)> = Vec::with_capacity(sources.len());
    for (path, text) in sources {
        match read_file(path, text, &keys::MODEL, "model") {
            (source, Some(node)) => files.push((source, node)),
            (source, None) => mistakes.extend(source.mistakes),
        }
    }
    let known = declare(&mut files);
    let mut models = Vec::with_capacity(files.len());
    for (mut source, node) in files {
        models.extend(model::read(&mut source, &node, &known).map(Arc::new));
        mistakes.extend(source.mistakes);
    }
    (Models::new(models), known)
}

/// The file's tree, with its form checked against the table.
pub(crate) fn read_file<'a>(
    path: &'a Path,
    text: &'a str,
    table: &'static Table,
    name: &str,
) -> (Source<'a>, Option<Node>) {
    let mut source = Source::new(path, text);
    let node = yaml::parse(&mut source, text);
    if let Some(node) = &node {
        check(&mut source, node, &Shape::Map(table), name);
    }
    (source, node)
}

/// The names of all models, broken ones included: a ref to one of those is no mistake of its own.
pub(crate) struct Known {
    /// Each with its file; `None` where models are not known at all, and a ref may be to any.
    files: Option<BTreeMap<String, PathBuf>>,
}

impl Known {
    /// For who reads a file by itself.
    pub(crate) const ANY: Self = Self { files: None };

    pub(crate) fn has(&self, name: &str) -> bool {
        let files = self.files.as_ref();
        files.is_none_or(|files| files.contains_key(name))
    }

    /// The name with its file, for who reads of it elsewhere: `Film (models/film.yaml)`.
    pub(crate) fn told(&self, name: &str) -> String {
        match self.files.as_ref().and_then(|files| files.get(name)) {
            Some(file) => format!("{name} ({})", file.display()),
            None => name.to_owned(),
        }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.files
            .iter()
            .flat_map(BTreeMap::keys)
            .map(String::as_str)
    }
}

/// Collects the names and refuses those that stand twice, also as paths.
fn declare(files: &mut [(Source, Node)]) -> Known {
    let mut names: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut paths: HashMap<String, (PathBuf, String)> = HashMap::new();
    for (source, node) in files {
        let Some(node) = node.get("model") else {
            continue;
        };
        let Some(name) = node.text() else { continue };
        let file = source.file.to_path_buf();
        if let Some(other) = names.get(name) {
            let message = format!("there is another model `{name}`, in {}", other.display());
            source.mistake(node.at, message, None);
            continue;
        }
        if name::check_model(name).is_ok()
            && let Some((other, its_name)) = paths.get(&path_of(name))
        {
            let message = format!(
                "`{name}` has the same path as `{its_name}` in {}: {}",
                other.display(),
                path_of(name)
            );
            source.mistake(node.at, message, None);
        }
        names.insert(name.to_owned(), file.clone());
        if name::check_model(name).is_ok() {
            paths.insert(path_of(name), (file, name.to_owned()));
        }
    }
    Known { files: Some(names) }
}
