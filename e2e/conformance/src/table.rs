//! `fixtures.json`: what the suite wants to find, as the types of the protocol.

use std::collections::BTreeMap;

use anyhow::Context as _;
use rmcp::model::{InputRequest, InputRequests, Prompt, Resource, ResourceTemplate, Tool};
use serde_json::Value;

pub(crate) struct Table {
    pub(crate) tools: Vec<Tool>,
    /// What tools and prompts of the newer protocol ask, round by round.
    pub(crate) rounds: BTreeMap<String, Vec<InputRequests>>,
    /// Base64.
    pub(crate) image: String,
    pub(crate) prompts: Vec<Prompt>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) templates: Vec<ResourceTemplate>,
}

impl Table {
    pub(crate) fn tool(&self, name: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.name == name)
    }

    pub(crate) fn read() -> anyhow::Result<Self> {
        let mut all: Value = serde_json::from_str(include_str!("../fixtures.json"))?;
        let mut part = |name: &str| all[name].take();
        let requests: BTreeMap<String, InputRequest> =
            serde_json::from_value(part("requests")).context("requests")?;
        let named: BTreeMap<String, Vec<BTreeMap<String, String>>> =
            serde_json::from_value(part("rounds")).context("rounds")?;
        let request = |(key, name): (String, String)| {
            let request = requests.get(&name).with_context(|| name.clone())?;
            anyhow::Ok((key, request.clone()))
        };
        let mut rounds = BTreeMap::new();
        for (name, round) in named {
            let round = round
                .into_iter()
                .map(|asked| asked.into_iter().map(request).collect());
            rounds.insert(name, round.collect::<anyhow::Result<_>>()?);
        }
        Ok(Self {
            tools: serde_json::from_value(part("tools")).context("tools")?,
            rounds,
            image: serde_json::from_value(part("image")).context("image")?,
            prompts: serde_json::from_value(part("prompts")).context("prompts")?,
            resources: serde_json::from_value(part("resources")).context("resources")?,
            templates: serde_json::from_value(part("templates")).context("templates")?,
        })
    }
}
