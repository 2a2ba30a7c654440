//! What becomes of runs, all of them, for whoever listens: what the hidden node `run.changes` takes and answers.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::Run;

/// Input of `run.changes`. Of the runs that the caller may see it tells of those that began, began to wait or ended behind
/// a place, that emitted something, and that went on again. Reading on behind the last place misses what was committed
/// late: who must know all reads the last seconds again, and leaves out what it was told.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Since {
    /// Unless said nothing is told but what time it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Place>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// Of each kind of news; 100 unless said, 1,000 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Of one piece of news among all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    pub at: String,
    /// Which of those of that moment.
    #[serde(default)]
    pub run: Uuid,
    /// A step's.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
}

/// Output of `run.changes`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Changes {
    /// In the order of their moments.
    pub changes: Vec<Change>,
    /// Where to go on; absent where nothing was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Place>,
    /// There is more behind it already.
    pub more: bool,
    /// What time it was before this was looked for.
    pub now: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Change {
    /// When something became of it.
    pub at: String,
    pub what: Changed,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Changed {
    /// As it is now, once in an answer.
    Run(Box<Run>),
    Emit(Emitted),
}

/// What a step `emit` answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Said {
    pub name: String,
    pub payload: Box<RawValue>,
}

/// What a step `emit` told, and which.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Emitted {
    pub run: Uuid,
    pub workflow: String,
    /// The step's path.
    pub step: String,
    pub name: String,
    pub payload: Box<RawValue>,
    pub at: String,
}
