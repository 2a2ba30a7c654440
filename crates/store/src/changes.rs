//! What was written, in the order in which it became visible: the outbox, read on from a position.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use model::{FieldId, Filter, Model, Operand, Test, Value};
use uuid::Uuid;

use crate::store::Inner;
use crate::{Error, Op, Select, Store, pages, postgres, sql};

/// A place in the order of changes. Every change that is not visible yet comes after each that is.
///
/// On PostgreSQL `seq` alone is no order: a transaction that commits late has numbers which others have passed. Its
/// own number has the order, as long as only transactions are read that none still open can come before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    /// Always 0 on SQLite, where one transaction writes at a time.
    pub transaction: u64,
    pub seq: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub position: Position,
    pub at: Timestamp,
    /// The model's name.
    pub model: String,
    pub record: Uuid,
    pub op: Op,
    pub version: i64,
    pub tenant: Option<String>,
    /// Of a record that is gone for good: its fields that [`crate::Delete::kept`] named, as a JSON object.
    pub gone: Option<String>,
}

impl Op {
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Restore => "restore",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let all = [Self::Create, Self::Update, Self::Delete, Self::Restore];
        all.into_iter().find(|op| op.name() == text)
    }
}

/// The key of `gantry_meta` under which stands the last position that was pruned.
pub(crate) const FORGOTTEN: &str = "changes_forgotten";
/// Rows that one statement prunes.
pub(crate) const PRUNED_AT_ONCE: u64 = 10_000;

impl Store {
    /// At most `limit` changes after `after`. Fewer than that: there are no more now.
    pub async fn changes(&self, after: Position, limit: u64) -> Result<Vec<Change>, Error> {
        let statement = sql::changes(self.engine(), after, limit);
        match &self.inner {
            Inner::Postgres(postgres) => postgres.changes(&statement).await,
            Inner::Sqlite(sqlite) => sqlite.changes(statement).await,
        }
    }

    /// Everything that becomes visible from now on comes after it.
    pub async fn changes_end(&self) -> Result<Position, Error> {
        match &self.inner {
            Inner::Postgres(postgres) => postgres.changes_end().await,
            Inner::Sqlite(sqlite) => sqlite.changes_end().await,
        }
    }

    /// Changes up to there were pruned: who read no further has missed some.
    pub async fn changes_forgotten(&self) -> Result<Position, Error> {
        let text = match &self.inner {
            Inner::Postgres(postgres) => postgres.changes_forgotten().await?,
            Inner::Sqlite(sqlite) => sqlite.changes_forgotten().await?,
        };
        match text {
            None => Ok(Position::default()),
            Some(text) => Position::parse(&text)
                .ok_or_else(|| Error::Setup(format!("{FORGOTTEN} in gantry_meta is no position"))),
        }
    }

    /// Ends when this process has written something since it was last waited for. One at a time may wait.
    pub async fn written(&self) {
        self.news.notified().await;
    }

    /// Which of the records the filter finds, deleted ones among them.
    pub async fn which(
        &self,
        model: &Arc<Model>,
        ids: &[Uuid],
        filter: Filter,
    ) -> Result<HashSet<Uuid>, Error> {
        let operand = |id: &Uuid| Operand::Value(Value::Uuid(*id));
        let among = Filter::Test {
            field: FieldId::ID,
            test: Test::In(ids.iter().map(operand).collect()),
        };
        let select = Select {
            model: Arc::clone(model),
            columns: Vec::new(),
            filter: among.and(filter),
            order: Vec::new(),
            after: None,
            // The same text for any number of ids, so that it is prepared once.
            limit: MOST_AT_ONCE,
            offset: 0,
            search: None,
        };
        if ids.len() as u64 > MOST_AT_ONCE {
            return Err(Error::Internal(
                "too many records are asked about".to_owned(),
            ));
        }
        let statement = sql::select(self.engine(), &select);
        let found = match &self.inner {
            Inner::Postgres(postgres) => {
                let rows = postgres.read(&statement, None).await?;
                let record = |row| postgres::record(row, model, &[]);
                let records = rows.iter().map(|row| record(row).map(|record| record.id));
                return records.collect();
            }
            Inner::Sqlite(sqlite) => {
                let model = Arc::clone(model);
                let ids = move |rows: &mut rusqlite::Rows<'_>| pages::ids(rows, &model);
                sqlite.read(statement, None, ids).await?
            }
        };
        Ok(found.into_iter().map(|(id, _)| id).collect())
    }
}

/// Records that [`Store::which`] takes at once.
const MOST_AT_ONCE: u64 = 1_000;

impl fmt::Display for Position {
    /// As `gantry_meta` and `gantry_trigger` keep it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.transaction, self.seq)
    }
}

impl Position {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (transaction, seq) = text.split_once(' ')?;
        Some(Self {
            transaction: transaction.parse().ok()?,
            seq: seq.parse().ok()?,
        })
    }
}
