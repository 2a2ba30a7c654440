//! PostgreSQL: reads on shared pipelined connections, writes in one statement where that is enough.

mod creating;
mod paging;
mod reading;

mod cells;
mod changes;
mod ending;
mod errors;
mod news;
mod params;
mod patience;
mod pool;
mod run;
mod service;
mod session;
mod starting;
mod stream;
mod tx;

use std::time::{Duration, Instant};

use futures_util::future::join4;
use model::Model;
use rounds::Rounds;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use crate::given::Places;
use crate::sql::{self, Statement};
use crate::{Column, Engine, Error, Insert, Record, Settings, Write, Written, WrittenRow, encode};

pub(crate) use run::texts;
pub(crate) use tx::PostgresTx;

pub(crate) struct Postgres {
    pool: pool::Pool,
    reads: Rounds<reading::Asked>,
    creates: Rounds<creating::Creation>,
    starts: Rounds<starting::Start>,
    ends: Rounds<ending::Ending>,
    pages: Rounds<paging::Asked>,
}

/// What is one transaction by itself.
enum Change<'a> {
    Write(&'a Write),
    /// Rows of the model whose answer is known.
    Rows(&'a Statement, &'a Model),
    /// The same rows, and the steps that they are.
    Steps(&'a Statement, &'a Statement, &'a Model),
    /// Whose rows are its answer.
    Statement(&'a Statement),
}

/// What came of it.
enum Done {
    Written(Written),
    Rows(Vec<Row>),
}

impl Change<'_> {
    async fn carry_out(&self, connection: &pool::Connection) -> Result<Done, Error> {
        let (statement, model) = match self {
            Self::Write(write) => return write_once(connection, write).await.map(Done::Written),
            Self::Rows(statement, model) => (statement, Some(*model)),
            Self::Steps(steps, rows, model) => {
                return both(connection, steps, rows, model).await.map(Done::Rows);
            }
            Self::Statement(statement) => (statement, None),
        };
        let rows = run(connection, statement).await;
        rows.map(Done::Rows)
            .map_err(|error| errors::error(&error, model))
    }
}

/// Tries of a write that collided with others.
const TRIES: u32 = 4;
/// Transactions of creates under way at once: while one waits for the disk, the next is worked on.
const CREATING: usize = 4;
/// Statements that end runs under way at once: none of them waits for the disk.
const ENDING: usize = 1;
/// Below the three seconds that a face waits for a report.
const PING: Duration = Duration::from_secs(2);

impl Postgres {
    pub(crate) async fn open(url: &str, settings: &Settings) -> Result<Self, Error> {
        let pool = pool::Pool::open(url, settings).await?;
        Ok(Self {
            reads: Rounds::new(pool.most_shared()),
            creates: Rounds::new(CREATING),
            starts: Rounds::new(CREATING),
            ends: Rounds::new(ENDING),
            pages: Rounds::new(pool.most_shared()),
            pool,
        })
    }

    /// One that hangs is told as such before whoever asks gives up.
    pub(crate) async fn ping(&self) -> Result<(), Error> {
        let asked = async {
            let connection = self.pool.shared().await?;
            let answer = connection.client.simple_query("SELECT 1").await;
            answer.map_err(|error| errors::error(&error, None))
        };
        let answered = tokio::time::timeout(PING, asked).await;
        let hangs = || Error::Unavailable(format!("no answer within {PING:?}"));
        answered.unwrap_or_else(|_| Err(hangs())).map(drop)
    }

    /// A point read: shares a connection, and waits for a database that is away.
    pub(crate) async fn read(
        &self,
        statement: &Statement,
        deadline: Option<Instant>,
    ) -> Result<Vec<Row>, Error> {
        self.patiently(deadline, || async move {
            within(deadline, async {
                let connection = self.pool.shared().await?;
                let rows = run(&connection, statement).await;
                rows.map_err(|error| errors::error(&error, None))
            })
            .await
        })
        .await
    }

    /// A read that may take long: on a connection of its own, so that nobody waits behind it.
    pub(crate) async fn scan(
        &self,
        statement: &Statement,
        deadline: Option<Instant>,
    ) -> Result<Vec<Row>, Error> {
        self.patiently(deadline, || async move {
            let lent = self.pool.lend().await?;
            let result = within(deadline, async {
                Ok(run(&lent.connection, statement).await)
            });
            match result.await {
                Err(timeout) => {
                    self.pool.cancel(lent);
                    Err(timeout)
                }
                Ok(result) => {
                    self.pool.give_back(lent);
                    result.map_err(|error| errors::error(&error, None))
                }
            }
        })
        .await
    }

    /// A read that changes nothing, repeated while the database is away.
    async fn patiently<T, R: Future<Output = Result<T, Error>> + Send>(
        &self,
        deadline: Option<Instant>,
        read: impl Fn() -> R,
    ) -> Result<T, Error> {
        let mut patience = self.pool.patience(deadline);
        loop {
            match read().await {
                Err(error) if patience.again(&error).await => {}
                result => return result,
            }
        }
    }

    /// A write in a transaction of its own.
    pub(crate) async fn write_alone(
        &self,
        write: &Write,
        deadline: Option<Instant>,
    ) -> Result<Written, Error> {
        match self.by_itself(&Change::Write(write), deadline).await? {
            Done::Written(written) => Ok(written),
            Done::Rows(_) => Err(Error::Internal("a write that answers rows".to_owned())),
        }
    }

    /// On a connection of its own. Collisions are retried.
    async fn by_itself(
        &self,
        change: &Change<'_>,
        deadline: Option<Instant>,
    ) -> Result<Done, Error> {
        let mut tries = 0;
        loop {
            let lent = self.pool.lend().await?;
            let result = within(deadline, async {
                Ok(change.carry_out(&lent.connection).await)
            });
            let result = result.await;
            let Ok(result) = result else {
                self.pool.cancel(lent);
                return Err(Error::Timeout);
            };
            // The statement was sent: a server that shuts down may have carried it out before it says so.
            if matches!(result, Err(Error::Unavailable(_))) {
                return Err(Error::Unconfirmed);
            }
            self.pool.give_back(lent);
            match result {
                Err(Error::Conflict) if tries + 1 < TRIES => {
                    tries += 1;
                    // Apart by chance, or the same two would meet again.
                    let apart = 1 + u64::from(uuid::Uuid::now_v7().as_bytes()[15]) % (8 << tries);
                    tokio::time::sleep(std::time::Duration::from_millis(apart)).await;
                }
                result => return result,
            }
        }
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

async fn within<T>(
    deadline: Option<Instant>,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    match deadline {
        None => work.await,
        Some(deadline) => tokio::time::timeout_at(deadline.into(), work)
            .await
            .unwrap_or(Err(Error::Timeout)),
    }
}

async fn run(
    connection: &pool::Connection,
    statement: &Statement,
) -> Result<Vec<Row>, tokio_postgres::Error> {
    let types: Vec<Type> = statement.args.iter().map(sql::Arg::postgres_type).collect();
    let args: Vec<&(dyn ToSql + Sync)> = statement
        .args
        .iter()
        .map(|arg| arg as &(dyn ToSql + Sync))
        .collect();
    query(connection, &statement.text, &types, &args).await
}

/// Prepared once a connection; again where the tables have changed since.
async fn query(
    connection: &pool::Connection,
    text: &str,
    types: &[Type],
    args: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, tokio_postgres::Error> {
    let prepared = connection.prepare(text, types).await?;
    match connection.client.query(&prepared, args).await {
        Err(error) if errors::is_stale_plan(&error) => {
            connection.forget(text);
            let prepared = connection.prepare(text, types).await?;
            connection.client.query(&prepared, args).await
        }
        result => result,
    }
}

/// Both or neither, in one go: what follows a statement that fails fails too, and the commit rolls back.
async fn both(
    connection: &pool::Connection,
    steps: &Statement,
    rows: &Statement,
    model: &Model,
) -> Result<Vec<Row>, Error> {
    let mut is_again = false;
    loop {
        let failed = |error| errors::error(&error, None);
        // First, so that nothing but the statements themselves stands between the begin and the commit.
        let first = prepared(connection, steps).await.map_err(failed)?;
        let second = prepared(connection, rows).await.map_err(failed)?;
        let client = &connection.client;
        let (steps_args, rows_args) = (args(steps), args(rows));
        let (begun, kept, written, committed) = join4(
            client.batch_execute("BEGIN"),
            client.query(&first, &steps_args),
            client.query(&second, &rows_args),
            client.batch_execute("COMMIT"),
        )
        .await;
        let stale = [&kept, &written]
            .into_iter()
            .any(|done| done.as_ref().is_err_and(errors::is_stale_plan));
        if stale && !is_again {
            connection.forget(&steps.text);
            connection.forget(&rows.text);
            is_again = true;
            continue;
        }
        begun.map_err(failed)?;
        kept.map_err(failed)?;
        let written = written.map_err(|error| errors::error(&error, Some(model)))?;
        committed.map_err(failed)?;
        return Ok(written);
    }
}

async fn prepared(
    connection: &pool::Connection,
    statement: &Statement,
) -> Result<tokio_postgres::Statement, tokio_postgres::Error> {
    let types: Vec<Type> = statement.args.iter().map(sql::Arg::postgres_type).collect();
    connection.prepare(&statement.text, &types).await
}

fn args(statement: &Statement) -> Vec<&(dyn ToSql + Sync)> {
    let args = statement.args.iter();
    args.map(|arg| arg as &(dyn ToSql + Sync)).collect()
}

/// Bulk inserts whose columns cannot travel as arrays go in parts of at most this many parameters.
const MOST_PARAMETERS: usize = 30_000;

async fn write_once(connection: &pool::Connection, write: &Write) -> Result<Written, Error> {
    let (model, returning, statement) = match write {
        Write::Insert(insert) => return insert_once(connection, insert).await,
        Write::Update(update) => (
            &update.model,
            &update.returning,
            sql::update(Engine::Postgres, update),
        ),
        Write::Delete(delete) => (
            &delete.model,
            &delete.returning,
            sql::delete(Engine::Postgres, delete),
        ),
    };
    let rows = run(connection, &statement).await;
    let rows = rows.map_err(|error| errors::error(&error, Some(model)))?;
    let written = rows.iter().map(|row| {
        // A record that is deleted may never have been changed.
        written_row(row, model, returning).map(|row| WrittenRow {
            created: false,
            ..row
        })
    });
    Ok(Written {
        rows: written.map(|row| row.map(Some)).collect::<Result<_, _>>()?,
    })
}

async fn insert_once(connection: &pool::Connection, insert: &Insert) -> Result<Written, Error> {
    if insert.conflict.is_some() && insert.rows.len() > 1 {
        return Err(Error::Internal(
            "upserts of several rows are a transaction".to_owned(),
        ));
    }
    let model = &insert.model;
    let failed = |error| errors::error(&error, Some(model));
    let at_once = if sql::is_unnestable(model, &insert.fields) {
        insert.rows.len().max(1)
    } else {
        (MOST_PARAMETERS / insert.fields.len().max(1)).max(1)
    };
    if let Some(places) = Places::of(insert) {
        for some in insert.rows.chunks(at_once) {
            let statement =
                sql::insert_only(Engine::Postgres, model, &insert.fields, some.to_vec());
            run(connection, &statement).await.map_err(failed)?;
        }
        return places.written(insert);
    }
    let mut written = Vec::with_capacity(insert.rows.len());
    for some in insert.rows.chunks(at_once) {
        let statement = sql::insert(Engine::Postgres, insert, some);
        for row in &run(connection, &statement).await.map_err(failed)? {
            written.push(Some(written_row(row, model, &insert.returning)?));
        }
    }
    in_order(&mut written, insert);
    Ok(Written { rows: written })
}

/// Rows come back in no promised order; ids say which is which. A refused upsert leaves none.
fn in_order(written: &mut Vec<Option<WrittenRow>>, insert: &crate::Insert) {
    if insert.conflict.is_some() {
        if written.is_empty() {
            written.push(None);
        }
        return;
    }
    let Some(at) = insert
        .fields
        .iter()
        .position(|field| *field == model::FieldId::ID)
    else {
        return;
    };
    let id_of = |row: &Vec<model::Value>| match &row[at] {
        model::Value::Uuid(id) => Some(*id),
        _ => None,
    };
    let same = |(row, written): (&Vec<model::Value>, &Option<WrittenRow>)| {
        id_of(row) == written.as_ref().map(|written| written.id)
    };
    if insert.rows.iter().zip(written.iter()).all(same) {
        return;
    }
    let places: std::collections::HashMap<_, _> = insert
        .rows
        .iter()
        .enumerate()
        .filter_map(|(place, row)| Some((id_of(row)?, place)))
        .collect();
    written.sort_by_key(|row| row.as_ref().and_then(|row| places.get(&row.id).copied()));
}

/// The record, where it is asked for, and `id` and `_version` behind it.
fn written_row(row: &Row, model: &Model, returning: &[Column]) -> Result<WrittenRow, Error> {
    let record = record(row, model, returning)?;
    Ok(WrittenRow {
        id: record.id,
        version: record.version,
        created: record.version == 1,
        body: record.body,
    })
}

pub(crate) fn record(row: &Row, model: &Model, columns: &[Column]) -> Result<Record, Error> {
    let mut out = Vec::with_capacity(512);
    let behind = if columns.is_empty() {
        0
    } else {
        encode::object(row, model, columns, &mut out)?
    };
    let missing = || Error::Internal("a row without id".to_owned());
    Ok(Record {
        id: cells::uuid(cells::raw(row, behind)?.ok_or_else(missing)?)?,
        version: cells::int(cells::raw(row, behind + 1)?.ok_or_else(missing)?)?,
        body: out.into(),
    })
}

/// A single number, such as a count.
pub(crate) fn number(rows: &[Row]) -> Result<u64, Error> {
    let missing = || Error::Internal("a count without a number".to_owned());
    let row = rows.first().ok_or_else(missing)?;
    let number = cells::int(cells::raw(row, 0)?.ok_or_else(missing)?)?;
    u64::try_from(number).map_err(|_| missing())
}

/// The rows that the planner expects.
pub(crate) fn estimate(rows: &[Row]) -> Result<u64, Error> {
    let missing = || Error::Internal("a plan without an estimate".to_owned());
    let raw = cells::raw(rows.first().ok_or_else(missing)?, 0)?.ok_or_else(missing)?;
    let plan: serde_json::Value = serde_json::from_slice(raw).map_err(|_| missing())?;
    plan[0]["Plan"]["Plan Rows"].as_u64().ok_or_else(missing)
}
