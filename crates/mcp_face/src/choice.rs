//! Which of a catalogue's nodes a caller is offered on a path.

use std::collections::HashSet;

use wire::{Catalogue, NodeInfo, NodeName, Tools};

use crate::settings::Settings;

/// The nodes of a group, or of all; those that change something only for who may write here.
pub(crate) struct Choice<'a> {
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) tools: Tools,
    pub(crate) about: Option<&'a str>,
    within: Option<HashSet<&'a NodeName>>,
    aside: &'static [&'static str],
    writes: bool,
}

impl<'a> Choice<'a> {
    /// `None`: there is no such group, or the caller sees nothing of it.
    pub(crate) fn of(
        catalogue: &'a Catalogue,
        group: Option<&str>,
        writes: bool,
        settings: &Settings,
    ) -> Option<Self> {
        let aside = settings.aside;
        let Some(name) = group else {
            let families = settings.families;
            let within = families.map(|families| {
                let names = catalogue.nodes.iter().map(|node| &node.name);
                names
                    .filter(|name| families.contains(&name.family()))
                    .collect()
            });
            return Some(Self {
                catalogue,
                tools: families.map_or(catalogue.tools, |_| Tools::Typed),
                about: None,
                within,
                aside,
                writes,
            });
        };
        let group = catalogue.groups.iter().find(|group| group.name == name)?;
        Some(Self {
            catalogue,
            tools: group.tools,
            about: Some(&group.about),
            within: Some(group.nodes.iter().collect()),
            aside,
            writes,
        })
    }

    /// Whether its nodes were named.
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
            && !self.aside.contains(&node.name.family())
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
