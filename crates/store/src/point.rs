//! One record by its id: a read of which all but the id is known beforehand.

use std::sync::{Arc, OnceLock};

use model::{FieldId, Filter, Model, Value};
use uuid::Uuid;

use crate::sql::{self, Statement};
use crate::{Column, Engine, Select};

/// Made once for all callers with the same policy and the same wish, and kept: reads through the same one may share a
/// statement, so there must be no `$caller` in its filter and no caller's own value.
pub struct PointRead {
    pub(crate) model: Arc<Model>,
    pub(crate) columns: Vec<Column>,
    pub(crate) filter: Filter,
    one: OnceLock<Statement>,
    several: OnceLock<Statement>,
}

impl PointRead {
    /// `filter` is what policy asks, and whether deleted records are there.
    pub fn new(model: Arc<Model>, fields: &[FieldId], filter: Filter) -> Self {
        Self {
            model,
            columns: fields.iter().copied().map(Column::Field).collect(),
            filter,
            one: OnceLock::new(),
            several: OnceLock::new(),
        }
    }

    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The same read of one id, for a transaction.
    pub fn select(&self, id: Uuid) -> Select {
        Select {
            model: Arc::clone(&self.model),
            columns: self.columns.clone(),
            filter: Filter::eq(FieldId::ID, Value::Uuid(id)).and(self.filter.clone()),
            order: Vec::new(),
            after: None,
            limit: 1,
            offset: 0,
            search: None,
        }
    }

    /// Its first argument stands for the id. A store has one engine, so one text is enough.
    pub(crate) fn one(&self, engine: Engine) -> &Statement {
        self.one.get_or_init(|| sql::point(engine, self, false))
    }

    /// Its first argument stands for a list of ids. PostgreSQL only.
    pub(crate) fn several(&self) -> &Statement {
        self.several
            .get_or_init(|| sql::point(Engine::Postgres, self, true))
    }
}
