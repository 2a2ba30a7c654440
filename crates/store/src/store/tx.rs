//! A transaction, on either engine.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use model::{FieldId, Filter, Operand, Test, Value};
use tokio::sync::Notify;
use uuid::Uuid;

use super::{Engine, targets};
use crate::postgres::{self, Postgres, PostgresTx};
use crate::run::Texts;
use crate::sqlite::{self, Sqlite, SqliteTx};
use crate::{
    Aggregate, Claim, Error, Format, Guard, Kept, Page, Record, Select, Violation, Write, Written,
    pages, sql,
};

/// Dropped without `commit` it is rolled back.
pub struct Tx {
    inner: Inner,
    news: Arc<Notify>,
}

#[expect(clippy::large_enum_variant, reason = "lives on the stack of one call")]
enum Inner {
    Postgres(PostgresTx),
    Sqlite(SqliteTx),
}

impl Tx {
    pub(super) async fn postgres(
        store: Arc<Postgres>,
        news: Arc<Notify>,
        deadline: Option<Instant>,
    ) -> Result<Self, Error> {
        Ok(Self {
            news,
            inner: Inner::Postgres(PostgresTx::begin(store, deadline).await?),
        })
    }

    pub(super) async fn sqlite(
        store: Arc<Sqlite>,
        news: Arc<Notify>,
        deadline: Option<Instant>,
    ) -> Result<Self, Error> {
        Ok(Self {
            news,
            inner: Inner::Sqlite(SqliteTx::begin(store, deadline).await?),
        })
    }

    pub(super) fn engine(&self) -> Engine {
        match self.inner {
            Inner::Postgres(_) => Engine::Postgres,
            Inner::Sqlite(_) => Engine::Sqlite,
        }
    }

    /// A statement whose columns are all texts.
    pub(super) async fn texts(&mut self, statement: sql::Statement) -> Result<Vec<Texts>, Error> {
        match &mut self.inner {
            Inner::Postgres(tx) => postgres::texts(&tx.rows(&statement).await?),
            Inner::Sqlite(tx) => tx.rows(statement, sqlite::texts).await,
        }
    }

    pub async fn read(&mut self, select: &Select) -> Result<Option<Record>, Error> {
        let statement = sql::select(self.engine(), select);
        match &mut self.inner {
            Inner::Postgres(tx) => {
                let rows = tx.rows(&statement).await?;
                rows.first()
                    .map(|row| postgres::record(row, &select.model, &select.columns))
                    .transpose()
            }
            Inner::Sqlite(tx) => {
                let select = select.clone();
                tx.rows(statement, move |rows| pages::first(rows, &select))
                    .await
            }
        }
    }

    pub async fn list(&mut self, select: &Select, format: Format) -> Result<Page, Error> {
        let statement = sql::list(self.engine(), select);
        match &mut self.inner {
            Inner::Postgres(tx) => pages::postgres(&tx.rows(&statement).await?, select, format),
            Inner::Sqlite(tx) => {
                let select = select.clone();
                tx.rows(statement, move |rows| pages::sqlite(rows, &select, format))
                    .await
            }
        }
    }

    pub async fn count(&mut self, select: &Select) -> Result<u64, Error> {
        let statement = sql::count(self.engine(), select);
        match &mut self.inner {
            Inner::Postgres(tx) => postgres::number(&tx.rows(&statement).await?),
            Inner::Sqlite(tx) => tx.rows(statement, sqlite::number).await,
        }
    }

    pub async fn aggregate(&mut self, aggregate: &Aggregate) -> Result<Page, Error> {
        let statement = sql::aggregate(self.engine(), aggregate);
        match &mut self.inner {
            Inner::Postgres(tx) => {
                pages::postgres_aggregate(&tx.rows(&statement).await?, aggregate)
            }
            Inner::Sqlite(tx) => {
                let aggregate = aggregate.clone();
                tx.rows(statement, move |rows| {
                    pages::sqlite_aggregate(rows, &aggregate)
                })
                .await
            }
        }
    }

    /// Ids and versions of the records that the filter finds, locked until the transaction ends, at most `limit`.
    pub async fn lock(&mut self, select: &Select) -> Result<Vec<(Uuid, i64)>, Error> {
        let statement = sql::lock(self.engine(), select);
        match &mut self.inner {
            Inner::Postgres(tx) => {
                let rows = tx.rows(&statement).await?;
                let record = |row| {
                    postgres::record(row, &select.model, &[])
                        .map(|record| (record.id, record.version))
                };
                rows.iter().map(record).collect()
            }
            Inner::Sqlite(tx) => {
                let model = Arc::clone(&select.model);
                tx.rows(statement, move |rows| pages::ids(rows, &model))
                    .await
            }
        }
    }

