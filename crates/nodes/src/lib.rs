//! Models → catalogue → plans → answers: everything that can be called, in this process.

mod aggregate;
mod answers;
mod arguments;
mod body;
mod bulk;
mod caller;
mod catalogue;
mod change;
mod changes;
mod context;
mod create;
mod cursor;
mod delete;
mod door;
mod health;
mod idempotency;
mod import;
mod keys;
mod live;
mod measures;
mod nodes;
mod plan;
mod problem;
mod question;
mod read;
mod schema;
mod serving;
mod transaction;
mod upsert;
mod values;
mod verb;
mod view;
mod what;

pub use nodes::{Nodes, Settings};
pub use serving::{Paused, Serving};
