//! The tools of a caller on a path, made once for each catalogue.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use rmcp::model::{JsonObject, Tool};
use serde_json::json;
use wire::{Catalogue, ModelInfo, NodeInfo, Tools};

use crate::action::Action;
use crate::choice::Choice;
use crate::generic::{GENERIC, describe_tool};
use crate::settings::Settings;
use crate::typed;

/// Many clients stop reading beyond.
const MOST_TOOLS: usize = 40;
/// What changes a record and may be a tool of one model.
const TYPED_WRITES: &[&str] = &["create", "update", "upsert", "delete"];
/// Offers remembered: one for each set of rights, group and way to write.
const MOST: usize = 256;

pub(crate) struct Offer {
    pub(crate) catalogue: Arc<Catalogue>,
    /// What the group is for.
    pub(crate) about: Option<String>,
    pub(crate) tools: Vec<Tool>,
    by_name: HashMap<String, Action>,
    /// Those that its tools can call.
    nodes: Vec<usize>,
    /// The models whose nodes it has, by their places.
    models: Vec<usize>,
}

impl Offer {
    pub(crate) fn new(
        catalogue: Arc<Catalogue>,
        group: Option<&str>,
        writes: bool,
        settings: &Settings,
    ) -> Option<Self> {
        let limits = &settings.limits;
        let (mut tools, mut by_name) = (Vec::new(), HashMap::new());
        let mut add = |tool: Tool, action| {
            by_name.insert(tool.name.clone().into_owned(), action);
            tools.push(tool);
        };
        let choice = Choice::of(&catalogue, group, writes, settings)?;
        let generic = choice.tools != Tools::Typed;
        let whole = group.is_some() || settings.families.is_none();
        if whole && !catalogue.models.is_empty() {
            add(describe_tool(&choice), Action::Describe);
        }
        let mut count = 1;
        if generic {
            for definition in GENERIC {
                if let Some(tool) = definition.tool(&choice, limits) {
                    add(tool, Action::Generic(definition));
                    count += 1;
                }
            }
        }
        let wanted = typed_nodes(&choice);
        // All or none: half of a model's tools would mislead.
        if choice.tools == Tools::Typed || count + wanted.len() <= MOST_TOOLS {
            for node in wanted {
                let name = typed::name_of(&node.name, &catalogue.models);
                let place = catalogue
                    .nodes
                    .iter()
                    .position(|other| other.name == node.name);
                if let Some(place) = place {
                    add(
                        typed::tool(&name, node, &catalogue, limits),
                        Action::Node(place),
                    );
                }
            }
        }
        let about = choice.about.map(str::to_owned);
        let families: Vec<&str> = choice.nodes().map(|node| node.name.family()).collect();
        let nodes = catalogue.nodes.iter().enumerate();
        let nodes = nodes
            .filter(|(_, node)| choice.has(node))
            .map(|(place, _)| place)
            .collect();
        let models = catalogue.models.iter().enumerate();
        let models = models
            .filter(|(_, model)| families.contains(&model.name.as_str()))
            .map(|(place, _)| place)
            .collect();
        Some(Self {
            catalogue,
            about,
            tools,
            by_name,
            nodes,
            models,
        })
    }

    pub(crate) fn action(&self, tool: &str) -> Option<Action> {
        self.by_name.get(tool).copied()
    }

    /// Whether a tool of this name changes something. What a credential is not good for is not in its catalogue, so this
    /// goes by names alone.
    pub(crate) fn would_write(&self, tool: &str) -> bool {
        let writes = |verb: &str| {
            let reads = ["list", "read", "search", "count", "aggregate"];
            !reads.contains(&verb)
        };
        let generic = GENERIC.iter().find(|generic| generic.name == tool);
        let typed = || {
            let mut models = self.catalogue.models.iter();
            models.find_map(|model| tool.strip_prefix(&model.path)?.strip_prefix('_'))
        };
        match generic {
            Some(generic) => writes(generic.verb),
            None => typed().is_some_and(|verb| TYPED_WRITES.contains(&verb)),
        }
    }

