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
    /// How agents get the nodes where they name no group.
    #[serde(default)]
    pub tools: Tools,
    /// Those of which the caller may see a node.
    #[serde(default)]
    pub groups: Vec<GroupInfo>,
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

/// How nodes become tools of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tools {
    /// A few for all models, and a tool for each node of models that ask for it while they are few.
    #[default]
    Auto,
    /// A tool for each node.
    Typed,
    /// A few for all models, which are told the model's name.
    Generic,
}

/// A named part of the nodes, for agents that need no more.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub struct GroupInfo {
    /// `research`, as in `/mcp/research`
    pub name: String,
    pub about: String,
    pub tools: Tools,
    /// In the catalogue's order.
    pub nodes: Vec<NodeName>,
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
    /// Its nodes are to be tools of their own: see [`Tools::Auto`].
    #[serde(default)]
    pub tools: bool,
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
    #[serde(default, skip_serializing_if = "Primitive::is_tool")]
    pub primitive: Primitive,
}

/// As what agents get a node, in MCP's words.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq, Default)]
#[serde(rename_all = "lowercase")]
pub enum Primitive {
    /// Called by the agent's model.
    #[default]
    Tool,
    /// Chosen by the person: its answer is the messages that a conversation goes on with.
    Prompt,
    /// Read by address: its answer is the contents.
    Resource {
        /// `cinema://films/{film}`: what is in braces are arguments.
        uri: String,
        /// `text/markdown`
        #[serde(default, skip_serializing_if = "Option::is_none")]
        media_type: Option<String>,
        /// The models whose records it is made of, so that whoever reads it can be told of changes.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        reads: Vec<String>,
    },
}

impl Primitive {
    pub fn is_tool(&self) -> bool {
        *self == Self::Tool
    }
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
    /// May reach what is outside of the platform, or tell it something.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub open_world: bool,
    #[serde(default, skip_serializing_if = "TaskSupport::is_forbidden")]
    pub tasks: TaskSupport,
}

/// Whether what a call begins may be followed as a task of MCP, after the call was answered.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq, Default)]
#[serde(rename_all = "lowercase")]
pub enum TaskSupport {
    /// The call's answer is all.
    #[default]
    Forbidden,
    Optional,
    /// Who cannot follow it may not begin it.
    Required,
}

impl TaskSupport {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    fn is_forbidden(&self) -> bool {
        *self == Self::Forbidden
    }
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
