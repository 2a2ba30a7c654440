//! The nodes of sessions in the catalogue.

use access::Principal;
use serde_json::{Value, json};
use wire::session::{List, Open, Put};
use wire::{Hints, NodeInfo};

use crate::catalogue::node;
use crate::schema;

/// For whoever has a credential.
pub(crate) fn nodes(principal: &Principal) -> Vec<NodeInfo> {
    if principal.is_anonymous() {
        return Vec::new();
    }
    let writes = Hints::default();
    let reads = Hints {
        read_only: true,
        idempotent: true,
        ..writes
    };
    let ends = Hints {
        destructive: true,
        ..writes
    };
    let again = Hints {
        idempotent: true,
        ..writes
    };
    [
        node(
            "session.open",
            "Opens a session: what the caller carries from one channel to another, by its id.",
            opening(),
            session(),
            writes,
        ),
        node(
            "session.read",
            "Reads a session of the caller's, which keeps it alive.",
            schema::object(json!({"id": id()}), &[]),
            session(),
            reads,
        ),
        node(
            "session.write",
            "Changes members of a session's state.",
            schema::object(json!({"id": id(), "set": patch()}), &["set"]),
            session(),
            again,
        ),
        node(
            "session.list",
            "Lists the caller's sessions, newest first.",
            schema::object(json!({"limit": limit()}), &[]),
            json!({"type": "array", "items": listed()}),
            reads,
        ),
        node(
            "session.close",
            "Ends a session of the caller's.",
            schema::object(json!({"id": id()}), &[]),
            schema::object(json!({"affected": {"type": "integer"}}), &["affected"]),
            ends,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn opening() -> Value {
    let ttl = json!({
        "type": ["integer", "null"], "minimum": 1, "maximum": Put::LONGEST_TTL, "default": Open::USUAL_TTL,
        "description": "Seconds without use after which it ends.",
    });
    let state = json!({"type": ["object", "null"], "description": "Empty unless said."});
    schema::object(json!({"state": state, "ttl": ttl}), &[])
}

fn id() -> Value {
    json!({
        "type": ["string", "null"], "minLength": 1, "maxLength": Put::LONGEST_ID, "pattern": "^[!-~]+$",
        "description": "The call's own session unless said.",
    })
}

fn patch() -> Value {
    json!({"type": "object", "description": "A merge patch of the state: null takes a member out."})
}

fn limit() -> Value {
    json!({"type": ["integer", "null"], "minimum": 1, "maximum": List::MOST, "default": List::USUAL})
}

fn session() -> Value {
    let mut session = listed();
    session["properties"]["state"] = json!({"type": "object"});
    session["required"] = json!(["id", "state", "created_at", "expires_at"]);
    session
}

fn listed() -> Value {
    let time = || json!({"type": "string", "format": "date-time"});
    let listed = json!({"id": {"type": "string"}, "created_at": time(), "expires_at": time()});
    schema::object(listed, &["id", "created_at", "expires_at"])
}
