//! The keys of every kind of project file.

mod auth;
mod group;
mod model;
mod project;
mod seed;
mod workflow;

pub(crate) use group::{GROUP, TOOLS};
pub(crate) use model::{MODEL, ON_DELETE};
pub(crate) use project::PROJECT;
pub(crate) use seed::SEED;
pub(crate) use workflow::{KINDS, WORKFLOW};
