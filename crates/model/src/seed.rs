//! How rows of a data file become records, and the records that they become.

mod cells;
mod definition;
mod ids;
mod order;
mod rows;

use std::path::PathBuf;
use std::sync::Arc;

use uuid::Uuid;

pub(crate) use definition::read_all;

use crate::{FieldId, Mistake, Model, Value};

/// One `data/*.seed.yaml`, checked.
#[derive(Debug, Clone)]
pub struct Seed {
    pub name: String,
    pub about: String,
    /// Where it is defined, and the data; both relative to the project's folder.
    pub definition: PathBuf,
    pub file: PathBuf,
    pub format: SeedFormat,
    pub model: Arc<Model>,
    /// Seeds that are loaded before.
    pub after: Vec<String>,
    /// Columns that name a row, for its id; none: its line number does.
    pub key: Vec<String>,
    pub fields: Vec<SeedField>,
    /// Columns that are left out on purpose.
    pub ignore: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeedFormat {
    Csv,
    JsonLines,
}

#[derive(Debug, Clone)]
pub struct SeedField {
    pub field: FieldId,
    pub origin: Origin,
}

/// Where a field's value comes from.
#[derive(Debug, Clone)]
pub enum Origin {
    Constant(Value),
    Column {
        column: String,
        /// How a date or time is written; the first that fits. Empty: as in the contract of types.
        formats: Vec<String>,
        null_if: Vec<String>,
        lookup: Option<Lookup>,
    },
}

/// A ref's target is found by the value of one of its unique fields.
#[derive(Debug, Clone)]
pub struct Lookup {
    pub target: Arc<Model>,
    pub field: FieldId,
    /// Make the target where there is none.
    pub create: bool,
}

/// One row as a record. Refs that are looked up stand in `lookups` only, for whoever has the store.
#[derive(Debug, Clone, PartialEq)]
pub struct SeedRecord {
    /// The row's line in the data file, from 1.
    pub line: usize,
    pub id: Uuid,
    /// What the seed says of the declared fields, nulls included, without `id`.
    pub fields: Vec<(FieldId, Value)>,
    pub lookups: Vec<Wanted>,
}

/// A target that a ref wants: the record of `target` whose field `by` has `value`.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// The ref field that gets the target's id.
    pub field: FieldId,
    pub target: Arc<Model>,
    pub by: FieldId,
    pub value: Value,
    pub create: bool,
    /// The id that the target gets where it is made. The same for the same value in every seed.
    pub id: Uuid,
}

impl Seed {
    /// Every row of the data file's text as a record, in the file's order, or what is wrong with it: no row is left
    /// out, and no column but the ignored ones. At most 100 mistakes.
    pub fn records(&self, text: &str) -> Result<Vec<SeedRecord>, Vec<Mistake>> {
        rows::records(self, text)
    }
}