    pub async fn write(&mut self, write: &Write) -> Result<Written, Error> {
        self.check_guards(write).await?;
        if let Write::Insert(insert) = write
            && insert.conflict.is_some()
            && insert.rows.len() > 1
        {
            let mut written = Written {
                rows: Vec::with_capacity(insert.rows.len()),
            };
            for row in &insert.rows {
                let one = Write::Insert(crate::Insert {
                    rows: vec![row.clone()],
                    guards: Vec::new(),
                    ..insert.clone()
                });
                written.rows.extend(self.run(&one).await?.rows);
            }
            return Ok(written);
        }
        self.run(write).await
    }

    async fn run(&mut self, write: &Write) -> Result<Written, Error> {
        match &mut self.inner {
            Inner::Postgres(tx) => tx.write(write).await,
            Inner::Sqlite(tx) => tx.write(write).await,
        }
    }

    /// Locks what is pointed to, so that it stays as it must be until the transaction ends.
    async fn check_guards(&mut self, write: &Write) -> Result<(), Error> {
        let (model, guards): (_, Vec<(&Guard, BTreeSet<Uuid>)>) = match write {
            Write::Insert(insert) => {
                let ids = |guard| (guard, targets(insert, guard).collect());
                (&insert.model, insert.guards.iter().map(ids).collect())
            }
            Write::Update(update) => {
                let ids = |guard: &Guard| {
                    let set = update.set.iter().filter(|(field, _)| *field == guard.field);
                    set.filter_map(|(_, value)| {
                        if let Value::Uuid(id) = value {
                            Some(*id)
                        } else {
                            None
                        }
                    })
                    .collect()
                };
                (
                    &update.model,
                    update
                        .guards
                        .iter()
                        .map(|guard| (guard, ids(guard)))
                        .collect(),
                )
            }
            Write::Delete(_) => return Ok(()),
        };
        for (guard, ids) in guards.into_iter().filter(|(_, ids)| !ids.is_empty()) {
            let operands = ids
                .iter()
                .map(|id| Operand::Value(Value::Uuid(*id)))
                .collect();
            let select = Select {
                model: Arc::clone(&guard.target),
                columns: Vec::new(),
                filter: Filter::Test {
                    field: FieldId::ID,
                    test: Test::In(operands),
                }
                .and(guard.filter.clone()),
                order: Vec::new(),
                after: None,
                limit: ids.len() as u64,
                offset: 0,
                search: None,
            };
            if self.lock(&select).await?.len() < ids.len() {
                let field = model.field(guard.field).name.clone();
                return Err(Error::Violation(Violation::NoTarget {
                    model: model.name.clone(),
                    field,
                }));
            }
        }
        Ok(())
    }

    /// What follows can be undone by itself. They nest.
    pub async fn savepoint(&mut self) -> Result<(), Error> {
        match &mut self.inner {
            Inner::Postgres(tx) => tx.savepoint().await,
            Inner::Sqlite(tx) => tx.savepoint().await,
        }
    }

    /// Keeps what followed the last savepoint.
    pub async fn release(&mut self) -> Result<(), Error> {
        match &mut self.inner {
            Inner::Postgres(tx) => tx.release().await,
            Inner::Sqlite(tx) => tx.release().await,
        }
    }

    /// Undoes what followed the last savepoint, and forgets it.
    pub async fn undo(&mut self) -> Result<(), Error> {
        match &mut self.inner {
            Inner::Postgres(tx) => tx.undo().await,
            Inner::Sqlite(tx) => tx.undo().await,
        }
    }

    /// From now on the transaction may wait between its statements for as long as its owner does.
    pub async fn be_patient(&mut self) -> Result<(), Error> {
        match &mut self.inner {
            Inner::Postgres(tx) => tx.be_patient().await,
            Inner::Sqlite(_) => Ok(()),
        }
    }

    /// Takes the idempotency key for this transaction. Never waits for another holder.
    pub async fn claim(
        &mut self,
        caller: &str,
        node: &str,
        key: &str,
        hash: &[u8; 32],
    ) -> Result<Claim, Error> {
        match &mut self.inner {
            Inner::Postgres(tx) => tx.claim(caller, node, key, hash).await,
            Inner::Sqlite(tx) => tx.claim(caller, node, key, hash).await,
        }
    }

    /// Keeps the answer under the key claimed before, and the hash of what was asked, which may only be known now.
    pub async fn keep(
        &mut self,
        caller: &str,
        node: &str,
        key: &str,
        hash: &[u8; 32],
        kept: &Kept,
    ) -> Result<(), Error> {
        match &mut self.inner {
            Inner::Postgres(tx) => tx.keep(caller, node, key, hash, kept).await,
            Inner::Sqlite(tx) => tx.keep(caller, node, key, hash, kept).await,
        }
    }

    pub async fn commit(self) -> Result<(), Error> {
        let committed = match self.inner {
            Inner::Postgres(tx) => tx.commit().await,
            Inner::Sqlite(tx) => tx.commit().await,
        };
        self.news.notify_one();
        committed
    }

    pub async fn rollback(self) -> Result<(), Error> {
        match self.inner {
            Inner::Postgres(tx) => tx.rollback().await,
            Inner::Sqlite(tx) => tx.rollback().await,
        }
    }
}
