//! The records that changes are of, as triggers know them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use model::{FieldId, Filter, Model, Object, Operand, Order, System, Test, Value};
use serde_json::{Map, Value as Json};
use store::{Change, Column, Error, Format, Position, Select, Store};
use uuid::Uuid;

/// As the records are now, whatever anybody may see of them; those that went for good as they were.
pub(super) struct Known<'a> {
    model: &'a Model,
    records: HashMap<Uuid, Json>,
}

impl<'a> Known<'a> {
    /// All changes are the model's.
    pub(super) async fn of(
        store: &Store,
        model: &'a Arc<Model>,
        changes: &[&Change],
    ) -> Result<Self, Error> {
        let there = changes.iter().filter(|change| change.gone.is_none());
        let ids: BTreeSet<Uuid> = there.map(|change| change.record).collect();
        let mut known = Self {
            model,
            records: HashMap::new(),
        };
        if ids.is_empty() {
            return Ok(known);
        }
        let select = select(model, &ids);
        let page = store.list(&select, Format::JsonArray, None).await?;
        let records = serde_json::from_slice::<Vec<Json>>(&page.body);
        let garbled = |error| Error::Internal(format!("records that cannot be read: {error}"));
        let records = records.map_err(garbled)?;
        for record in records {
            let id = record["id"].as_str().and_then(|id| id.parse().ok());
            known.records.extend(id.map(|id| (id, record)));
        }
        // They went after the change.
        let is_gone = |id: &Uuid| !known.records.contains_key(id);
        let gone: Vec<_> = ids.into_iter().filter(is_gone).collect();
        let first = changes
            .first()
            .map_or_else(Position::default, |change| change.position);
        if !gone.is_empty() {
            for (id, kept, tenant) in store.gone(&model.name, &gone, first).await? {
                known
                    .records
                    .extend(was(model, id, tenant.as_deref(), &kept).map(|was| (id, was)));
            }
        }
        Ok(known)
    }

    pub(super) fn record(&self, change: &Change) -> Option<Json> {
        match &change.gone {
            Some(gone) => was(self.model, change.record, change.tenant.as_deref(), gone),
            None => self.records.get(&change.record).cloned(),
        }
    }
}

fn select(model: &Arc<Model>, ids: &BTreeSet<Uuid>) -> Select {
    let operand = |id: &Uuid| Operand::Value(Value::Uuid(*id));
    Select {
        model: Arc::clone(model),
        columns: model.ids().map(|(id, _)| Column::Field(id)).collect(),
        filter: Filter::Test {
            field: FieldId::ID,
            test: Test::In(ids.iter().map(operand).collect()),
        },
        order: vec![Order {
            field: FieldId::ID,
            descending: false,
            nulls_first: false,
        }],
        after: None,
        // The same text for any number of ids, so that it is prepared once.
        limit: super::PAGE,
        offset: 0,
        search: None,
    }
}

/// The record as it was when it went. What is not kept of it is null.
fn was(model: &Model, id: Uuid, tenant: Option<&str>, kept: &str) -> Option<Json> {
    let kept = Object::parse(kept).ok()?;
    let mut record = Map::new();
    for field in &model.fields {
        let value = match field.system {
            Some(System::Id) => id.to_string().into(),
            Some(System::Tenant) => tenant.into(),
            _ => {
                let value = kept
                    .get(&field.name)
                    .map(|raw| Value::from_json(field, raw));
                let mut text = Vec::new();
                value
                    .and_then(Result::ok)
                    .unwrap_or(Value::Null)
                    .write_json(&mut text);
                serde_json::from_slice(&text).ok()?
            }
        };
        record.insert(field.name.clone(), value);
    }
    Some(Json::Object(record))
}
