//! PostgreSQL's errors, as far as a caller acts on them.

use model::Model;
use tokio_postgres::error::SqlState;

use crate::layout::{self, fields_of_index};
use crate::{Error, Violation};

/// `model` is the one written to; constraints of others are refs'.
pub(super) fn error(error: &tokio_postgres::Error, model: Option<&Model>) -> Error {
    let Some(db) = error.as_db_error() else {
        return Error::Unavailable(cause(error));
    };
    let code = db.code();
    let class = &code.code()[..2];
    let column = || db.column().unwrap_or("?").to_owned();
    let name = || {
        model.map_or_else(
            || db.table().unwrap_or("?").to_owned(),
            |model| model.name.clone(),
        )
    };
    match code {
        &SqlState::UNIQUE_VIOLATION => {
            let constraint = db.constraint().unwrap_or("");
            let fields = model.and_then(|model| fields_of_index(model, constraint));
            Error::Violation(Violation::Unique {
                model: name(),
                fields: fields.unwrap_or_else(|| vec!["id".to_owned()]),
            })
        }
        &SqlState::FOREIGN_KEY_VIOLATION => foreign_key(db, model),
        &SqlState::NOT_NULL_VIOLATION => Error::Violation(Violation::NotNull {
            model: name(),
            field: column(),
        }),
        &SqlState::CHECK_VIOLATION => Error::Violation(Violation::Check {
            model: name(),
            detail: db.message().to_owned(),
        }),
        &SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED => Error::Conflict,
        // Nothing else divides: see `sql::run::step_done_or_fail`.
        &SqlState::DIVISION_BY_ZERO => Error::LeaseLost,
        &SqlState::QUERY_CANCELED | &SqlState::LOCK_NOT_AVAILABLE => Error::Timeout,
        &SqlState::INSUFFICIENT_PRIVILEGE => Error::Denied(db.message().to_owned()),
        _ if class == "22" => Error::Violation(Violation::Check {
            model: name(),
            detail: db.message().to_owned(),
        }),
        _ if matches!(class, "08" | "53" | "57") => Error::Unavailable(db.message().to_owned()),
        _ => Error::Internal(format!("{} ({})", db.message(), code.code())),
    }
}

/// The server's table is the one whose row points, both when a target is missing and when a target is deleted.
fn foreign_key(db: &tokio_postgres::error::DbError, model: Option<&Model>) -> Error {
    let table = db.table().unwrap_or("");
    let constraint = db.constraint().unwrap_or("");
    let written = model.map_or("", |model| model.path.as_str());
    let named = model.filter(|model| model.path == table).and_then(|model| {
        let mut fields = model.fields.iter().map(|field| &field.name);
        fields.find(|name| layout::reference_name(table, name) == constraint)
    });
    // Of another model than the one written only the name is known, which tells the field where it is not too long.
    let field = named.map_or_else(
        || {
            let rest = constraint.strip_prefix(table);
            let rest = rest.and_then(|rest| rest.strip_prefix('_'));
            let name = rest.and_then(|rest| rest.strip_suffix("_fkey"));
            name.unwrap_or(constraint).to_owned()
        },
        Clone::clone,
    );
    let missing = db
        .detail()
        .is_some_and(|detail| detail.contains("is not present"));
    if table == written && (missing || db.detail().is_none()) {
        let model = model.map_or_else(|| table.to_owned(), |model| model.name.clone());
        return Error::Violation(Violation::NoTarget { model, field });
    }
    Error::Violation(Violation::Referenced {
        model: table.to_owned(),
        field,
    })
}

pub(super) fn is_stale_plan(error: &tokio_postgres::Error) -> bool {
    let stale = |db: &tokio_postgres::error::DbError| {
        *db.code() == SqlState::FEATURE_NOT_SUPPORTED && db.message().contains("cached plan")
    };
    error.as_db_error().is_some_and(stale)
}

fn cause(error: &tokio_postgres::Error) -> String {
    use std::error::Error as _;
    error
        .source()
        .map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}
