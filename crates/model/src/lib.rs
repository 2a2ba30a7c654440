//! YAML files → checked definitions; values and filters typed by them. Reads files, touches nothing else.

mod decimal;
mod definition;
mod filter;
mod mistake;
mod order;
mod selection;
mod value;

pub use decimal::Decimal;
pub use definition::{
    Action, Field, FieldId, Kind, Metric, Model, ModelOptions, Models, OnDelete, Referrer, Rule,
    System,
};
pub use filter::{CallerFact, Comparison, Filter, Operand, Test};
pub use mistake::Mistake;
pub use order::Order;
pub use selection::{Selected, Selection};
pub use value::{BadValue, Value};
