//! What the nodes of sessions take and answer: the hidden `session.put`, `session.get` and `session.delete`, and those
//! of sessions that people and programs carry from one channel to another.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Whose sessions these are; each kind has its own ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Of MCP as it was until its revision 2025-11-25.
    Mcp,
    /// Of whoever opened it, on any channel.
    Shared,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mcp => "mcp",
            Self::Shared => "shared",
        }
    }
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

/// A session that is carried between channels, as `session.open`, `session.read` and `session.write` answer it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Session {
    pub id: String,
    /// An object.
    pub state: Box<RawValue>,
    /// RFC 3339, in UTC.
    pub created_at: String,
    pub expires_at: String,
}

/// One of `session.list`; `session.read` tells its state.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Listed {
    pub id: String,
    pub created_at: String,
    pub expires_at: String,
}

/// Input of `session.open`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// An object of at most [`Put::LARGEST_STATE`] bytes; empty unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<Box<RawValue>>,
    /// Seconds without use after which it ends, to [`Put::LONGEST_TTL`]; [`Open::USUAL_TTL`] unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
}

impl Open {
    /// A day.
    pub const USUAL_TTL: u32 = 86_400;
}

/// Input of `session.read`, which counts as use, and of `session.close`. Without an id it is the call's own session.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// Input of `session.write`: a merge patch of the state (RFC 7396), in which null removes a member.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Write {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub set: Box<RawValue>,
}

/// Input of `session.list`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

impl List {
    pub const USUAL: u32 = 50;
    pub const MOST: u32 = 1_000;
}
