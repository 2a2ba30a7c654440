//! Everything that can be called, as its callers may know it. OpenAPI, MCP tools and CLI help are made of this.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::{NodeName, Schema};

#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub struct Catalogue {
    /// Changes when anything in it changes.
    pub version: String,
    /// The project's name.
    pub project: String,
    pub models: Vec<ModelInfo>,
    /// What nodes' schemas share, and what may refer to itself, by name: `Film.create` is meant by `{"$ref": "#/schemas/Film.create"}`.
    pub schemas: BTreeMap<String, Schema>,
    /// What may be asked of fields, by [`FieldInfo::filter`].
    pub filters: BTreeMap<String, FilterInfo>,
    pub nodes: Vec<NodeInfo>,
    #[serde(skip)]
    pub index: NodeIndex,
}

/// Where each node stands, found out when it is first asked.
#[derive(Debug, Clone, Default)]
pub struct NodeIndex(OnceLock<HashMap<NodeName, usize>>);

impl PartialEq for NodeIndex {
    /// It follows from the nodes.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub struct ModelInfo {
    /// `FilmRole`
    pub name: String,
    /// Table and path: `film_role`
    pub path: String,
    pub about: String,
    pub soft_delete: bool,
    pub require_if_match: bool,
    /// In the order of the file, system columns last.
    pub fields: Vec<FieldInfo>,
    /// The sets of fields that identify a record, `id` aside.
    pub uniques: Vec<Vec<String>>,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, each of which travels by itself"
)]
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub struct FieldInfo {
    pub name: String,
    /// `text`, `int`, … as in a model file; `ref` for references.
    pub kind: String,
    pub array: bool,
    pub about: String,
    pub required: bool,
    /// Written by the platform only.
    pub read_only: bool,
    pub unique: bool,
    /// Found by the model's `search`.
    pub search: bool,
    /// The model that a ref points to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Of one value, null included where it may be null.
    pub schema: Schema,
    /// In [`Catalogue::filters`]; empty where nothing may be asked of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub filter: String,
}

/// What may be asked of a field in a URL, as regular expressions without anchors.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub struct FilterInfo {
    /// Behind `field=`.
    pub query: String,
    /// Between brackets, behind `field.` in `or=(…)`, where some characters need quotes.
    pub condition: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub struct NodeInfo {
    pub name: NodeName,
    pub about: String,
    /// They may refer to [`Catalogue::schemas`].
    pub input: Schema,
    pub output: Schema,
    pub hints: Hints,
}

/// What a caller should know before calling.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts of one node, named as MCP names them"
)]
pub struct Hints {
    pub read_only: bool,
    pub destructive: bool,
    pub idempotent: bool,
    /// For our own services only; never in a caller's catalogue.
    pub hidden: bool,
    /// Has effects outside the platform: only as a workflow step.
    pub outside: bool,
}

impl Catalogue {
    pub fn model(&self, name: &str) -> Option<&ModelInfo> {
        self.models.iter().find(|model| model.name == name)
    }

    pub fn node(&self, name: &NodeName) -> Option<&NodeInfo> {
        let places = || {
            let named = self.nodes.iter().enumerate();
            named.map(|(at, node)| (node.name.clone(), at)).collect()
        };
        let at = *self.index.0.get_or_init(places).get(name)?;
        self.nodes.get(at)
    }
}
