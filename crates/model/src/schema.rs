//! JSON Schemas of the project's files, for editors, and of values and filters, for the catalogue.

use serde_json::Value;

use crate::shape::{Table, document};
use crate::source::Source;
use crate::{keys, yaml};

mod filter;
mod value;

pub use filter::{filter_name, filter_pattern, filter_schema};
pub use value::{input_schema, value_schema};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaKind {
    Model,
    Workflow,
    Project,
    Seed,
    Group,
}

impl SchemaKind {
    pub const ALL: [Self; 5] = [
        Self::Model,
        Self::Workflow,
        Self::Project,
        Self::Seed,
        Self::Group,
    ];

    fn table(self) -> &'static Table {
        match self {
            Self::Model => &keys::MODEL,
            Self::Workflow => &keys::WORKFLOW,
            Self::Project => &keys::PROJECT,
            Self::Seed => &keys::SEED,
            Self::Group => &keys::GROUP,
        }
    }

    fn example(self) -> &'static str {
        match self {
            Self::Model => include_str!("../examples/model.yaml"),
            Self::Workflow => include_str!("../examples/workflow.yaml"),
            Self::Project => include_str!("../examples/gantry.yaml"),
            Self::Seed => include_str!("../examples/film.seed.yaml"),
            Self::Group => include_str!("../examples/group.yaml"),
        }
    }
}

/// JSON Schema 2020-12 of a kind of project file.
pub fn schema(kind: SchemaKind) -> Value {
    let (title, about) = match kind {
        SchemaKind::Model => (
            "Gantry model",
            "models/*.yaml: one model, its fields and who may do what.",
        ),
        SchemaKind::Workflow => (
            "Gantry workflow",
            "workflows/*.yaml: one procedure made of nodes.",
        ),
        SchemaKind::Project => (
            "Gantry project",
            "gantry.yaml: settings of the whole project; every key has a default.",
        ),
        SchemaKind::Seed => (
            "Gantry seed",
            "data/*.seed.yaml: how a data file's rows become records.",
        ),
        SchemaKind::Group => (
            "Gantry group",
            "groups/*.yaml: the nodes that an agent gets at /mcp/<group>.",
        ),
    };
    let text = kind.example();
    let example = yaml::parse(&mut Source::new("".as_ref(), text), text)
        .and_then(|node| serde_json::from_str(&node.to_json()).ok());
    document(title, about, kind.table(), example.into_iter().collect())
}
