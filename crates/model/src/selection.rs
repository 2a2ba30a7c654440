//! `select=`: which fields, and which refs as objects.

use std::sync::Arc;

use crate::{BadValue, FieldId, Model, Models};

#[derive(Debug, Clone, PartialEq)]
pub struct Selection(pub Vec<Selected>);

#[derive(Debug, Clone, PartialEq)]
pub enum Selected {
    Field(FieldId),
    /// The ref's target as an object (null where the ref is null) under the ref's own name.
    Embed {
        field: FieldId,
        target: Arc<Model>,
        fields: Vec<FieldId>,
    },
}

impl Selection {
    /// Reads `title,director(name)`, `*`, `*,director(*)`. Text is the whole parameter; JSON callers join with commas.
    pub fn parse(models: &Models, model: &Model, text: &str) -> Result<Self, BadValue> {
        let _ = (models, model, text);
        todo!()
    }

    /// Every field, no object.
    pub fn all(model: &Model) -> Self {
        Self(model.ids().map(|(id, _)| Selected::Field(id)).collect())
    }
}
