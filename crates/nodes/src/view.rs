//! The models as callers with certain roles may know them: what they may not read has no name for them.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use access::{Fields, Grant, Policy, Principal};
use model::{Action, FieldId, Model, Models};
use store::PointRead;
use uuid::Uuid;
use wire::Catalogue;

use crate::plan;
use crate::question::Deleted;

/// Made once per set of roles.
pub(crate) struct View {
    /// Same places, but hidden fields have names that nobody can say: filters, orders and selections are read against
    /// these, so a hidden field and one that does not exist are answered alike.
    masked: Models,
    /// Real names, but full-text search does not look at hidden fields.
    searchable: HashMap<String, Arc<Model>>,
    policies: HashMap<String, Policy>,
    /// The reads of one record with all that may be seen, where all callers of the standing see the same.
    points: HashMap<String, OnceLock<Option<Arc<PointRead>>>>,
    pub(crate) catalogue: OnceLock<Arc<Catalogue>>,
}

impl View {
    pub(crate) fn new(models: &Models, principal: &Principal) -> Self {
        let mut masked = Vec::with_capacity(models.iter().len());
        let mut searchable = HashMap::new();
        let mut policies = HashMap::new();
        let mut points = HashMap::new();
        for model in models.iter() {
            let policy = Policy::of(model, principal);
            let fields = policy.fields(Action::Read);
            if fields == Some(&Fields::All) {
                masked.push(Arc::clone(model));
                searchable.insert(model.name.clone(), Arc::clone(model));
            } else {
                let is_hidden = |field: FieldId| fields.is_none_or(|fields| !fields.has(field));
                masked.push(Arc::new(mask(model, &is_hidden)));
                let mut model = Model::clone(model);
                let mut places = (0u16..).map(FieldId);
                for field in &mut model.fields {
                    field.search &= places.next().is_some_and(|place| !is_hidden(place));
                }
                searchable.insert(model.name.clone(), Arc::new(model));
            }
            policies.insert(model.name.clone(), policy);
            points.insert(model.name.clone(), OnceLock::new());
        }
        Self {
            masked: Models::new(masked),
            searchable,
            policies,
            points,
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
        self.touches(model, Action::Read, field)
    }

    pub(crate) fn allows(&self, model: &Model, action: Action) -> bool {
        let policy = self.policies.get(&model.name);
        policy.is_some_and(|policy| policy.allows(action))
    }

    /// Whether the action may touch the field.
    pub(crate) fn touches(&self, model: &Model, action: Action, field: FieldId) -> bool {
        let policy = self.policies.get(&model.name);
        let fields = policy.and_then(|policy| policy.fields(action));
        fields.is_some_and(|fields| fields.has(field))
    }

    /// `None` where the action is denied.
    pub(crate) fn grant(
        &self,
        model: &Model,
        action: Action,
        principal: &Principal,
    ) -> Option<Arc<Grant>> {
        self.policies.get(&model.name)?.grant(action, principal)
    }

    /// `None` where it depends on who asks.
    pub(crate) fn point_read(&self, model: &Arc<Model>) -> Option<&Arc<PointRead>> {
        let made = || {
            let grant = self.policies.get(&model.name)?.shared(Action::Read)?;
            let filter = plan::standing(model, Deleted::Exclude).and(grant.filter.clone());
            let read = PointRead::new(Arc::clone(model), &self.fields(model), filter);
            Some(Arc::new(read))
        };
        self.points.get(&model.name)?.get_or_init(made).as_ref()
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
