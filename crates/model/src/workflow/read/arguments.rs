//! What a step calls, and with what: the node or workflow is there, and takes these arguments.

mod found;
mod of_model;
mod outside;
mod values;

use serde_json::Value;

use self::found::Found;
use super::Reader;
use crate::did_you_mean;
use crate::source::Place;
use crate::workflow::answer::Answer;
use crate::workflow::{Action, Effects, Template};
use crate::yaml::{Node, Yaml};

/// A map's members as they stand in the file, and as they were read.
struct With<'w> {
    /// Where a member is missed.
    at: Place,
    members: Vec<Member<'w>>,
}

struct Member<'w> {
    at: Place,
    name: &'w str,
    node: &'w Node,
    template: Template,
}

impl<'w> With<'w> {
    fn new(node: &'w Node, template: &Template) -> Self {
        let members = node.members().iter().zip(template.members());
        let member = |((key, node), template): (&'w (crate::yaml::Key, Node), Template)| Member {
            at: key.at,
            name: &key.text,
            node,
            template,
        };
        Self {
            at: node.at,
            members: members.map(member).collect(),
        }
    }

    fn get(&self, name: &str) -> Option<&Member<'w>> {
        self.members.iter().find(|member| member.name == name)
    }
}

impl Reader<'_, '_> {
    pub(super) fn call_node(&mut self, step: &Node, named: &Node) -> Option<(Action, Answer)> {
        let with = step.get("with").map(|with| (with, self.template(with)));
        let text = named.text()?;
        if let Some(name) = text.strip_prefix("workflow.") {
            let hint = Some(format!("write workflow: {name}"));
            self.source.mistake(
                named.at,
                "a workflow is called by a step of its own kind",
                hint,
            );
            return None;
        }
        let answer = match self.found(text) {
            Ok(found) => self.check_arguments(found, step, with.as_ref()),
            Err((message, hint)) => {
                self.source.mistake(named.at, message, hint);
                Answer::Any
            }
        };
        let with = with.map_or_else(empty, |(_, with)| with);
        let node = text.parse().ok()?;
        let effects = Effects::of_node(&node, &with);
        if !effects.hints.read_only {
            self.writes.push((named.at, text.to_owned()));
        }
        self.effects.add(&effects);
        Some((Action::Node { node, with }, answer))
    }

    fn check_arguments(
        &mut self,
        found: Found,
        step: &Node,
        with: Option<&(&Node, Template)>,
    ) -> Answer {
        let read = match with {
            Some((node, template)) => self.members(node, template, "the node's arguments"),
            None => Some(With {
                at: step.at,
                members: Vec::new(),
            }),
        };
        match found {
            Found::Of(model, verb) => {
                if let Some(with) = &read {
                    self.check_verb(&model, verb, with);
                }
                self.answer_of(&model, verb, read.as_ref())
            }
            Found::Outside(node) => {
                if let Some(with) = &read {
                    self.check_outside(node, with);
                }
                outside::answer(&node.output)
            }
            Found::Own(name) => {
                if let (Some(with), Some((known, needed))) = (&read, own_arguments(name)) {
                    let strange = |member: &&Member<'_>| !known.contains(&member.name);
                    for member in with.members.iter().filter(strange) {
                        self.no_argument(name, member.name, member.at, known.iter().copied());
                    }
                    self.require(needed, with, name);
                }
                Answer::Any
            }
            Found::Unknown => Answer::Any,
        }
    }

    /// `None` where they are one expression, or wrong as a whole.
    fn members<'w>(&mut self, node: &'w Node, template: &Template, what: &str) -> Option<With<'w>> {
        match (&node.yaml, template) {
            (Yaml::Map(_), _) => Some(With::new(node, template)),
            (_, Template::Whole(_)) => None,
            _ => {
                let hint = Some("write { name: value }".to_owned());
                self.source
                    .mistake(node.at, format!("this is a map of {what}"), hint);
                None
            }
        }
    }

    fn no_argument<'n>(
        &mut self,
        node: &str,
        name: &str,
        at: Place,
        names: impl Iterator<Item = &'n str> + Clone,
    ) {
        let hint = did_you_mean(name, names.clone());
        let hint =
            hint.unwrap_or_else(|| format!("it takes {}", names.collect::<Vec<_>>().join(", ")));
        self.source
            .mistake(at, format!("{node} takes no `{name}`"), Some(hint));
    }

    fn require(&mut self, required: &[&[&str]], with: &With<'_>, node: &str) {
        for names in required {
            if names.iter().all(|name| with.get(name).is_none()) {
                let hint = Some(format!("write with: {{ {}: … }}", names[0]));
                self.source.mistake(
                    with.at,
                    format!("{node} needs `{}`", names.join("` or `")),
                    hint,
                );
            }
        }
    }
}

fn empty() -> Template {
    Template::Constant(Value::Object(serde_json::Map::new()))
}

/// The arguments of a node that is no model's, and those of which it needs one each.
fn own_arguments(
    name: &str,
) -> Option<(&'static [&'static str], &'static [&'static [&'static str]])> {
    Some(match name {
        "tx" => (&["ops"], &[&["ops"]]),
        "session.read" => (&["id"], &[]),
        "session.write" => (&["id", "set"], &[&["set"]]),
        _ => return None,
    })
}
