//! `order=`: by which fields, which way, where nulls go.

use crate::{BadValue, FieldId, Model};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Order {
    pub field: FieldId,
    pub descending: bool,
    pub nulls_first: bool,
}

impl Order {
    /// Reads `released.desc.nullslast`. Nulls come last when rising and first when falling, unless said.
    pub fn parse(model: &Model, text: &str) -> Result<Self, BadValue> {
        let _ = (model, text);
        todo!()
    }
}
