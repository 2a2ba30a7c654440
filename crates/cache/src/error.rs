//! Why there is no cache now, or never.

#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Tried again by itself.
    #[error("{0}")]
    Away(String),
    /// Only other settings help.
    #[error("{0}")]
    Setup(String),
}
