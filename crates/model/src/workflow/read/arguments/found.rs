//! Which node a step means.

use std::sync::Arc;

use super::Reader;
use crate::workflow::OutsideNode;
use crate::workflow::answer::Wrong;
use crate::workflow::outside::{find, outside};
use crate::{HIDDEN_NODES, Model, OWN_NODES, Verb, did_you_mean, nearest};

pub(super) enum Found {
    Of(Arc<Model>, Verb),
    Outside(&'static OutsideNode),
    Own(&'static str),
    /// Its model has mistakes, or models are not known here.
    Unknown,
}

impl Reader<'_, '_> {
    pub(super) fn found(&self, text: &str) -> Result<Found, Wrong> {
        if let Some(node) = find(text) {
            return Ok(Found::Outside(node));
        }
        if let Some(why) = unfit(text) {
            return Err(why);
        }
        if let Some(own) = OWN_NODES.into_iter().find(|own| *own == text) {
            return Ok(Found::Own(own));
        }
        let Some(project) = self.project else {
            let hint = || Some("write Film.create or http.request".to_owned());
            let name = text.parse::<wire::NodeName>();
            return name
                .map(|_| Found::Unknown)
                .map_err(|why| (why.to_string(), hint()));
        };
        let (family, word) = text.split_once('.').unwrap_or((text, ""));
        if !self.known.has(family) {
            return Err(self.no_node(text, family, word));
        }
        let model = project.models.get(family);
        match (Verb::parse(word), model) {
            // Of a model with mistakes the rest is not known; those are told.
            (Some(_), None) => Ok(Found::Unknown),
            (Some(verb), Some(model)) if verb.fits(model) => Ok(Found::Of(Arc::clone(model), verb)),
            (verb, model) => {
                let fits = |verb: &Verb| model.is_none_or(|model| verb.fits(model));
                let words = || Verb::ALL.into_iter().filter(fits).map(Verb::name);
                let hint = match verb {
                    Some(Verb::Restore) => {
                        Some("its model would say options: { soft_delete: true }".to_owned())
                    }
                    Some(_) => Some("its model would say search: true of a text".to_owned()),
                    None => did_you_mean(word, words()),
                };
                let hint = hint.unwrap_or_else(|| {
                    format!("it has {}", words().collect::<Vec<_>>().join(", "))
                });
                Err((
                    format!("{} has no node `{word}`", self.known.told(family)),
                    Some(hint),
                ))
            }
        }
    }

    fn no_node(&self, text: &str, family: &str, word: &str) -> Wrong {
        let names = || outside().iter().map(|node| node.name);
        let model = || {
            Some(format!(
                "did you mean `{}.{word}`?",
                nearest(family, self.known.names())?
            ))
        };
        let hint = did_you_mean(text, names().chain(OWN_NODES)).or_else(model);
        let all = || {
            format!(
                "write Film.create of a model, or one of {}",
                names().collect::<Vec<_>>().join(", ")
            )
        };
        (
            format!("there is no node `{text}`"),
            Some(hint.unwrap_or_else(all)),
        )
    }
}

/// Nodes that make no sense in a step.
fn unfit(text: &str) -> Option<Wrong> {
    let hint = match text {
        "changes" => "write triggers: [{ change: Film }]",
        "key.create" => "its answer is a secret, which runs would keep",
        "session.open" | "session.list" | "session.close" => {
            "steps share the session of their run: write session.read or session.write"
        }
        text if text.starts_with("run.") => "steps do not look at runs",
        text if HIDDEN_NODES.contains(&text) => "it is for the platform's own services",
        _ => return None,
    };
    Some((
        format!("`{text}` is no node for a step"),
        Some(hint.to_owned()),
    ))
}
