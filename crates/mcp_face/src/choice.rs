//! Which of a catalogue's nodes a caller is offered on a path.

use std::collections::HashSet;

use wire::{Catalogue, NodeInfo, NodeName, Tools};

/// The nodes of a group, or of all; those that change something only for who may write here.
pub(crate) struct Choice<'a> {
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) tools: Tools,
    pub(crate) about: Option<&'a str>,
    within: Option<HashSet<&'a NodeName>>,
    writes: bool,
}

impl<'a> Choice<'a> {
    /// `None`: there is no such group, or the caller sees nothing of it.
    pub(crate) fn of(catalogue: &'a Catalogue, group: Option<&str>, writes: bool) -> Option<Self> {
        let Some(name) = group else {
            return Some(Self {
                catalogue,
                tools: catalogue.tools,
                about: None,
                within: None,
                writes,
            });
        };
        let group = catalogue.groups.iter().find(|group| group.name == name)?;
        Some(Self {
            catalogue,
            tools: group.tools,
            about: Some(&group.about),
            within: Some(group.nodes.iter().collect()),
            writes,
        })
    }

    pub(crate) fn is_group(&self) -> bool {
        self.within.is_some()
    }

    pub(crate) fn has(&self, node: &NodeInfo) -> bool {
        let fits = self.writes || node.hints.read_only;
        let within = self.within.as_ref();
        // Events have no end, and a tool's call must have one.
        let ends = node.name.as_str() != "changes";
        fits && ends
            && !node.hints.outside
            && within.is_none_or(|within| within.contains(&node.name))
    }

    pub(crate) fn nodes(&self) -> impl Iterator<Item = &'a NodeInfo> {
        let catalogue = self.catalogue;
        catalogue.nodes.iter().filter(|node| self.has(node))
    }

    /// The models that have this verb, in the catalogue's order.
    pub(crate) fn models_with(&self, verb: &str) -> Vec<&'a NodeInfo> {
        let is_model = |node: &&NodeInfo| {
            node.name.verb() == verb && node.name.as_str().starts_with(char::is_uppercase)
        };
        self.nodes().filter(is_model).collect()
    }
}
