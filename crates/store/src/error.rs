//! What can go wrong in a store, as far as a caller acts on it.

use model::Mistake;

#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Violation(Violation),
    /// Concurrent changes collided (40001, 40P01) and the retries are used up, or the transaction cannot be retried here.
    #[error("concurrent changes collided")]
    Conflict,
    /// The run is in other hands by now, was retried, or has ended.
    #[error("the run is held by another")]
    LeaseLost,
    /// The statement or a lock wait took longer than its limit, or the call's deadline passed.
    #[error("the statement took too long")]
    Timeout,
    /// Every connection of the pool was at work for as long as a call waits for one.
    #[error("every connection to the database is busy")]
    Busy,
    /// No connection to be had: refused, lost, starting, shutting down, or the server has too many.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
    /// As many exports and imports as may be are under way.
    #[error("as many exports and imports as may be at once are under way")]
    TooManyStreams,
    /// Whoever took a stream takes no more of it.
    #[error("nobody took more of the stream in the time that there is for it")]
    Stalled,
    /// The login may not do this.
    #[error("the database refuses: {0}")]
    Denied(String),
    /// The connection was lost after a write was sent and before its answer: nobody knows whether it happened.
    #[error("the connection was lost before the database confirmed the change")]
    Unconfirmed,
    /// The location, a table or a file is not as it must be; the text says what to do.
    #[error("{0}")]
    Setup(String),
    /// A migration would take away rows or values; needs leave.
    #[error("the migration takes away {0}")]
    Destructive(Box<crate::migrate::Plan>),
    /// Tables are not as the last migration left them: what differs.
    #[error("the database was changed by others: {}; change it back, or restore it, then migrate", .0.join("; "))]
    Drift(Vec<String>),
    /// Models that the store cannot hold.
    #[error("{} mistakes in models", .0.len())]
    Models(Vec<Mistake>),
    /// A fault of ours.
    #[error("{0}")]
    Internal(String),
}

/// A constraint of the database that a write broke. `fields` are the model's names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("another record of {model} has the same {}", fields.join(", "))]
    Unique { model: String, fields: Vec<String> },
    /// The ref points to no record, or to one that may not be referred to.
    #[error("{model}.{field} points to no record")]
    NoTarget { model: String, field: String },
    /// Records of `model` refer to it.
    #[error("records of {model} refer to it by {field}")]
    Referenced { model: String, field: String },
    #[error("{model}.{field} must have a value")]
    NotNull { model: String, field: String },
    #[error("a value of {model} is not allowed: {detail}")]
    Check { model: String, detail: String },
}
