//! One call of a node: who, what, with what, and under which conditions.

use std::time::Instant;

use crate::{Body, Caller, Media, NodeName, Trace};

/// Arguments may stand in the query (`title=like.A*&limit=20`, the URL spelling) or in the body (JSON): one name in
/// both is a mistake. A mistake in the query is the request's (400), one in the body the values' (422).
#[derive(Debug)]
pub struct Call {
    pub node: NodeName,
    pub caller: Caller,
    /// Percent-encoded, without the `?`. A record's path id arrives here as `id=…`.
    pub query: String,
    pub input: Body,
    pub options: Options,
    pub deadline: Option<Instant>,
    pub trace: Trace,
}

/// What every node understands, the same on every face.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// The kind of content wanted back.
    pub accept: Media,
    pub if_version: Option<IfVersion>,
    /// 1 to 255 printable ASCII characters.
    pub idempotency_key: Option<String>,
    /// Do everything, then roll back.
    pub dry_run: bool,
    pub count: CountWish,
    /// Refuse, changing nothing, where more records than this would change.
    pub max_affected: Option<u64>,
    pub reply: Reply,
    pub session: Option<String>,
    pub step: Option<Step>,
}

/// `If-Match`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfVersion {
    /// `*`: the record must exist.
    Any,
    OneOf(Vec<i64>),
}

impl IfVersion {
    pub fn admits(&self, version: i64) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(versions) => versions.contains(&version),
        }
    }
}

/// Whether a list also says how many records match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CountWish {
    #[default]
    None,
    /// The planner's estimate (exact on SQLite).
    Planned,
    Exact,
}

/// Whether a write answers with the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reply {
    #[default]
    Representation,
    Minimal,
}

/// The workflow step that makes a call: its effect happens once for (run, epoch, path), under the lease.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub run: uuid::Uuid,
    pub epoch: u32,
    pub path: String,
    pub lease: uuid::Uuid,
}

impl Call {
    /// Whether its records are taken as they come, in any number: each stands by itself, and none is answered.
    pub fn is_import(&self) -> bool {
        matches!(self.node.verb(), "bulk_create" | "bulk_upsert")
            && self.input.media != Media::Json
            && self.options.reply == Reply::Minimal
    }

    /// A call without conditions: JSON in, JSON out.
    pub fn new(node: NodeName, caller: Caller, input: Body) -> Self {
        Self {
            node,
            caller,
            query: String::new(),
            input,
            options: Options::default(),
            deadline: None,
            trace: Trace::random(),
        }
    }
}
