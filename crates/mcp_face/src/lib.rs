//! The MCP face: the catalogue as tools, resources and prompts, over every transport, in both protocol eras.
//!
//! It only translates. A tool's call becomes a node's, its answer a result; who may do what is decided below.

mod action;
mod asker;
mod audit;
mod beside;
mod caps;
mod choice;
mod complete;
mod confirm;
mod face;
mod generic;
mod guard;
mod guess;
mod handler;
mod http;
mod instructions;
mod listener;
mod metadata;
mod offer;
mod prompts;
mod reply;
mod resources;
mod schemas;
mod sessions;
mod settings;
mod spelling;
mod standing;
mod stdio;
mod tools;
mod typed;
mod updates;
mod watch;
mod web_socket;

pub use asker::{Asker, Channel};
pub use audit::{DURATION, Observer, Operation};
pub use beside::{Beside, Nothing};
pub use complete::matching;
pub use face::Face;
pub use http::router;
pub use offer::{ToolList, tokens, tool_list};
pub use reply::{refused, untrusted, untrusted_meta};
pub use resources::{no_resource, with_address};
pub use schemas::standalone;
pub use settings::{Limits, Settings, Writes};
pub use spelling::{Names, Public};
pub use stdio::{Speaker, serve_stdio};
