//! Everything that can be called, as its callers may know it. OpenAPI, MCP tools and CLI help are made of this.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::NodeName;

#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub struct Catalogue {
    /// Changes when anything in it changes.
    pub version: String,
    /// The project's name.
    pub project: String,
    pub models: Vec<ModelInfo>,
    pub nodes: Vec<NodeInfo>,
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
    /// JSON Schema 2020-12 of one value, null included where it may be null.
    pub schema: Value,
}

#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub struct NodeInfo {
    pub name: NodeName,
    pub about: String,
    /// JSON Schemas 2020-12. `#/$defs/Film` and the like are not used: each stands alone.
    pub input: Value,
    pub output: Value,
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
        self.nodes.iter().find(|node| node.name == *name)
    }
}
