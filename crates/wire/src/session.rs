//! What the hidden nodes `session.put`, `session.get` and `session.delete` take and answer.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Whose sessions these are; each kind has its own ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Of MCP as it was until its revision 2025-11-25.
    Mcp,
}

/// Input of `session.put`: makes the session, or replaces the caller's own.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Put {
    /// At most [`Put::LONGEST_ID`] visible characters of ASCII.
    pub id: String,
    pub kind: Kind,
    /// At most [`Put::LARGEST_STATE`] bytes; kept as it is.
    pub state: Box<RawValue>,
    /// Seconds without use after which it ends, to [`Put::LONGEST_TTL`].
    pub ttl: u32,
}

impl Put {
    pub const LONGEST_ID: usize = 128;
    pub const LARGEST_STATE: usize = 64 * 1024;
    /// Thirty days.
    pub const LONGEST_TTL: u32 = 2_592_000;
}

/// Input of `session.get`, which counts as use, and of `session.delete`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Get {
    pub id: String,
    pub kind: Kind,
}

/// Output of `session.get`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    pub id: String,
    pub kind: Kind,
    pub state: Box<RawValue>,
    /// RFC 3339, in UTC.
    pub created_at: String,
    pub expires_at: String,
}
