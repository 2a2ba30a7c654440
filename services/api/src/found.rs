//! A target looked up in the caller's catalogue: which node it is, and what to say where there is none.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use wire::{Caller, Code, Media, NodeName, Problem, nearest};

use crate::route::{Target, Verb};
use crate::view::View;

/// What may stand as it is (RFC 3986, 2.3): every id that is a UUID does.
pub(crate) const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A target with its model looked up.
pub(crate) struct Found<'a> {
    target: &'a Target,
    /// The model's name: as the catalogue has it, or as its path suggests.
    model: String,
    /// The model's path where the catalogue has it.
    pub(crate) path: Option<&'a str>,
}

/// Nothing where the catalogue itself is asked for. A model that an anonymous caller cannot see is called all the
/// same, and so is any by a caller who sees nothing, for want of a scope perhaps: whether that is a 401, a 403 or a 404 is
/// not for a face to say.
pub(crate) fn find<'a>(
    target: &'a Target,
    view: &View,
    caller: &Caller,
) -> Result<Option<Found<'a>>, Problem> {
    match target {
        Target::Catalogue => Ok(None),
        Target::Node(name) => {
            callable(name, view, caller)?;
            Ok(Some(Found {
                target,
                model: String::new(),
                path: None,
            }))
        }
        Target::Model { path, .. } => match (view.model(path), caller) {
            (Some(model), _) => Ok(Some(Found {
                target,
                model: model.name.clone(),
                path: Some(path),
            })),
            (None, caller) if is_path(path) && may_want(view, caller) => Ok(Some(Found {
                target,
                model: pascal(path),
                path: None,
            })),
            (None, _) => Err(no_such_model(path, view)),
        },
    }
}

/// Only what the caller's catalogue shows, so that nodes which are hidden for our own services stay so. `tx` and `changes`
/// are every caller's to try. Of a node that is missing there for want of a credential, a role or a scope, the nodes
/// themselves say why: to an anonymous caller of any model's, else of those whose neighbours the caller knows.
fn callable(name: &str, view: &View, caller: &Caller) -> Result<(), Problem> {
    let node: NodeName = name
        .parse()
        .map_err(|error| Problem::new(Code::NoSuchNode).detail(format!("{error}")))?;
    let is_models = name.starts_with(|first: char| first.is_ascii_uppercase());
    let needs_key = (is_models && name.contains('.'))
        || ["key.", "migration.", "workflow."]
            .iter()
            .any(|family| name.starts_with(family))
        || node.is_of_callers();
    let nodes = &view.catalogue.nodes;
    let is_near = || {
        let mut families = nodes.iter().map(|known| known.name.family());
        families.any(|family| family == node.family())
    };
    let is_told = matches!(name, "tx" | "changes") || view.catalogue.node(&node).is_some();
    if is_told || (needs_key && (may_want(view, caller) || is_near())) {
        return Ok(());
    }
    Err(no_such_node(name, view))
}

/// Whether what is missing from the catalogue may be missing for want of a credential or scope.
fn may_want(view: &View, caller: &Caller) -> bool {
    *caller == Caller::Anonymous || view.catalogue.nodes.is_empty()
}

fn no_such_node(name: &str, view: &View) -> Problem {
    let names = view.catalogue.nodes.iter().map(|node| node.name.as_str());
    let problem = Problem::new(Code::NoSuchNode).detail(format!("there is no node `{name}`"));
    match nearest(names, name) {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None => problem,
    }
}

fn no_such_model(path: &str, view: &View) -> Problem {
    let shown: String = path.chars().take(80).collect();
    let problem =
        Problem::new(Code::NoSuchRoute).detail(format!("there is no model at `/api/v1/{shown}`"));
    match view.nearest(path) {
        Some(near) => problem.hint(format!("did you mean `/api/v1/{near}`?")),
        None => problem,
    }
}

impl Found<'_> {
    /// For a POST of a collection the body decides: one object is one record, whatever else is many.
    pub(crate) fn node(&self, media: Media, first: Option<u8>) -> Result<NodeName, Problem> {
        let verb = match self.target {
            Target::Catalogue => "",
            Target::Node(name) => {
                return name.parse().map_err(|_| Problem::new(Code::NoSuchNode));
            }
            Target::Model {
                verb: Verb::Is(verb),
                ..
            } if media == Media::Json => verb,
            Target::Model {
                verb: Verb::Is("upsert"),
                ..
            } => "bulk_upsert",
            Target::Model {
                verb: Verb::Is(_), ..
            } => {
                return Err(Problem::new(Code::UnsupportedMedia)
                    .detail(format!("{} is not read here", media.as_str()))
                    .hint("send application/json"));
            }
            Target::Model {
                verb: Verb::Create, ..
            } => match (media, first) {
                (Media::Json, Some(b'[')) | (Media::Csv | Media::JsonLines, _) => "bulk_create",
                (Media::Json | Media::EventStream, _) => "create",
            },
        };
        Ok(NodeName::of_model(&self.model, verb))
    }

    /// A record's id stands before what was asked.
    pub(crate) fn query(&self, query: &str) -> String {
        let Target::Model { id: Some(id), .. } = self.target else {
            return query.to_owned();
        };
        let mut with_id = String::with_capacity(4 + id.len() + query.len());
        with_id.push_str("id=");
        with_id.extend(utf8_percent_encode(id, ESCAPED));
        if !query.is_empty() {
            with_id.push('&');
            with_id.push_str(query);
        }
        with_id
    }

    /// That a guessed node does not exist, or is not for the caller's roles, means that there is no such path.
    pub(crate) fn explain(&self, problem: Problem, view: &View) -> Problem {
        let is_lost = matches!(problem.code, Code::NoSuchNode | Code::Forbidden);
        match self.target {
            Target::Model { path, .. } if self.path.is_none() && is_lost => {
                no_such_model(path, view)
            }
            Target::Node(name) if is_lost && view.catalogue.nodes.is_empty() => {
                no_such_node(name, view)
            }
            Target::Node(name) if problem.code == Code::NoSuchNode => no_such_node(name, view),
            _ => problem,
        }
    }
}

fn is_path(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

/// `film_role` → `FilmRole`
fn pascal(path: &str) -> String {
    let words = path.split('_').filter(|word| !word.is_empty());
    words
        .flat_map(|word| {
            word[..1]
                .to_ascii_uppercase()
                .chars()
                .chain(word[1..].chars())
                .collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_suggests_a_models_name() {
        for (path, name) in [("film", "Film"), ("film_role", "FilmRole"), ("a2_b", "A2B")] {
            assert_eq!(pascal(path), name);
        }
        assert!(!is_path("Film") && !is_path("") && !is_path("é") && !is_path("_a"));
    }
}
