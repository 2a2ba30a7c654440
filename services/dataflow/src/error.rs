//! Why dataflow cannot start, or a migration cannot be done.

use model::Mistake;
use wire::{Code, Problem};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n"))]
    Files(Vec<Mistake>),
    #[error("{0}")]
    Store(#[from] store::Error),
    #[error("{0}")]
    Problem(Problem),
}

impl From<Error> for chassis::Error {
    fn from(error: Error) -> Self {
        Self::Service(error.to_string())
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::Problem(problem) => problem,
            Error::Files(_) => Self::new(Code::InvalidProject).detail(detail),
            Error::Store(store::Error::Destructive(_)) => Self::new(Code::DestructiveChange)
                .detail(detail)
                .hint("look at `gantry migrate plan`, then allow it: `gantry migrate apply --allow-destructive`"),
            Error::Store(store::Error::Drift(_)) => Self::new(Code::SchemaDrift).detail(detail),
            Error::Store(
                store::Error::Unavailable(_)
                | store::Error::Busy
                | store::Error::TooManyStreams
                | store::Error::Stalled
                | store::Error::Timeout
                | store::Error::Unconfirmed,
            ) => {
                Self::new(Code::Unavailable).detail(detail)
            }
            Error::Store(store::Error::Denied(_)) => Self::new(Code::Forbidden).detail(detail),
            Error::Store(store::Error::LeaseLost) => Self::new(Code::LeaseLost).detail(detail),
            Error::Store(store::Error::Conflict) => Self::new(Code::WriteConflict).detail(detail),
            Error::Store(store::Error::Models(_) | store::Error::Setup(_) | store::Error::Violation(_)) => {
                Self::new(Code::InvalidProject).detail(detail)
            }
            Error::Store(store::Error::Internal(_)) => Self::new(Code::Internal).detail(detail),
        }
    }
}
