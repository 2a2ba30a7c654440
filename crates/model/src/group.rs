//! groups/*.yaml: named parts of the nodes, for agents that need no more.

use std::path::{Path, PathBuf};

use wire::{NodeName, Tools};

use crate::read::Known;
use crate::source::{Place, Source};
use crate::yaml::Node;
use crate::{HIDDEN_NODES, Mistake, Models, OWN_NODES, Verb, did_you_mean, keys, nearest, read};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// `research`, as in `/mcp/research`
    pub name: String,
    pub about: String,
    pub tools: Tools,
    /// Wildcards are spelled out.
    pub nodes: Vec<NodeName>,
}

/// Every group, by name.
pub(crate) fn read_all(
    files: &[(PathBuf, String)],
    models: &Models,
    known: &Known,
    mistakes: &mut Vec<Mistake>,
) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::with_capacity(files.len());
    let mut named: Vec<(String, &Path)> = Vec::new();
    for (path, text) in files {
        let (mut source, node) = read::read_file(path, text, &keys::GROUP, "group");
        if let Some(node) = &node {
            let mut reader = Reader {
                source: &mut source,
                models,
                known,
            };
            let group = reader.group(node, &named);
            named.extend(
                group
                    .iter()
                    .map(|group| (group.name.clone(), path.as_path())),
            );
            groups.extend(group);
        }
        mistakes.append(&mut source.mistakes);
    }
    groups.sort_by(|one, other| one.name.cmp(&other.name));
    groups
}

/// As gantry.yaml and groups write it.
pub(crate) fn tools(node: Option<&Node>) -> Tools {
    match node.and_then(Node::text) {
        Some("typed") => Tools::Typed,
        Some("generic") => Tools::Generic,
        _ => Tools::Auto,
    }
}

struct Reader<'r, 'a> {
    source: &'r mut Source<'a>,
    models: &'r Models,
    known: &'r Known,
}

impl Reader<'_, '_> {
    fn group(&mut self, node: &Node, named: &[(String, &Path)]) -> Option<Group> {
        let name = node.get("group")?;
        let text = name.text()?;
        if !is_name(text) {
            let message = format!(
                "a group's name is lower-case letters, digits, - and _, as in research, not `{text}`"
            );
            self.source.mistake(name.at, message, None);
        } else if let Some((_, other)) = named.iter().find(|(other, _)| other == text) {
            let message = format!("there is another group `{text}`, in {}", other.display());
            self.source.mistake(name.at, message, None);
        }
        let mut written: Vec<(&str, Vec<NodeName>)> = Vec::new();
        for (text, at) in node.get("nodes").into_iter().flat_map(Node::texts) {
            let Some(nodes) = self.nodes(text, at) else {
                continue;
            };
            let twice = |(_, before): &&(&str, Vec<NodeName>)| {
                nodes.iter().any(|node| before.contains(node))
            };
            if let Some((before, _)) = written.iter().find(twice) {
                let message = match *before {
                    before if before == text => format!("`{text}` stands twice"),
                    before => format!("`{text}` and `{before}` offer the same nodes"),
                };
                self.source.mistake(at, message, None);
            }
            written.push((text, nodes));
        }
        Some(Group {
            name: text.to_owned(),
            about: node
                .get("about")
                .and_then(Node::text)
                .unwrap_or_default()
                .to_owned(),
            tools: tools(node.get("tools")),
            nodes: written.into_iter().flat_map(|(_, nodes)| nodes).collect(),
        })
    }

    /// What is meant by `Film.list`, `Film.*`, `key.*` or `changes`; nothing where that is a mistake, which is told.
    fn nodes(&mut self, text: &str, at: Place) -> Option<Vec<NodeName>> {
        let (family, verb) = text.split_once('.').unwrap_or(("", text));
        let found = if family.starts_with(|c: char| c.is_ascii_uppercase()) {
            self.of_model(family, verb)
        } else if self.known.has(text) {
            let message = format!("`{text}` is a model, and a group offers nodes");
            Err((message, Some(format!("write {text}.* for all of them"))))
        } else {
            of_the_platform(text, self.known)
        };
        match found {
            Ok(nodes) => Some(nodes),
            Err((message, hint)) => {
                self.source.mistake(at, message, hint);
                None
            }
        }
    }

    fn of_model(&self, name: &str, word: &str) -> Result<Vec<NodeName>, Wrong> {
        if !self.known.has(name) {
            let near = did_you_mean(name, self.known.names());
            return Err((format!("there is no model `{name}`"), near));
        }
        // Of one with mistakes the rest is not known; those are told.
        let model = self.models.get(name);
        let fits = |verb: &Verb| model.is_none_or(|model| verb.fits(model));
        let node = |verb: Verb| NodeName::of_model(name, verb.name());
        if word == "*" {
            return Ok(Verb::ALL.into_iter().filter(fits).map(node).collect());
        }
        match Verb::parse(word) {
            Some(verb) if fits(&verb) => Ok(vec![node(verb)]),
            Some(verb) => {
                let hint = match verb {
                    Verb::Restore => "its model would say options: { soft_delete: true }",
                    _ => "its model would say search: true of a text",
                };
                Err((
                    format!("{name} has no node `{word}`"),
                    Some(hint.to_owned()),
                ))
            }
            None => {
                let words = || Verb::ALL.into_iter().filter(fits).map(Verb::name);
                let hint = did_you_mean(word, words().chain(["*"]));
                let all = || {
                    format!(
                        "it has {}, or * for all",
                        words().collect::<Vec<_>>().join(", ")
                    )
                };
                Err((
                    format!("{name} has no node `{word}`"),
                    Some(hint.unwrap_or_else(all)),
                ))
            }
        }
    }
}

type Wrong = (String, Option<String>);

fn of_the_platform(text: &str, known: &Known) -> Result<Vec<NodeName>, Wrong> {
    let meant = |name: &str| match text.strip_suffix('*') {
        Some(family) => family.ends_with('.') && name.starts_with(family),
        None => name == text,
    };
    let found: Vec<NodeName> = OWN_NODES
        .iter()
        .filter(|name| meant(name))
        .filter_map(|name| name.parse().ok())
        .collect();
    if !found.is_empty() {
        return Ok(found);
    }
    if HIDDEN_NODES.iter().any(|name| meant(name)) {
        return Err((
            format!("`{text}` is for the platform's own services, so no group offers it"),
            None,
        ));
    }
    let (family, verb) = text.split_once('.').unwrap_or((text, "*"));
    let of_model = || {
        let model = nearest(family, known.names())?;
        Some(format!("did you mean `{model}.{verb}`?"))
    };
    let near = did_you_mean(text, OWN_NODES).or_else(of_model);
    let all = || {
        format!(
            "write Film.list or Film.* of a model, or one of {}",
            OWN_NODES.join(", ")
        )
    };
    Err((
        format!("there is no node `{text}`"),
        Some(near.unwrap_or_else(all)),
    ))
}

/// `[a-z][a-z0-9_-]{0,62}`: a part of a path.
fn is_name(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
}
