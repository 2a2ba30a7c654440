//! YAML files → checked definitions; values and filters typed by them. Reads files, touches nothing else.

mod argument;
mod decimal;
mod definition;
mod filter;
mod json_object;
mod json_text;
mod mistake;
mod nearest;
mod order;
mod selection;
mod value;

pub use argument::BadArgument;
pub use decimal::Decimal;
pub use definition::{
    Action, Field, FieldId, Kind, Metric, Model, ModelOptions, Models, OnDelete, Referrer, Rule, System,
};
pub use filter::{CallerFact, Comparison, Filter, FilterLimits, Operand, Test, like};
pub use json_object::Object;
pub use json_text::canonical as canonical_json;
pub use mistake::Mistake;
pub use nearest::{did_you_mean, nearest};
pub use order::Order;
pub use selection::{Selected, Selection};
pub use value::{BadValue, Value, fold, fold_char, write_json_string};
