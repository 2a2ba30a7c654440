//! YAML files → checked definitions; values and filters typed by them. Reads files, touches nothing else.

mod argument;
mod csv;
mod decimal;
mod definition;
mod filter;
mod group;
mod json_object;
mod json_text;
mod keys;
mod lines;
mod measure;
mod mistake;
mod nearest;
mod order;
mod own_nodes;
mod project;
mod read;
mod schema;
mod seed;
mod selection;
mod shape;
mod source;
mod value;
mod verb;
pub mod workflow;
mod yaml;

pub use argument::BadArgument;
pub use csv::{BadCsv, Csv, CsvPieces, CsvRecord};
pub use decimal::Decimal;
pub use definition::{
    Action, Field, FieldId, Kind, Metric, Model, ModelOptions, Models, OnDelete, Referrer, Rule,
    System,
};
pub use filter::{CallerFact, Comparison, Filter, FilterLimits, Operand, Test, like};
pub use group::Group;
pub use json_object::Object;
pub use json_text::canonical as canonical_json;
pub use lines::Lines;
pub use measure::{duration, size};
pub use mistake::Mistake;
pub use nearest::{did_you_mean, nearest};
pub use order::Order;
pub use own_nodes::{HIDDEN_NODES, OWN_NODES};
pub use project::{
    Algorithm, Auth, Issuer, KeySource, Limits, Outside, Project, ProjectSettings, Server,
    project_name,
};
pub use read::{load_models, path_of};
pub use schema::{
    SchemaKind, filter_name, filter_pattern, filter_schema, input_schema, schema, value_schema,
};
pub use seed::{Lookup, Origin, Seed, SeedField, SeedFormat, SeedRecord, Wanted};
pub use selection::{Selected, Selection};
pub use value::{
    BadValue, Value, WORD, fold, fold_char, words, write_date, write_json_string, write_time,
    write_timestamp,
};
pub use verb::Verb;
pub use workflow::Workflow;
