//! SQLite's errors, as far as a caller acts on them.

use model::Model;
use rusqlite::ffi;

use crate::{Error, Violation};

/// `model` is the one written to.
#[expect(
    clippy::needless_pass_by_value,
    reason = "stands in map_err, which hands it over"
)]
pub(super) fn error(error: rusqlite::Error, model: Option<&Model>) -> Error {
    let rusqlite::Error::SqliteFailure(failure, message) = &error else {
        return Error::Internal(error.to_string());
    };
    let message = message.clone().unwrap_or_default();
    let name = || model.map_or_else(String::new, |model| model.name.clone());
    match (failure.extended_code, failure.code) {
        (
            ffi::SQLITE_CONSTRAINT_UNIQUE
            | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
            | ffi::SQLITE_CONSTRAINT_ROWID,
            _,
        ) => Error::Violation(Violation::Unique {
            model: name(),
            fields: columns(&message),
        }),
        (ffi::SQLITE_CONSTRAINT_NOTNULL, _) => {
            let field = columns(&message).pop().unwrap_or_default();
            Error::Violation(Violation::NotNull {
                model: name(),
                field,
            })
        }
        (ffi::SQLITE_CONSTRAINT_FOREIGNKEY | ffi::SQLITE_CONSTRAINT_TRIGGER, _) => {
            // SQLite does not say which key; the engine looks for it.
            Error::Violation(Violation::NoTarget {
                model: name(),
                field: String::new(),
            })
        }
        (ffi::SQLITE_CONSTRAINT_CHECK, _) => Error::Violation(Violation::Check {
            model: name(),
            detail: message,
        }),
        (_, ffi::ErrorCode::DatabaseBusy | ffi::ErrorCode::DatabaseLocked) => Error::Conflict,
        (_, ffi::ErrorCode::OperationInterrupted) => Error::Timeout,
        (
            _,
            ffi::ErrorCode::CannotOpen | ffi::ErrorCode::DiskFull | ffi::ErrorCode::SystemIoFailure,
        ) => Error::Unavailable(error.to_string()),
        (_, ffi::ErrorCode::PermissionDenied | ffi::ErrorCode::ReadOnly) => {
            Error::Denied(error.to_string())
        }
        _ => Error::Internal(error.to_string()),
    }
}

/// `UNIQUE constraint failed: film.title, film.released`; an index over an expression names itself instead.
fn columns(message: &str) -> Vec<String> {
    let list = message.rsplit(": ").next().unwrap_or("");
    list.split(", ")
        .map(|column| column.rsplit('.').next().unwrap_or(column).to_owned())
        .collect()
}