    /// The models whose nodes it has.
    pub(crate) fn models(&self) -> impl Iterator<Item = &ModelInfo> {
        self.models
            .iter()
            .map(|place| &self.catalogue.models[*place])
    }

    /// By its name or path: a caller's `film` for `Film` is not worth a round trip.
    pub(crate) fn model(&self, name: &str) -> Option<&ModelInfo> {
        let mut models = self.models();
        models.find(|model| model.name == name || model.path == name)
    }

    /// What may be done with a model, in the catalogue's words.
    pub(crate) fn verbs_of(&self, model: &str) -> Vec<&str> {
        let nodes = self
            .nodes
            .iter()
            .map(|place| &self.catalogue.nodes[*place].name);
        nodes
            .filter(|name| name.family() == model)
            .map(wire::NodeName::verb)
            .collect()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }
}

/// The nodes that get a tool of their own.
fn typed_nodes<'a>(choice: &Choice<'a>) -> Vec<&'a NodeInfo> {
    let asks = |node: &NodeInfo| {
        if !typed::is_of_model(&node.name) {
            // Of other families where a group names them: keys and the like are no business of agents otherwise.
            return choice.is_group();
        }
        match choice.tools {
            Tools::Typed => true,
            Tools::Generic => false,
            Tools::Auto => {
                let model = choice.catalogue.model(node.name.family());
                model.is_some_and(|model| model.tools)
            }
        }
    };
    let offered = |node: &&NodeInfo| typed::is_offered(&node.name) && asks(node);
    choice.nodes().filter(offered).collect()
}

/// What decides an offer: the catalogue, by its address, which an offer keeps from being another's.
type Key = (usize, Option<Arc<str>>, bool);

#[derive(Default)]
pub(crate) struct Offers {
    known: RwLock<HashMap<Key, Arc<Offer>>>,
}

impl Offers {
    pub(crate) fn of(
        &self,
        catalogue: &Arc<Catalogue>,
        group: Option<&Arc<str>>,
        writes: bool,
        settings: &Settings,
    ) -> Option<Arc<Offer>> {
        let key = (Arc::as_ptr(catalogue).addr(), group.cloned(), writes);
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(offer) = known.get(&key) {
            return Some(Arc::clone(offer));
        }
        drop(known);
        let offer = Offer::new(
            Arc::clone(catalogue),
            group.map(|group| &**group),
            writes,
            settings,
        )?;
        let offer = Arc::new(offer);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        // What only this remembers is of models that are served no longer, and may be large.
        known.retain(|_, offer| Arc::strong_count(&offer.catalogue) > 1);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(key, Arc::clone(&offer));
        Some(offer)
    }
}

/// What a group costs a model to read.
#[derive(Debug, Clone)]
pub struct ToolList {
    /// As `tools/list` answers them.
    pub tools: Vec<JsonObject>,
    /// An estimate.
    pub tokens: usize,
}

/// The tools that a caller with this catalogue sees. `None`: there is no such group.
pub fn tool_list(
    catalogue: &Arc<Catalogue>,
    group: Option<&str>,
    writes: bool,
) -> Option<ToolList> {
    let offer = Offer::new(Arc::clone(catalogue), group, writes, &Settings::default())?;
    let shown = |tool: &Tool| match json!(tool) {
        serde_json::Value::Object(tool) => tool,
        _ => JsonObject::new(),
    };
    let tools: Vec<JsonObject> = offer.tools.iter().map(shown).collect();
    let tokens = tools.iter().map(tokens).sum();
    Some(ToolList { tools, tokens })
}

/// What a tool costs a model to read: about a token for four characters of JSON.
pub fn tokens(tool: &JsonObject) -> usize {
    json!(tool).to_string().len().div_ceil(4)
}
