//! Parameters, headers and problems that operations share.

use serde_json::{Map, Value, json};
use wire::session::Put;

use super::schemas::reference;

pub(super) fn parameter(name: &str) -> Value {
    json!({ "$ref": format!("#/components/parameters/{name}") })
}

pub(super) fn components() -> Value {
    let header = |name: &str, schema: Value, about: &str, example: &str| json!({ "name": name, "in": "header", "required": false, "schema": schema, "description": about, "example": example });
    let required = |mut header: Value| {
        header["required"] = json!(true);
        header
    };
    let text = json!({ "type": "string" });
    let any = json!({ "type": "string", "const": "*" });
    let key = json!({ "type": "string", "pattern": "^\"*[!#-~]([\\t -~]{0,250}[!#-~])?\"*$" });
    let session = json!({ "type": "string", "pattern": "^[!-~]+$", "maxLength": Put::LONGEST_ID });
    let if_match = header(
        "If-Match",
        text.clone(),
        "The ETag of the version that is to be changed; else 412",
        "\"3\"",
    );
    let if_match_any = header("If-Match", any, "`*`: whatever version each has", "*");
    json!({
        "id": { "name": "id", "in": "path", "required": true, "schema": { "type": "string", "format": "uuid" }, "description": "The record's id" },
        "all": { "name": "all", "in": "query", "required": false, "schema": { "type": "boolean" }, "description": "Says that a change of every record is meant" },
        "prefer_read": header("Prefer", text.clone(), "`count=none|planned|exact`, `handling=strict`", "count=exact"),
        "prefer_write": header("Prefer", text.clone(), "`return=minimal|representation`, `max-affected=N`, `tx=rollback`, `handling=strict`", "return=minimal"),
        "if_match_required": required(if_match.clone()),
        "if_match_any_required": required(if_match_any.clone()),
        "if_match": if_match,
        "if_match_any": if_match_any,
        "if_none_match": header("If-None-Match", text.clone(), "The ETag that is known already; then 304", "\"3\""),
        "session": header("Gantry-Session", session, "The caller's session that the call is of; else the cookie `gantry_session`", "4fQ0aTn3yW8sKcJ1xZ6vRb"),
        "idempotency_key": header("Idempotency-Key", key, "The same key and body get the same answer for 24 hours, and the change happens once", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
    })
}

pub(super) fn headers() -> Value {
    let text = |about: &str| json!({ "schema": { "type": "string" }, "description": about });
    json!({
        "ETag": text("The record's version, for If-Match"),
        "Location": text("Where the record is"),
        "Content-Range": text("`items 0-19/*`, the total where it was asked for"),
        "Link": text("The next page: `<…>; rel=\"next\"`"),
        "Next-Cursor": text("Where the next page begins"),
        "Gantry-Affected": text("How many records were changed"),
        "Preference-Applied": text("Which preferences were heard"),
        "Idempotency-Replayed": text("`true` where the answer was kept from an earlier call"),
    })
}

pub(super) fn header(names: &[&str]) -> Value {
    let entries = names.iter().map(|name| {
        (
            (*name).to_owned(),
            json!({ "$ref": format!("#/components/headers/{name}") }),
        )
    });
    Value::Object(entries.collect::<Map<_, _>>())
}

const PROBLEMS: [(&str, &str, &str, &str); 11] = [
    (
        "400",
        "BadRequest",
        "A mistake in the query, a header or the form of the body",
        "invalid_query",
    ),
    (
        "401",
        "Unauthenticated",
        "A key is needed, or is not good",
        "unauthenticated",
    ),
    (
        "403",
        "Forbidden",
        "The caller may not do this",
        "forbidden",
    ),
    (
        "404",
        "NotFound",
        "There is no such record, or the caller may not see it",
        "not_found",
    ),
    (
        "406",
        "NotAcceptable",
        "Nothing that `Accept` names is offered",
        "not_acceptable",
    ),
    (
        "409",
        "Conflict",
        "Another record has the value, or a reference stands in the way",
        "unique_violation",
    ),
    (
        "412",
        "VersionMismatch",
        "The record has another version; `current_version` tells it",
        "version_mismatch",
    ),
    (
        "413",
        "PayloadTooLarge",
        "The body is too large",
        "payload_too_large",
    ),
    (
        "415",
        "UnsupportedMedia",
        "The `Content-Type` is not read here",
        "unsupported_media_type",
    ),
    (
        "422",
        "InvalidInput",
        "Values are missing, of the wrong type or out of range",
        "invalid_input",
    ),
    (
        "428",
        "PreconditionRequired",
        "The model requires If-Match",
        "precondition_required",
    ),
];
const ANY: (&str, &str) = ("Problem", "Any other problem");

pub(super) fn problems() -> Value {
    let mut responses = Map::new();
    for (status, name, about, code) in PROBLEMS {
        let example = json!({
            "type": format!("/docs/problems/{code}"),
            "title": about,
            "status": status.parse::<u16>().unwrap_or(500),
            "code": code,
            "detail": about,
            "trace_id": "0199c2f0a1b27c3d8e4f5a6b7c8d9e0f",
        });
        let content = json!({ "application/problem+json": { "schema": reference("Problem"), "example": example } });
        responses.insert(
            name.to_owned(),
            json!({ "description": about, "content": content }),
        );
    }
    let content = json!({ "application/problem+json": { "schema": reference("Problem") } });
    responses.insert(
        ANY.0.to_owned(),
        json!({ "description": ANY.1, "content": content }),
    );
    Value::Object(responses)
}

/// `responses` and the problems of these statuses; any other is a problem as well.
pub(super) fn with_problems(mut responses: Value, statuses: &[&str]) -> Value {
    let problem = |name: &str| json!({ "$ref": format!("#/components/responses/{name}") });
    if let Value::Object(responses) = &mut responses {
        for (status, name, ..) in PROBLEMS
            .iter()
            .filter(|(status, ..)| statuses.contains(status))
        {
            responses.insert((*status).to_owned(), problem(name));
        }
        responses.insert("default".to_owned(), problem(ANY.0));
    }
    responses
}
