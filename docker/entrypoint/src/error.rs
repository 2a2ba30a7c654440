//! Why an entrypoint does not start its server, or a probe is red.

use std::io;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Arguments, variables or secrets: starting again changes nothing before somebody changes them.
    #[error("{0}")]
    Settings(String),
    /// The server, or what it stands on, is not as it has to be.
    #[error("{0}")]
    Unfit(String),
    #[error("{doing}: {source}")]
    Io { doing: String, source: io::Error },
}

impl Error {
    /// For `map_err`: what was being done when the system said no.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}
