//! Writes. On PostgreSQL one statement does all: the change, its outbox rows and the answer. SQLite's says which rows
//! changed, and the engine does the rest in the same transaction.

use model::{FieldId, Kind, Model, System, Value};

use super::select::{joins, output};
use super::{Scalar, Statement, Writer};
use crate::{Column, Delete, Engine, Insert, Op, Update};

/// `rows` is a part of the insert's own.
pub(crate) fn insert(engine: Engine, insert: &Insert, rows: &[Vec<Value>]) -> Statement {
    let mut writer = Writer::new(engine);
    if engine == Engine::Postgres {
        writer.sql("WITH w AS (");
    }
    new_rows(&mut writer, &insert.model, &insert.fields, rows.to_vec());
    let model = &insert.model;
    if let Some(conflict) = &insert.conflict {
        writer.sql(" ON CONFLICT (");
        writer.list(&conflict.on, |writer, field| {
            let field = model.field(*field);
            if field.nocase && writer.engine == Engine::Postgres {
                writer.sql("gantry_fold(").name(&field.name).sql(")");
            } else {
                writer.name(&field.name);
            }
        });
        writer.sql(")");
        if model.options.soft_delete && conflict.on != [FieldId::ID] {
            writer.sql(" WHERE deleted_at IS NULL");
        }
        writer.sql(" DO UPDATE SET ");
        for field in &conflict.update {
            let name = &model.field(*field).name;
            writer.name(name).sql(" = excluded.").name(name).sql(", ");
        }
        writer
            .sql("_version = t._version + 1 WHERE ")
            .filter("t", model, &conflict.filter);
    }
    answer(&mut writer, model, &insert.returning, None, &[]);
    writer.finish()
}

/// The same where the answer is known from the values: nothing comes back, and SQLite's outbox row is the engine's to
/// write. The rows go into the statement; [`rows_of`] gets them out again.
pub(crate) fn insert_only(
    engine: Engine,
    model: &Model,
    fields: &[FieldId],
    rows: Vec<Vec<Value>>,
) -> Statement {
    let mut writer = Writer::new(engine);
    if engine == Engine::Sqlite {
        new_rows(&mut writer, model, fields, rows);
        return writer.finish();
    }
    writer.sql("WITH w AS (");
    new_rows(&mut writer, model, fields, rows);
    let has_tenant = model.system(System::Tenant).is_some();
    writer
        .sql(" RETURNING id")
        .sql(if has_tenant { ", tenant" } else { "" })
        .sql(") INSERT INTO gantry_outbox (model, record, op, version, tenant) SELECT ")
        .arg(Value::Text(model.name.clone()), Scalar::Text, false)
        .sql(", id, 'create', 1, ")
        .sql(if has_tenant { "tenant" } else { "NULL" })
        .sql(" FROM w");
    writer.finish()
}

/// The rows of an [`insert_only`] of several.
pub(crate) fn rows_of(statement: Statement, fields: &[FieldId]) -> Vec<Vec<Value>> {
    let mut rows: Vec<Vec<Value>> = Vec::new();
    for arg in statement.args.into_iter().take(fields.len()) {
        let Value::Array(column) = arg.value else {
            continue;
        };
        rows.resize(column.len(), Vec::new());
        for (row, value) in rows.iter_mut().zip(column) {
            row.push(value);
        }
    }
    rows
}

/// Several rows go as one parameter a column, whatever their number: one statement for all bulk inserts of a shape.
fn new_rows(writer: &mut Writer, model: &Model, fields: &[FieldId], rows: Vec<Vec<Value>>) {
    writer.sql("INSERT INTO ").name(&model.path).sql(" AS t (");
    writer.list(fields, |writer, field| {
        writer.name(&model.field(*field).name);
    });
    if writer.engine == Engine::Sqlite || rows.len() == 1 || !is_unnestable(model, fields) {
        writer.sql(") VALUES ");
        writer.list(rows, |writer, row| {
            writer.sql("(");
            writer.list(fields.iter().zip(row), |writer, (field, value)| {
                writer.value(model.field(*field), value);
            });
            writer.sql(")");
        });
        return;
    }
    let mut columns: Vec<Vec<Value>> = fields
        .iter()
        .map(|_| Vec::with_capacity(rows.len()))
        .collect();
    for row in rows {
        for (column, value) in columns.iter_mut().zip(row) {
            column.push(value);
        }
    }
    writer.sql(") SELECT * FROM unnest(");
    writer.list(fields.iter().zip(columns), |writer, (field, column)| {
        let scalar = Scalar::from(&model.field(*field).kind);
        writer.arg(Value::Array(column), scalar, true);
    });
    writer.sql(")");
}

/// Lists of lists must be rectangular in PostgreSQL, so columns that hold lists go by VALUES.
pub(crate) fn is_unnestable(model: &Model, fields: &[FieldId]) -> bool {
    fields.iter().all(|field| {
        let field = model.field(*field);
        !field.array && !matches!(field.kind, model::Kind::Vector { .. })
    })
}

