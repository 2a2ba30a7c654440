//! RFC 9457 problems, with one closed list of codes. Every face shows these and nothing else.

use serde::{Deserialize, Serialize};

/// Why something was refused or failed, for the reader: what happened, where, what to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}", .detail)]
pub struct Problem {
    pub code: Code,
    pub detail: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// With `version_mismatch`: the version that the record has now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_version: Option<i64>,
    /// Seconds after which to try again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// With `insufficient_scope`: what the credential would have to be good for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// One mistake among several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// JSON Pointer into the body (`/ops/3/values/title`), or the query parameter (`?order`).
    pub pointer: String,
    /// `required`, `wrong_type`, `out_of_range`, `too_long`, `unknown_field`, `read_only_field`, `not_in_enum`,
    /// `invalid_value`, `duplicate`, `no_such_reference`.
    pub code: String,
    pub detail: String,
}

impl Fault {
    pub fn new(pointer: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            code: code.to_owned(),
            detail: detail.into(),
        }
    }
}

/// How a command-line verb ends on a problem of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitKind {
    /// The input is at fault: 3.
    Input = 3,
    /// What was named is not there: 4.
    NotFound = 4,
    /// Who calls may not: 5.
    Denied = 5,
    /// Someone else changed it, or it already exists: 6.
    Conflict = 6,
    /// Try again later: 7.
    Unavailable = 7,
    /// Refused because it would lose data: 8.
    Unsafe = 8,
    /// A fault of ours: 70.
    Internal = 70,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $variant:ident $code:literal $status:literal $exit:ident $title:literal;)*) => {
        /// The closed list. Each has a page in docs/problems/.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Code {
            $($(#[doc = $doc])* #[serde(rename = $code)] $variant,)*
        }

        impl Code {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The HTTP status.
            pub fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            pub fn exit(self) -> ExitKind {
                match self { $(Self::$variant => ExitKind::$exit,)* }
            }

            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// What its page says: when it happens.
            pub fn about(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc, "\n",)*).trim_ascii(),)* }
            }
        }
    };
}

