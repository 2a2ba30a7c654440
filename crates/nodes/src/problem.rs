//! The store's errors as problems, in one exhaustive match.

use access::Scope;
use model::BadArgument;
use store::{Error, Violation};
use wire::{Code, Fault, Problem};

pub(crate) fn of_store(error: Error) -> Problem {
    match error {
        Error::Violation(violation) => of_violation(&violation, ""),
        Error::Conflict => Problem::new(Code::WriteConflict)
            .detail("concurrent changes kept colliding; nothing was changed")
            .hint("call again"),
        Error::LeaseLost => Problem::new(Code::LeaseLost).detail(
            "the run is in other hands by now, was retried, or has ended; nothing was changed",
        ),
        Error::Timeout => {
            Problem::new(Code::Timeout).detail("the call took longer than it may and was cancelled")
        }
        Error::Busy => Problem::new(Code::Unavailable)
            .detail("every connection to the database is busy")
            .hint("nothing was done: try again after Retry-After"),
        Error::Unavailable(why) => {
            // The text may name hosts, which callers need not know.
            tracing::warn!(error.message = why, "The database cannot be reached");
            Problem::new(Code::Unavailable)
                .detail("the database cannot be reached")
                .hint("nothing was done, so it is safe to call again")
        }
        Error::TooManyStreams => Problem {
            // They take their time.
            retry_after: Some(10),
            ..Problem::new(Code::Unavailable)
                .detail("as many exports and imports as may be at once are under way")
                .hint("try again later, or raise `limits.streams` in gantry.yaml")
        },
        Error::Stalled => Problem::new(Code::Timeout)
            .detail("nobody took more of the answer for too long, so it was cut off"),
        Error::Unconfirmed => Problem::new(Code::Unavailable)
            .detail("the connection was lost before the change was confirmed; it may have happened")
            .hint("call again with the same Idempotency-Key, or look first"),
        Error::Denied(why) | Error::Setup(why) | Error::Internal(why) => internal(&why),
        Error::Destructive(_) => Problem::new(Code::DestructiveChange),
        Error::Drift(differences) => Problem::new(Code::SchemaDrift).detail(differences.join("; ")),
        Error::Models(mistakes) => {
            let detail: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
            Problem::new(Code::InvalidProject).detail(detail.join("\n"))
        }
    }
}

/// In the middle of an answer, where it only ends it: the store has told the log.
pub(crate) fn of_stream(error: &Error) -> Problem {
    let code = match error {
        Error::Timeout | Error::Stalled => Code::Timeout,
        _ => Code::Unavailable,
    };
    Problem::new(code).detail("the answer was cut off before its end")
}

/// The credential has not this scope, which `what` needs.
pub(crate) fn scope(scope: Scope, what: &str) -> Problem {
    let scope = scope.as_str();
    Problem {
        scope: Some(scope.to_owned()),
        ..Problem::new(Code::InsufficientScope)
            .detail(format!(
                "{what} needs the scope `{scope}`, which the credential has not"
            ))
            .hint(format!("use a token or key with the scope `{scope}`"))
    }
}

/// Logged here, once, since callers are told nothing of it.
pub(crate) fn internal(why: &str) -> Problem {
    tracing::error!(error.message = why, "A call failed by a fault of ours");
    Problem::new(Code::Internal).detail("a fault of Gantry's own; its log has more")
}

/// `pointer` is where the record's values stand in the body.
pub(crate) fn of_violation(violation: &Violation, pointer: &str) -> Problem {
    let fault =
        |field: &str, code, detail: String| Fault::new(format!("{pointer}/{field}"), code, detail);
    let detail = violation.to_string();
    match violation {
        Violation::Unique { fields, .. } => Problem::new(Code::UniqueViolation).errors(
            fields
                .iter()
                .map(|field| fault(field, "duplicate", detail.clone()))
                .collect(),
        ),
        Violation::NoTarget { field, .. } => {
            let errors = (!field.is_empty())
                .then(|| fault(field, "no_such_reference", detail.clone()))
                .into_iter();
            Problem::new(Code::ReferenceViolation).errors(errors.collect())
        }
        Violation::Referenced { .. } => Problem::new(Code::ReferenceViolation)
            .hint("delete or change those records first, or say `on_delete` in the model"),
        Violation::NotNull { field, .. } => {
            Problem::new(Code::InvalidInput).errors(vec![fault(field, "required", detail.clone())])
        }
        Violation::Check { .. } => Problem::new(Code::InvalidInput),
    }
    .detail(detail)
}

/// Of a write whose values stand at `pointer`.
pub(crate) fn of_write(error: Error, pointer: &str) -> Problem {
    match error {
        Error::Violation(violation) => of_violation(&violation, pointer),
        error => of_store(error),
    }
}

/// Mistakes in the query string.
pub(crate) fn of_query(mistakes: Vec<BadArgument>) -> Problem {
    let hint = mistakes.iter().find_map(|mistake| mistake.hint.clone());
    let detail = mistakes
        .first()
        .map_or_else(String::new, |first| first.detail.clone());
    let faults = mistakes.into_iter().map(|mistake| {
        Fault::new(
            format!("?{}", mistake.parameter),
            "invalid_value",
            mistake.detail,
        )
    });
    let problem = Problem::new(Code::InvalidQuery)
        .detail(detail)
        .errors(faults.collect());
    match hint {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

/// Of more mistakes than these, whoever reads wants to see the kind, not each.
const MOST_FAULTS: usize = 100;

/// Mistakes in the body's values.
pub(crate) fn of_input(mut faults: Vec<Fault>) -> Problem {
    let detail = match faults.as_slice() {
        [one] => one.detail.clone(),
        faults if faults.len() > MOST_FAULTS => format!(
            "the input has {} mistakes; these are the first {MOST_FAULTS}",
            faults.len()
        ),
        faults => format!("the input has {} mistakes", faults.len()),
    };
    faults.truncate(MOST_FAULTS);
    Problem::new(Code::InvalidInput)
        .detail(detail)
        .errors(faults)
}

pub(crate) fn limit_exceeded(detail: impl Into<String>) -> Problem {
    Problem::new(Code::LimitExceeded).detail(detail)
}
