//! Which changes a caller sees: those of records that the caller may read as they are now, or as they were when they
//! were deleted for good.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Weak};

use access::{Grant, Principal};
use model::{Action, FieldId, Filter, Model, System, Value};
use serde_json::value::RawValue;
use store::{Change, Error, Store};
use uuid::Uuid;

use super::feed::Batch;
use crate::live::Live;

/// A caller's rights, as far as changes go. Models that are not here are hidden or not asked for.
pub(super) struct Sight {
    models: HashMap<String, (Arc<Model>, Seen)>,
    /// Not kept from its end, which is when the last call that began with it ends.
    live: Weak<Live>,
}

enum Seen {
    All,
    /// Asks for nothing but what stands in each change.
    ByChange(Arc<Grant>),
    ByRecord(Arc<Grant>),
}

impl Sight {
    pub(super) fn new(
        live: &Arc<Live>,
        principal: &Principal,
        wanted: Option<&BTreeSet<String>>,
    ) -> Self {
        let view = live.view(principal);
        let is_wanted =
            |model: &&Arc<Model>| wanted.is_none_or(|names| names.contains(&model.name));
        let seen = |model: &Arc<Model>| {
            let grant = view.grant(model, Action::Read, principal)?;
            let seen = Seen::by(model, grant);
            Some((model.name.clone(), (Arc::clone(model), seen)))
        };
        Self {
            models: live
                .models
                .iter()
                .filter(is_wanted)
                .filter_map(seen)
                .collect(),
            live: Arc::downgrade(live),
        }
    }

    /// Whether the models are still those that the sight was made of.
    pub(super) fn is_of(&self, live: &Arc<Live>) -> bool {
        std::ptr::eq(self.live.as_ptr(), Arc::as_ptr(live))
    }

    /// Whether records must be looked at.
    pub(super) fn needs_store(&self, batch: &Batch) -> bool {
        let needs = |change: &Change| {
            matches!(self.models.get(&change.model), Some((_, Seen::ByRecord(_))))
                && change.gone.is_none()
        };
        batch.told.iter().any(|told| needs(&told.change))
    }

    /// One truth for each change of the batch; those of records are left open.
    pub(super) fn at_once(&self, batch: &Batch) -> Vec<bool> {
        let sees = |change: &Change| match self.models.get(&change.model) {
            None => false,
            Some((_, Seen::All)) => true,
            Some((model, Seen::ByChange(grant))) => holds(model, &grant.filter, change),
            Some((model, Seen::ByRecord(grant))) => {
                change.gone.is_some() && holds(model, &grant.filter, change)
            }
        };
        batch.told.iter().map(|told| sees(&told.change)).collect()
    }

    /// The same with the records looked at: one statement a model.
    pub(super) async fn in_store(&self, store: &Store, batch: &Batch) -> Result<Vec<bool>, Error> {
        let mut seen = self.at_once(batch);
        let mut asked: HashMap<&str, Vec<(usize, Uuid)>> = HashMap::new();
        for (index, told) in batch.told.iter().enumerate() {
            let change = &told.change;
            if let Some((model, Seen::ByRecord(_))) = self.models.get(&change.model)
                && change.gone.is_none()
            {
                let places = asked.entry(&model.name).or_default();
                places.push((index, change.record));
            }
        }
        for (name, places) in asked {
            let Some((model, Seen::ByRecord(grant))) = self.models.get(name) else {
                continue;
            };
            let ids: BTreeSet<Uuid> = places.iter().map(|(_, id)| *id).collect();
            let ids: Vec<_> = ids.into_iter().collect();
            let ask = Box::pin(store.which(model, &ids, grant.filter.clone()));
            let found = batch.found(grant, ask).await?;
            for (index, id) in places {
                seen[index] = found.get().is_some_and(|found| found.contains(&id));
            }
        }
        Ok(seen)
    }
}

impl Seen {
    fn by(model: &Model, grant: Arc<Grant>) -> Self {
        if grant.filter == Filter::True {
            return Self::All;
        }
        let tenant = model.system(System::Tenant);
        let mut in_change = true;
        grant
            .filter
            .fields(&mut |field| in_change &= field == FieldId::ID || Some(field) == tenant);
        if in_change {
            Self::ByChange(grant)
        } else {
            Self::ByRecord(grant)
        }
    }
}