codes! {
    /// The request is not HTTP that Gantry understands: a header's value is malformed, a path is not UTF-8.
    BadRequest "bad_request" 400 Input "The request is malformed";
    /// The body is not well-formed JSON, CSV or JSON Lines, nests too deep, or names a key twice.
    MalformedBody "malformed_body" 400 Input "The body cannot be read";
    /// The query string names an unknown column, operator or parameter, or holds a value that its column cannot.
    InvalidQuery "invalid_query" 400 Input "The query string has a mistake";
    /// The cursor was not made by this server, or was altered.
    InvalidCursor "invalid_cursor" 400 Input "The cursor is not one of ours";
    /// The cursor belongs to a list with another order, filter or caller.
    CursorMismatch "cursor_mismatch" 400 Input "The cursor belongs to another list";
    /// A page size, an offset, a filter's size, a nesting depth or a number of operations is over its limit.
    LimitExceeded "limit_exceeded" 400 Input "A limit is exceeded";
    /// A change of a whole collection without a filter. Say `all=true` if that is meant.
    Unfiltered "unfiltered_change" 400 Input "A change of everything must be said";
    /// With `handling=strict`: a preference that Gantry does not know.
    UnknownPreference "unknown_preference" 400 Input "A preference is not known";
    /// More records would change than `max-affected` allows. Nothing was changed.
    MaxAffected "max_affected_exceeded" 400 Unsafe "More records would change than allowed";
    /// The credential is missing, unknown, expired or revoked.
    Unauthenticated "unauthenticated" 401 Denied "Who calls is not known";
    /// The caller is known and may not do this.
    Forbidden "forbidden" 403 Denied "The caller may not do this";
    /// The caller may do this, but not with this credential: `scope` tells which scope it would have to have.
    InsufficientScope "insufficient_scope" 403 Denied "The credential is not good for this";
    /// No route has this path.
    NoSuchRoute "no_such_route" 404 NotFound "There is nothing at this path";
    /// No node has this name, or the caller may not see it.
    NoSuchNode "no_such_node" 404 NotFound "There is no such node";
    /// No record has this id, or the caller may not see it.
    NotFound "not_found" 404 NotFound "There is no such record";
    /// The path exists, the method does not. `Allow` names those that do.
    MethodNotAllowed "method_not_allowed" 405 Input "The method is not offered here";
    /// None of the kinds of content in `Accept` is offered.
    NotAcceptable "not_acceptable" 406 Input "No acceptable kind of content is offered";
    /// The client paused too long in the midst of its body.
    RequestTimeout "request_timeout" 408 Unavailable "The request came too slowly";
    /// Another record has the same value in a field or fields that must be unique.
    UniqueViolation "unique_violation" 409 Conflict "Another record has this value";
    /// A ref points to no record, or a record that others refer to was to be deleted.
    ReferenceViolation "reference_violation" 409 Conflict "A reference stands in the way";
    /// A call with the same idempotency key is being carried out.
    IdempotencyInFlight "idempotency_in_flight" 409 Conflict "The same call is being carried out";
    /// Concurrent changes kept colliding after several tries. Nothing was changed: try again.
    WriteConflict "write_conflict" 409 Conflict "Concurrent changes collided";
    /// The run that the step belongs to is in other hands by now, was retried, or has ended. Nothing was changed.
    LeaseLost "lease_lost" 409 Conflict "The run is held by another";
    /// The record has another version than `If-Match` names. `current_version` tells it.
    VersionMismatch "version_mismatch" 412 Conflict "The record was changed by someone else";
    /// The body, a value or a record is larger than its limit.
    PayloadTooLarge "payload_too_large" 413 Input "The body is too large";
    /// The path and query are longer than their limit. Send a filter as JSON, to `:query`.
    UriTooLong "uri_too_long" 414 Input "The URL is too long";
    /// The `Content-Type` is not one that Gantry reads here.
    UnsupportedMedia "unsupported_media_type" 415 Input "This kind of content is not read here";
    /// One or more values are missing, of the wrong type or out of range; `errors` has each.
    InvalidInput "invalid_input" 422 Input "The input has mistakes";
    /// The idempotency key was used with another body.
    IdempotencyMismatch "idempotency_mismatch" 422 Conflict "The key was used for another call";
    /// The model requires `If-Match`.
    PreconditionRequired "precondition_required" 428 Input "A version must be named";
    /// The caller made too many calls.
    RateLimited "rate_limited" 429 Unavailable "Too many calls";
    /// A fault of Gantry's own. The log has more under the trace id.
    Internal "internal" 500 Internal "Gantry failed";
    /// A store or service cannot be reached, is starting or is out of capacity. Try again after `Retry-After`.
    Unavailable "unavailable" 503 Unavailable "A service is not available";
    /// The call took longer than its deadline and was cancelled.
    Timeout "timeout" 504 Unavailable "The call took too long";
    /// The project's files have mistakes.
    InvalidProject "invalid_project" 422 Input "The project's files have mistakes";
    /// The migration would lose data and `--allow-destructive` was not given.
    DestructiveChange "destructive_change" 409 Unsafe "The migration would lose data";
    /// The database is not as the migration history says.
    SchemaDrift "schema_drift" 409 Conflict "The database has drifted";
    /// A step of a workflow asked for somebody's word, and the word was no.
    NotApproved "not_approved" 409 Conflict "The step was not approved";
    /// The run, or one that a step of it called, was cancelled before it had ended.
    Cancelled "cancelled" 409 Conflict "The run was cancelled";
}

impl Problem {
    /// With the code's title as detail until a better one is given.
    pub fn new(code: Code) -> Self {
        Self {
            code,
            detail: code.title().to_owned(),
            hint: None,
            errors: Vec::new(),
            trace_id: None,
            current_version: None,
            retry_after: (code == Code::Unavailable).then_some(1),
            scope: None,
        }
    }

    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub fn errors(mut self, errors: Vec<Fault>) -> Self {
        self.errors = errors;
        self
    }

    /// The `application/problem+json` document.
    pub fn to_json(&self, instance: Option<&str>) -> Vec<u8> {
        #[derive(Serialize)]
        struct Document<'a> {
            r#type: String,
            title: &'a str,
            status: u16,
            #[serde(skip_serializing_if = "Option::is_none")]
            instance: Option<&'a str>,
            #[serde(flatten)]
            problem: &'a Problem,
        }
        let document = Document {
            r#type: format!("/docs/problems/{}", self.code.as_str()),
            title: self.code.title(),
            status: self.code.status(),
            instance,
            problem: self,
        };
        serde_json::to_vec(&document).expect("a problem holds only text and numbers")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_reads_back_from_its_document() {
        let problem = Problem::new(Code::VersionMismatch)
            .detail("film 1 has version 4")
            .hint("read it again")
            .errors(vec![Fault::new(
                "/title",
                "required",
                "title must be given",
            )]);
        let document = problem.to_json(Some("/api/v1/film/1"));
        assert_eq!(
            serde_json::from_slice::<Problem>(&document).unwrap(),
            problem
        );
    }

    #[test]
    fn every_code_is_unique_and_says_when_it_happens() {
        let mut names: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
        assert!(Code::ALL.iter().all(|code| code.about().len() > 20));
    }
}
