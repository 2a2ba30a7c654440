//! Workflow evaluation over [`wire::Calls`]: what to do next, and doing it.

mod engine;
mod settings;

mod asking;
mod data_uri;
mod definitions;
mod drive;
mod heeding;
mod leases;
mod observing;
mod outside;
mod retry;
mod scope;
mod telling;
mod tidings;
mod time;
mod walk;

pub use data_uri::DataUri;
pub use engine::Engine;
pub use observing::{Observer, Seen};
pub use outside::Outside;
pub use settings::{Chat, Mail, Reach, Settings};
pub use tidings::{Listener, Tidings};
