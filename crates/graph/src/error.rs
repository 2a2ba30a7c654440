//! Why the graph does not do what it was asked.

#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// May be better later.
    #[error("{0}")]
    Away(String),
    /// The server says no: a wrong password, a statement that it does not take.
    #[error("{code}: {message}")]
    Refused { code: String, message: String },
    /// What answers there speaks differently.
    #[error("{0}")]
    Protocol(String),
    /// Only other settings help.
    #[error("{0}")]
    Setup(String),
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::Away(error.to_string())
    }
}