pub(crate) fn update(engine: Engine, update: &Update) -> Statement {
    let model = &update.model;
    let mut writer = Writer::new(engine);
    if engine == Engine::Postgres {
        writer.sql("WITH w AS (");
    }
    writer.sql("UPDATE ").name(&model.path).sql(" AS t SET ");
    for (field, value) in &update.set {
        let field = model.field(*field);
        writer
            .name(&field.name)
            .sql(" = ")
            .value(field, value.clone())
            .sql(", ");
    }
    writer
        .sql("_version = t._version + 1 WHERE ")
        .filter("t", model, &update.filter);
    answer(&mut writer, model, &update.returning, Some(update.op), &[]);
    writer.finish()
}

pub(crate) fn delete(engine: Engine, delete: &Delete) -> Statement {
    let model = &delete.model;
    let mut writer = Writer::new(engine);
    if engine == Engine::Postgres {
        writer.sql("WITH w AS (");
    }
    writer
        .sql("DELETE FROM ")
        .name(&model.path)
        .sql(" AS t WHERE ")
        .filter("t", model, &delete.filter);
    answer(
        &mut writer,
        model,
        &delete.returning,
        Some(Op::Delete),
        &delete.kept,
    );
    writer.finish()
}

/// What follows the change. Without an `op` it is an insert, whose rows say by their version what happened.
fn answer(
    writer: &mut Writer,
    model: &Model,
    returning: &[Column],
    op: Option<Op>,
    kept: &[FieldId],
) {
    let tenant = model.system(System::Tenant);
    if writer.engine == Engine::Sqlite {
        writer.sql(" RETURNING id AS gantry_id, _version AS gantry_version, ");
        match tenant {
            Some(_) => writer.sql("tenant"),
            None => writer.sql("NULL"),
        };
        if op == Some(Op::Delete) {
            // Gone afterwards, so told now. Embeds are not offered for deleted records.
            let told = returning.iter().map(|column| match column {
                Column::Field(field) | Column::Embed { field, .. } => field,
            });
            for field in told.chain(kept) {
                writer.sql(", ").name(&model.field(*field).name);
            }
        }
        return;
    }
    writer
        .sql(" RETURNING *), o AS (INSERT INTO gantry_outbox (model, record, op, version, tenant");
    writer.sql(if kept.is_empty() {
        ") SELECT "
    } else {
        ", gone) SELECT "
    });
    writer
        .arg(Value::Text(model.name.clone()), Scalar::Text, false)
        .sql(", id, ");
    match op {
        None => writer.sql("CASE WHEN _version = 1 THEN 'create' ELSE 'update' END"),
        Some(op) => writer.sql(match op {
            Op::Create => "'create'",
            Op::Update => "'update'",
            Op::Delete => "'delete'",
            Op::Restore => "'restore'",
        }),
    };
    writer
        .sql(", _version, ")
        .sql(if tenant.is_some() { "tenant" } else { "NULL" });
    if !kept.is_empty() {
        kept_object(writer, model, kept);
    }
    writer.sql(" FROM w) SELECT ");
    output(writer, model, returning, "t");
    writer.sql(" FROM w t");
    joins(writer, model, returning, "t");
}

/// The fields as a JSON object by the contract of types, as SQLite's side writes it.
fn kept_object(writer: &mut Writer, model: &Model, kept: &[FieldId]) {
    writer.sql(", (SELECT to_jsonb(k) FROM (SELECT ");
    writer.list(kept, |writer, field| {
        let field = model.field(*field);
        if field.array && is_respelled(&field.kind) {
            writer
                .sql("CASE WHEN ")
                .column("w", field)
                .sql(" IS NOT NULL THEN ARRAY(SELECT ");
            respelled(writer, &field.kind, |writer| {
                writer.sql("item");
            });
            writer
                .sql(" FROM unnest(")
                .column("w", field)
                .sql(") item) END");
        } else {
            respelled(writer, &field.kind, |writer| {
                writer.column("w", field);
            });
        }
        writer.sql(" AS ").name(&field.name);
    });
    writer.sql(") k)");
}

/// Whether PostgreSQL's own JSON of the kind is not the contract's.
fn is_respelled(kind: &Kind) -> bool {
    matches!(kind, Kind::Timestamp | Kind::Bytes)
}

fn respelled(writer: &mut Writer, kind: &Kind, value: impl FnOnce(&mut Writer)) {
    let (before, after) = match kind {
        Kind::Timestamp => (
            "to_char(",
            " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
        ),
        Kind::Bytes => ("translate(encode(", ", 'base64'), E'\\n', '')"),
        _ => ("", ""),
    };
    writer.sql(before);
    value(writer);
    writer.sql(after);
}
