//! What a service offers beside the catalogue.

use rmcp::ServerHandler;

/// Asked for what the face does not have itself: nexus offers workflows as tools and tasks so. Lists are put together,
/// the face's first.
pub trait Beside: ServerHandler {
    /// Whether it has tools, prompts or resources whose lists change, or that may be subscribed to.
    const LISTENS: bool = false;
}

/// The catalogue is all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nothing;

impl ServerHandler for Nothing {}

impl Beside for Nothing {}
