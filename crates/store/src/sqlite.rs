//! SQLite: readers side by side, one writer.

mod here;
mod together;

mod cells;
mod changes;
mod errors;
mod functions;
mod run;
mod service;
mod session;
mod stream;
mod tx;
mod worker;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use model::{FieldId, Kind, Model, System, Value};
use rounds::Rounds;
use rusqlite::{Connection, Row};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

pub(crate) use functions::register;
pub(crate) use run::texts;
pub(crate) use stream::USUAL_STREAMS;
pub(crate) use tx::SqliteTx;

use crate::encode::Cells as _;
use crate::given::Places;
use crate::layout::quote;
use crate::sql::{self, Statement};
use crate::{
    Column, Engine, Error, Insert, Op, Record, Settings, Violation, Write, Written, WrittenRow,
    encode,
};

pub(crate) struct Sqlite {
    readers: worker::Workers,
    /// For point reads, which stay on the caller's thread: one for each that there is, opened when it is first needed.
    here: Vec<Mutex<Option<Connection>>>,
    writer: worker::Workers,
    /// Held by whoever writes: a transaction holds it from its first statement to its last.
    turn: Arc<Semaphore>,
    writes: Rounds<together::Job>,
    tasks: TaskTracker,
    source: stream::Source,
}

impl Sqlite {
    pub(crate) fn open(path: &Path, settings: &Settings) -> Result<Self, Error> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| {
                Error::Setup(format!("{} cannot be made: {error}", folder.display()))
            })?;
        }
        let writer = worker::Workers::writer(path, settings)?;
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let readers =
            worker::Workers::readers(path, settings, settings.pool.unwrap_or(cores).max(1))?;
        Ok(Self {
            here: (0..cores).map(|_| Mutex::new(None)).collect(),
            readers,
            writer,
            turn: Arc::new(Semaphore::new(1)),
            writes: Rounds::new(1),
            tasks: TaskTracker::new(),
            source: stream::Source {
                path: path.to_owned(),
                settings: settings.clone(),
            },
        })
    }

    pub(crate) async fn ping(&self) -> Result<(), Error> {
        let ask = |connection: &mut Connection| {
            connection
                .query_row("SELECT 1", [], |_| Ok(()))
                .map_err(|error| errors::error(error, None))
        };
        self.readers.run(None, ask).await
    }

    /// Runs the statement on a reader's thread and reads its rows there.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        statement: Statement,
        deadline: Option<Instant>,
        rows: impl FnOnce(&mut rusqlite::Rows<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.readers
            .run(deadline, move |connection| {
                query(connection, &statement, rows)
            })
            .await
    }

    /// Ends after what was begun.
    pub(crate) async fn close(&self) {
        self.turn.close();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// `IMMEDIATE`: who cannot write finds out here, not in the middle.
fn begin(connection: &Connection) -> Result<(), Error> {
    connection
        .execute_batch("BEGIN IMMEDIATE")
        .map_err(|error| errors::error(error, None))
}

fn finish(connection: &Connection, keep: bool) -> Result<(), Error> {
    if keep {
        let committed = connection.execute_batch("COMMIT");
        if committed.is_err() {
            // What could not be committed must not hang over the next job.
            let _ = connection.execute_batch("ROLLBACK");
        }
        return committed.map_err(|error| errors::error(error, None));
    }
    // A failed statement may have rolled back by itself.
    if !connection.is_autocommit() {
        connection
            .execute_batch("ROLLBACK")
            .map_err(|error| errors::error(error, None))?;
    }
    Ok(())
}

fn query<T>(
    connection: &Connection,
    statement: &Statement,
    rows: impl FnOnce(&mut rusqlite::Rows<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let failed = |error| errors::error(error, None);
    let mut prepared = connection.prepare_cached(&statement.text).map_err(failed)?;
    let args = rusqlite::params_from_iter(statement.args.iter());
    let mut found = prepared.query(args).map_err(failed)?;
    rows(&mut found)
}

fn write_once(connection: &Connection, write: &Write) -> Result<Written, Error> {
    match write {
        Write::Insert(insert) => {
            if let Some(places) = Places::of(insert) {
                let written = places.written(insert)?;
                for (row, written) in insert.rows.iter().zip(written.rows.iter().flatten()) {
                    insert_only(connection, insert, row, written.id)?;
                }
                return Ok(written);
            }
            let rows = insert_and_read(connection, insert)?;
            Ok(Written { rows })
        }
        Write::Update(update) => {
            let statement = sql::update(Engine::Sqlite, update);
            let changed = change(
                connection,
                &statement,
                &update.model,
                &[],
                &[],
                Some(update.op),
            )?;
            let rows = changed.into_iter().map(Some).collect();
            let rows = with_records(connection, &update.model, &update.returning, rows)?;
            Ok(Written { rows })
        }
        Write::Delete(delete) => {
            let statement = sql::delete(Engine::Sqlite, delete);
            let changed = change(
                connection,
                &statement,
                &delete.model,
                &delete.returning,
                &delete.kept,
                Some(Op::Delete),
            );
            let referred = |error| match error {
                Error::Violation(Violation::NoTarget { model, field }) => {
                    Error::Violation(Violation::Referenced { model, field })
                }
                error => error,
            };
            Ok(Written {
                rows: changed.map_err(referred)?.into_iter().map(Some).collect(),
            })
        }
    }
}

/// A new record whose answer is known from its values.
fn insert_only(
    connection: &Connection,
    insert: &Insert,
    row: &[Value],
    id: uuid::Uuid,
) -> Result<(), Error> {
    let model = &insert.model;
    let failed = |error| errors::error(error, Some(model));
    let statement = sql::insert_only(Engine::Sqlite, model, &insert.fields, vec![row.to_vec()]);
    let mut prepared = connection.prepare_cached(&statement.text).map_err(failed)?;
    let inserted = prepared.execute(rusqlite::params_from_iter(statement.args.iter()));
    inserted.map_err(|error| name_target(connection, insert, row, failed(error)))?;
    let tenant = model.system(System::Tenant);
    let tenant = tenant.and_then(|field| insert.fields.iter().position(|given| *given == field));
    let tenant = match tenant.and_then(|at| row.get(at)) {
        Some(Value::Text(tenant)) => Some(tenant.as_str()),
        _ => None,
    };
    let mut buffer = [0; 36];
    let id: &str = id.hyphenated().encode_lower(&mut buffer);
    let mut outbox = connection.prepare_cached(OUTBOX).map_err(failed)?;
    outbox
        .execute((now(), &model.name, id, "create", 1, tenant, None::<&str>))
        .map_err(failed)?;
    Ok(())
}

/// Where another may have been there before, or the answer shows more than the record.
fn insert_and_read(
    connection: &Connection,
    insert: &Insert,
) -> Result<Vec<Option<WrittenRow>>, Error> {
    let mut rows = Vec::with_capacity(insert.rows.len());
    for row in &insert.rows {
        let statement = sql::insert(Engine::Sqlite, insert, std::slice::from_ref(row));
        let changed = change(connection, &statement, &insert.model, &[], &[], None)
            .map_err(|error| name_target(connection, insert, row, error))?;
        rows.push(changed.into_iter().next());
    }
    with_records(connection, &insert.model, &insert.returning, rows)
}

/// As the outbox keeps it.
fn now() -> String {
    format!("{:.6}", jiff::Timestamp::now())
}

/// Runs the change and writes its outbox rows.
fn change(
    connection: &Connection,
    statement: &Statement,
    model: &Arc<Model>,
    gone: &[Column],
    kept: &[FieldId],
    op: Option<Op>,
) -> Result<Vec<WrittenRow>, Error> {
    let failed = |error| errors::error(error, Some(model));
    let mut prepared = connection.prepare_cached(&statement.text).map_err(failed)?;
    let mut rows = prepared
        .query(rusqlite::params_from_iter(statement.args.iter()))
        .map_err(failed)?;
    let mut changed = Vec::new();
    let mut outbox = connection.prepare_cached(OUTBOX).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let mut body = Vec::new();
        if !gone.is_empty() {
            plain_object(row, model, gone, &mut body)?;
        }
        let kept = kept_object(row, model, kept, 3 + gone.len())?;
        let id: String = row.get(0).map_err(failed)?;
        let version: i64 = row.get(1).map_err(failed)?;
        let op = match op {
            None if version == 1 => "create",
            None | Some(Op::Update) => "update",
            Some(Op::Create) => "create",
            Some(Op::Delete) => "delete",
            Some(Op::Restore) => "restore",
        };
        let tenant: Option<String> = row.get(2).map_err(failed)?;
        outbox
            .execute((now(), &model.name, &id, op, version, tenant, kept))
            .map_err(failed)?;
        let id = id
            .parse()
            .map_err(|_| Error::Internal("an id that is no UUID".to_owned()))?;
        changed.push(WrittenRow {
            id,
            version,
            created: op == "create",
            body: body.into(),
        });
    }
    Ok(changed)
}

const OUTBOX: &str = "INSERT INTO gantry_outbox (at, model, record, op, version, tenant, gone) \
                      VALUES (?, ?, ?, ?, ?, ?, ?)";

/// What the outbox keeps of a deleted record, whose columns for it begin at `at`.
fn kept_object(
    row: &Row<'_>,
    model: &Model,
    kept: &[FieldId],
    at: usize,
) -> Result<Option<String>, Error> {
    if kept.is_empty() {
        return Ok(None);
    }
    let mut out = vec![b'{'];
    for (index, field) in kept.iter().enumerate() {
        let field = model.field(*field);
        out.extend_from_slice(if index == 0 { b"\"" } else { b",\"" });
        out.extend_from_slice(field.name.as_bytes());
        out.extend_from_slice(b"\":");
        row.write_json(at + index, field, &mut out)?;
    }
    out.push(b'}');
    let text = String::from_utf8(out);
    text.map(Some)
        .map_err(|_| Error::Internal("a cell that is no UTF-8".to_owned()))
}

/// A deleted record, whose columns stand behind `id`, `_version` and tenant; a ref shows its id.
fn plain_object(
    row: &Row<'_>,
    model: &Model,
    columns: &[Column],
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    for (index, column) in columns.iter().enumerate() {
        let (Column::Field(field) | Column::Embed { field, .. }) = column;
        let field = model.field(*field);
        out.extend_from_slice(if index == 0 { b"{\"" } else { b",\"" });
        out.extend_from_slice(field.name.as_bytes());
        out.extend_from_slice(b"\":");
        row.write_json(3 + index, field, out)?;
    }
    out.push(b'}');
    Ok(())
}

/// Reads the records that were written, where they are asked for.
fn with_records(
    connection: &Connection,
    model: &Arc<Model>,
    returning: &[Column],
    rows: Vec<Option<WrittenRow>>,
) -> Result<Vec<Option<WrittenRow>>, Error> {
    if returning.is_empty() {
        return Ok(rows);
    }
    let mut full = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(row) = row else {
            full.push(None);
            continue;
        };
        let select = crate::Select {
            model: Arc::clone(model),
            columns: returning.to_vec(),
            filter: model::Filter::eq(FieldId::ID, Value::Uuid(row.id)),
            order: Vec::new(),
            after: None,
            limit: 1,
            offset: 0,
            search: None,
        };
        let statement = sql::select(Engine::Sqlite, &select);
        let body = query(connection, &statement, |rows| {
            let failed = |error| errors::error(error, None);
            let missing = || Error::Internal("a written row is gone".to_owned());
            record(
                rows.next().map_err(failed)?.ok_or_else(missing)?,
                &select.model,
                returning,
            )
        })?
        .body;
        full.push(Some(WrittenRow { body, ..row }));
    }
    Ok(full)
}

