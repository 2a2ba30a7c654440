//! What a service offers beside the catalogue.

use rmcp::ServerHandler;
use rmcp::model::Tool;

use crate::asker::Asker;

/// Asked for what the face does not have itself: nexus offers workflows as tools and tasks so. Lists are put together,
/// the face's first. Who asks stands in each context's extensions, as [`Asker`].
pub trait Beside: ServerHandler {
    /// Whether this is one of its tools, for whoever asks.
    fn has_tool(&self, _: &Asker, name: &str) -> impl Future<Output = bool> + Send {
        std::future::ready(self.get_tool(name).is_some())
    }

    /// Its tool of that name, for whoever asks, if arguments of it are headers, too, which are compared before the call.
    fn tool_with_headers(
        &self,
        _: &Asker,
        _name: &str,
    ) -> impl Future<Output = Option<Tool>> + Send {
        std::future::ready(None)
    }

    /// Whether a tool of this name, which is none for whoever asks, would change something. What a credential is not
    /// good for is not in its catalogue, so this goes by the name alone.
    fn would_write(&self, _name: &str) -> bool {
        false
    }

    /// The models whose records are read at that address; `None`: nothing is.
    fn reads(&self, _: &Asker, _uri: &str) -> impl Future<Output = Option<Vec<String>>> + Send {
        std::future::ready(None)
    }
}

/// The catalogue is all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nothing;

impl ServerHandler for Nothing {}

impl Beside for Nothing {}
