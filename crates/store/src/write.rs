//! Writes, as values. Each writes its outbox rows in the same transaction by itself.

use std::sync::Arc;

use bytes::Bytes;
use model::{FieldId, Filter, Model, Value};
use uuid::Uuid;

use crate::Column;

#[derive(Debug, Clone)]
pub enum Write {
    Insert(Insert),
    Update(Update),
    Delete(Delete),
}

impl Write {
    pub fn model(&self) -> &Model {
        match self {
            Self::Insert(insert) => &insert.model,
            Self::Update(update) => &update.model,
            Self::Delete(delete) => &delete.model,
        }
    }
}

/// What the outbox says happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Create,
    Update,
    Delete,
    Restore,
}

#[derive(Debug, Clone)]
pub struct Insert {
    pub model: Arc<Model>,
    /// Which fields the rows give, system columns included (`id`, `created_at`, `_version` = 1, …).
    pub fields: Vec<FieldId>,
    pub rows: Vec<Vec<Value>>,
    pub guards: Vec<Guard>,
    pub conflict: Option<Conflict>,
    /// Nothing where the answer is minimal.
    pub returning: Vec<Column>,
}

/// The row that `field` points to must exist and satisfy `filter` (not deleted, same tenant); else `NoTarget`.
/// Null points nowhere and is fine. Only needed where the foreign key says too little.
#[derive(Debug, Clone)]
pub struct Guard {
    pub field: FieldId,
    pub target: Arc<Model>,
    pub filter: Filter,
}

/// Upsert: where a live record has the same `on`, `update` is taken over and `_version` raised instead.
/// Atomic under concurrency.
#[derive(Debug, Clone)]
pub struct Conflict {
    /// `[id]`, or one of the model's uniques.
    pub on: Vec<FieldId>,
    pub update: Vec<FieldId>,
    /// The existing record must satisfy it, else the row comes back as `None`.
    pub filter: Filter,
}

/// `_version` is raised by one always.
#[derive(Debug, Clone)]
pub struct Update {
    pub model: Arc<Model>,
    pub set: Vec<(FieldId, Value)>,
    pub filter: Filter,
    pub guards: Vec<Guard>,
    pub returning: Vec<Column>,
    /// `Update`, or `Delete` and `Restore` for models with soft delete.
    pub op: Op,
}

#[derive(Debug, Clone)]
pub struct Delete {
    pub model: Arc<Model>,
    pub filter: Filter,
    pub returning: Vec<Column>,
    /// What the outbox keeps of the records: whoever asks later what they may know of it finds no row any more.
    pub kept: Vec<FieldId>,
}

/// For inserts in the order of the rows, `None` where `Conflict::filter` refused; for others every changed record.
#[derive(Debug, Clone)]
pub struct Written {
    pub rows: Vec<Option<WrittenRow>>,
}

#[derive(Debug, Clone)]
pub struct WrittenRow {
    pub id: Uuid,
    pub version: i64,
    pub created: bool,
    /// The record by `returning`; empty where that is.
    pub body: Bytes,
}

/// An answer kept under an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// [`wire::AnswerParts`]' header text, and the body.
    pub meta: String,
    pub body: Bytes,
}

/// What a transaction found under an idempotency key (caller, node, key), which it now holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Nobody used it: carry out the call and [`crate::Tx::keep`] its answer.
    Fresh,
    Replay(Kept),
    /// Used with another hash.
    Mismatch,
    /// Another transaction holds it right now.
    InFlight,
}

/// A row of API keys. The secret itself is never stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// Public part, found in the token: 12 characters.
    pub id: String,
    pub name: String,
    /// SHA-256 of the secret part.
    pub hash: [u8; 32],
    pub roles: Vec<String>,
    pub tenant: Option<String>,
    /// What it is good for; `None` where that is all that its roles allow.
    pub scopes: Option<Vec<String>>,
    pub created_at: jiff::Timestamp,
    pub expires_at: Option<jiff::Timestamp>,
    pub revoked_at: Option<jiff::Timestamp>,
}
