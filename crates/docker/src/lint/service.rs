//! One service of a stack, with what the checks ask of it.

use serde_json::Value;

use super::Stage;
use crate::read::{entries, number, text, texts};
use crate::stack::is_job;

/// The one service that faces the outside.
const EDGE: &str = "edge";
/// Services of ours that drain: they serve on for 3 s after SIGTERM and finish within 25 s.
const OURS: [&str; 4] = ["api", "dataflow", "mcp", "nexus"];

pub(super) struct Service<'a> {
    pub(super) name: &'a str,
    /// What the files say of it.
    pub(super) value: &'a Value,
    /// What they say of the whole stack.
    pub(super) config: &'a Value,
    pub(super) stage: Stage,
    /// It runs once and ends.
    pub(super) job: bool,
}

impl<'a> Service<'a> {
    pub(super) fn of(config: &'a Value, name: &'a str, stage: Stage) -> Self {
        Self {
            name,
            value: &config["services"][name],
            config,
            stage,
            job: is_job(config, name),
        }
    }

    pub(super) fn is_edge(&self) -> bool {
        self.name == EDGE
    }

    pub(super) fn drains(&self) -> bool {
        OURS.contains(&self.name)
    }

    pub(super) fn key(&self, key: &str) -> &'a Value {
        &self.value[key]
    }

    pub(super) fn text(&self, key: &str) -> &'a str {
        text(self.value, key)
    }

    pub(super) fn texts(&self, key: &str) -> Vec<&'a str> {
        texts(&self.value[key])
    }

    pub(super) fn is_true(&self, key: &str) -> bool {
        self.value[key] == Value::Bool(true)
    }

    /// A limit in either of its two places.
    pub(super) fn limit(&self, key: &str, deployed: &str) -> Option<f64> {
        let deploy = &self.value["deploy"]["resources"]["limits"];
        let places = [&self.value[key], &deploy[deployed]];
        let limit = places.into_iter().find_map(number);
        limit.filter(|limit| *limit > 0.0)
    }

    /// Names of the networks it is on, and whether each leads nowhere but to its members.
    pub(super) fn networks(&self) -> Vec<(&'a str, bool)> {
        let networks = entries(&self.value["networks"]);
        let is_internal = |name| self.config["networks"][name]["internal"] == Value::Bool(true);
        networks
            .map(|(name, _)| (name, is_internal(name)))
            .collect()
    }
}
