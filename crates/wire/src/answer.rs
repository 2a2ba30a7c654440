//! What a node answers: the body for the asker, and the facts that faces need without reading it.

use uuid::Uuid;

use crate::Body;

#[derive(Debug)]
pub struct Answer {
    pub meta: Meta,
    pub body: Body,
}

/// Facts beside the body; over HTTP they are headers.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, each of which travels by itself"
)]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Meta {
    /// The record's id, where the answer is about one record.
    pub id: Option<Uuid>,
    /// The record's `_version`; absent where the body shows more than the record itself (embedded refs).
    pub version: Option<i64>,
    pub created: bool,
    /// How many records match, where asked for.
    pub count: Option<Count>,
    /// How many records the body holds, for lists, and where the first stands.
    pub rows: Option<u64>,
    pub offset: u64,
    /// How many records were changed.
    pub affected: Option<u64>,
    /// Where the next page begins.
    pub cursor: Option<String>,
    /// The answer was kept from an earlier call with the same idempotency key.
    pub replayed: bool,
    /// The body was cut at a limit.
    pub truncated: bool,
    /// Nothing was kept: `dry_run`.
    pub rolled_back: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    pub records: u64,
    /// False for a planner's estimate.
    pub exact: bool,
}

impl Answer {
    pub fn json(bytes: impl Into<bytes::Bytes>) -> Self {
        Self {
            meta: Meta::default(),
            body: Body::json(bytes),
        }
    }
}
