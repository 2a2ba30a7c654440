//! Reads, as values: what is wanted, free of any dialect. Policy is already in the filters.

use std::sync::Arc;

use bytes::Bytes;
use model::{FieldId, Filter, Model, Order, Value};
use uuid::Uuid;

/// A page of records of one model, as JSON objects, JSON Lines or CSV.
#[derive(Debug, Clone)]
pub struct Select {
    pub model: Arc<Model>,
    pub columns: Vec<Column>,
    /// No `$caller` left in it: see [`Filter::bind`].
    pub filter: Filter,
    /// Ends with a unique field (`id`), so that it is total.
    pub order: Vec<Order>,
    /// The order's values of the last record of the page before.
    pub after: Option<Vec<Value>>,
    pub limit: u64,
    pub offset: u64,
    pub search: Option<TextSearch>,
}

impl Select {
    /// As `limit`: more records than any table has.
    pub const ALL: u64 = 1 << 62;
}

/// What stands in a record's object.
#[derive(Debug, Clone)]
pub enum Column {
    Field(FieldId),
    /// The ref's target as an object with `fields`, null where there is none or `filter` hides it.
    Embed {
        field: FieldId,
        target: Arc<Model>,
        fields: Vec<FieldId>,
        filter: Filter,
    },
}

/// Records whose `search` fields hold all words of the text; best first unless `order` is given.
#[derive(Debug, Clone)]
pub struct TextSearch {
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    JsonArray,
    JsonLines,
    Csv,
}

/// A page as the asker gets it.
#[derive(Debug)]
pub struct Page {
    pub body: Bytes,
    pub rows: u64,
    /// The order's values of the last record, where there is a record after it.
    pub next: Option<Vec<Value>>,
}

/// One record as the asker gets it.
#[derive(Debug, Clone)]
pub struct Record {
    pub id: Uuid,
    pub version: i64,
    pub body: Bytes,
}

#[derive(Debug, Clone)]
pub struct Aggregate {
    pub model: Arc<Model>,
    pub filter: Filter,
    pub group: Vec<FieldId>,
    /// Name in the answer, and what is measured.
    pub measures: Vec<(String, Measure)>,
    /// Index into group, then measures; descending.
    pub order: Vec<(usize, bool)>,
    pub limit: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    Count,
    /// Values that are not null.
    CountOf(FieldId),
    CountDistinct(FieldId),
    /// Of ints: a decimal text, as of decimals. Of floats: a number.
    Sum(FieldId),
    /// Of ints and decimals: a decimal text, rounded half to even at 20 digits after the point, trailing zeros cut. Of floats: a number.
    Avg(FieldId),
    Min(FieldId),
    Max(FieldId),
}