/// By what stands in the change itself. What it does not tell admits nobody.
fn holds(model: &Model, filter: &Filter, change: &Change) -> bool {
    let gone = change.gone.as_deref().unwrap_or("{}");
    let Ok(gone) = serde_json::from_str::<HashMap<String, Box<RawValue>>>(gone) else {
        return false;
    };
    let tenant = change.tenant.clone().map_or(Value::Null, Value::Text);
    let mut values = HashMap::from([(FieldId::ID, Value::Uuid(change.record))]);
    if let Some(field) = model.system(System::Tenant) {
        values.insert(field, tenant);
    }
    let mut known = true;
    filter.fields(&mut |id| {
        let field = model.field(id);
        let value = gone
            .get(&field.name)
            .map(|raw| Value::from_json(field, raw));
        match value {
            Some(Ok(value)) => drop(values.insert(id, value)),
            _ => known &= values.contains_key(&id),
        }
    });
    known && filter.holds(model, &|field| values.get(&field).unwrap_or(&Value::Null)) == Some(true)
}

#[cfg(test)]
mod tests {
    use model::{Field, Kind, ModelOptions, Test};
    use store::{Op, Position};

    use super::*;

    fn note() -> Model {
        let field = |name, kind, system| Field {
            system,
            ..Field::new(name, kind)
        };
        Model {
            name: "Note".to_owned(),
            path: "note".to_owned(),
            about: String::new(),
            was: None,
            fields: vec![
                field("id", Kind::Uuid, Some(System::Id)),
                field("owner", Kind::Text, None),
                field("rank", Kind::Int, None),
                field("tenant", Kind::Text, Some(System::Tenant)),
            ],
            uniques: Vec::new(),
            indexes: Vec::new(),
            options: ModelOptions::default(),
            access: Vec::new(),
        }
    }

    #[test]
    fn what_a_change_does_not_tell_admits_nobody() {
        let (owner, rank, tenant) = (FieldId(1), FieldId(2), FieldId(3));
        let anns = Filter::eq(owner, Value::Text("ann".to_owned()));
        let unowned = Filter::is_null(owner);
        let acmes = Filter::eq(tenant, Value::Text("acme".to_owned()));
        let high = Filter::Test {
            field: rank,
            test: Test::In(vec![model::Operand::Value(Value::Int(9))]),
        };
        let not = |filter: &Filter| Filter::Not(Box::new(filter.clone()));
        for (filter, gone, expected) in [
            (&anns, Some("{\"owner\":\"ann\"}"), true),
            (&anns, Some("{\"owner\":\"bob\"}"), false),
            (&anns, Some("{\"owner\":null}"), false),
            (&not(&anns), Some("{\"owner\":\"bob\"}"), true),
            (&unowned, Some("{\"owner\":null}"), true),
            // The rules of then did not ask for the field, so it was not kept.
            (&anns, None, false),
            (&not(&anns), None, false),
            (&unowned, None, false),
            (&unowned, Some("{\"rank\":9}"), false),
            (&anns.clone().or(high.clone()), Some("{\"rank\":9}"), false),
            // The field was of another type then.
            (&high, Some("{\"rank\":\"nine\"}"), false),
            (&not(&high), Some("{\"rank\":\"nine\"}"), false),
            (&high, Some("{\"rank\":9}"), true),
            (&acmes, None, true),
            (&not(&acmes), None, false),
            (
                &acmes.clone().and(anns.clone()),
                Some("{\"owner\":\"ann\"}"),
                true,
            ),
        ] {
            let change = Change {
                position: Position::default(),
                at: jiff::Timestamp::UNIX_EPOCH,
                model: "Note".to_owned(),
                record: Uuid::nil(),
                op: Op::Delete,
                version: 1,
                tenant: Some("acme".to_owned()),
                gone: gone.map(str::to_owned),
            };
            let told = holds(&note(), filter, &change);
            assert_eq!(told, expected, "{filter:?} of {gone:?}");
        }
    }
}