pub(crate) fn record(row: &Row<'_>, model: &Model, columns: &[Column]) -> Result<Record, Error> {
    let failed = |error| errors::error(error, None);
    let mut out = Vec::with_capacity(512);
    let behind = if columns.is_empty() {
        0
    } else {
        encode::object(row, model, columns, &mut out)?
    };
    let id: String = row.get(behind).map_err(failed)?;
    Ok(Record {
        id: id
            .parse()
            .map_err(|_| Error::Internal("an id that is no UUID".to_owned()))?,
        version: row.get(behind + 1).map_err(failed)?,
        body: out.into(),
    })
}

/// SQLite does not say which foreign key failed, so the refs are looked up one by one.
fn name_target(connection: &Connection, insert: &Insert, row: &[Value], error: Error) -> Error {
    let Error::Violation(Violation::NoTarget { model, .. }) = &error else {
        return error;
    };
    for (field, value) in insert.fields.iter().zip(row) {
        let field = insert.model.field(*field);
        if let (Kind::Ref { model: target, .. }, Value::Uuid(id)) = (&field.kind, value) {
            let text = format!(
                "SELECT 1 FROM {} WHERE id = ?",
                quote(&model::path_of(target))
            );
            if !connection
                .prepare_cached(&text)
                .and_then(|mut found| found.exists([id.to_string()]))
                .unwrap_or(true)
            {
                return Error::Violation(Violation::NoTarget {
                    model: model.clone(),
                    field: field.name.clone(),
                });
            }
        }
    }
    error
}

/// A single number, such as a count.
pub(crate) fn number(rows: &mut rusqlite::Rows<'_>) -> Result<u64, Error> {
    let failed = |error| errors::error(error, None);
    let missing = || Error::Internal("a count without a number".to_owned());
    let number: i64 = rows
        .next()
        .map_err(failed)?
        .ok_or_else(missing)?
        .get(0)
        .map_err(failed)?;
    u64::try_from(number).map_err(|_| missing())
}
