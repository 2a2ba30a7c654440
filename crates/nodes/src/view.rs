//! The models as callers with certain roles may know them: what they may not read has no name for them.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use access::{Decision, Fields, Policy, Principal};
use model::{Action, FieldId, Model, Models};
use uuid::Uuid;
use wire::Catalogue;

/// Made once per set of roles.
pub(crate) struct View {
    /// Same places, but hidden fields have names that nobody can say: filters, orders and selections are read against
    /// these, so a hidden field and one that does not exist are answered alike.
    masked: Models,
    /// Real names, but full-text search does not look at hidden fields.
    searchable: HashMap<String, Arc<Model>>,
    readable: HashMap<String, Fields>,
    pub(crate) catalogue: OnceLock<Arc<Catalogue>>,
}

impl View {
    pub(crate) fn new(models: &Models, principal: &Principal) -> Self {
        let mut masked = Vec::with_capacity(models.iter().len());
        let mut searchable = HashMap::new();
        let mut readable = HashMap::new();
        for model in models.iter() {
            let fields = match Policy::decide(model, Action::Read, principal) {
                Decision::Allowed(grant) => Some(grant.fields),
                Decision::Denied => None,
            };
            if fields == Some(Fields::All) {
                masked.push(Arc::clone(model));
                searchable.insert(model.name.clone(), Arc::clone(model));
            } else {
                let is_hidden =
                    |field: FieldId| fields.as_ref().is_none_or(|fields| !fields.has(field));
                masked.push(Arc::new(mask(model, &is_hidden)));
                let mut model = Model::clone(model);
                let mut places = (0u16..).map(FieldId);
                for field in &mut model.fields {
                    field.search &= places.next().is_some_and(|place| !is_hidden(place));
                }
                searchable.insert(model.name.clone(), Arc::new(model));
            }
            if let Some(fields) = fields {
                readable.insert(model.name.clone(), fields);
            }
        }
        Self {
            masked: Models::new(masked),
            searchable,
            readable,
            catalogue: OnceLock::new(),
        }
    }

    pub(crate) fn masked(&self) -> &Models {
        &self.masked
    }

    pub(crate) fn masked_model<'a>(&'a self, model: &'a Arc<Model>) -> &'a Arc<Model> {
        self.masked.get(&model.name).unwrap_or(model)
    }

    pub(crate) fn searchable<'a>(&'a self, model: &'a Arc<Model>) -> &'a Arc<Model> {
        self.searchable.get(&model.name).unwrap_or(model)
    }

    pub(crate) fn shows(&self, model: &Model, field: FieldId) -> bool {
        self.readable
            .get(&model.name)
            .is_some_and(|fields| fields.has(field))
    }

    /// The fields of the model that may be read, in its order.
    pub(crate) fn fields(&self, model: &Model) -> Vec<FieldId> {
        let shown = |(id, _): &(FieldId, _)| self.shows(model, *id);
        model.ids().filter(shown).map(|(id, _)| id).collect()
    }
}

fn mask(model: &Model, is_hidden: &dyn Fn(FieldId) -> bool) -> Model {
    let mut model = model.clone();
    let mut places = (0u16..).map(FieldId);
    for field in &mut model.fields {
        if places.next().is_some_and(is_hidden) {
            // Two random UUIDs are too far from any text for a `did you mean` as well.
            field.name = format!("\0{}{}", Uuid::now_v7(), Uuid::now_v7());
        }
    }
    model
}
