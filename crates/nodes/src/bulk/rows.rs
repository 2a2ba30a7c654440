//! New records by the hundred in one statement.

use std::sync::Arc;

use model::{Action, Model, Value};
use serde_json::value::RawValue;
use store::{Column, Error, Write};
use wire::{Code, Problem};

use crate::context::{Context, Done, pointed};
use crate::create::done;
use crate::door::Door;
use crate::{body, plan, problem, values};

/// PostgreSQL takes 65,535 parameters a statement, which is 100 fields and more for this many rows.
const MOST_ROWS: usize = 500;

/// All or nothing; every mistake in every record at once.
pub(super) async fn create(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    model: &Arc<Model>,
    records: &[&RawValue],
    pointer: &str,
) -> Result<Vec<Done>, Problem> {
    let rows = read(cx, model, records, pointer)?;
    let returning = returning(cx, model, &rows);
    let mut all = Vec::with_capacity(rows.len());
    for (part, rows) in rows.chunks(MOST_ROWS).enumerate() {
        let first = part * MOST_ROWS;
        door.savepoint().await.map_err(problem::of_store)?;
        let insert = plan::insert(cx, model, rows.to_vec(), returning.clone());
        match door.write(&Write::Insert(insert)).await {
            Ok(written) => {
                door.release().await.map_err(problem::of_store)?;
                all.extend(in_order(rows, written.rows)?);
            }
            Err(Error::Violation(_)) => {
                door.undo().await.map_err(problem::of_store)?;
                return Err(find_culprit(cx, door, model, rows, first, pointer).await);
            }
            Err(error) => return Err(problem::of_store(error)),
        }
    }
    Ok(all)
}

fn read(
    cx: &Context<'_>,
    model: &Model,
    records: &[&RawValue],
    pointer: &str,
) -> Result<Vec<Vec<Value>>, Problem> {
    let grant = cx.grant(model, Action::Create)?;
    let rules = values::Rules {
        model,
        view: &cx.view,
        fields: &grant.fields,
        may_choose_id: true,
    };
    let mut rows = Vec::with_capacity(records.len());
    let mut faults = Vec::new();
    for (index, raw) in records.iter().enumerate() {
        let at = format!("{pointer}/{index}");
        let row = body::object(raw.get(), &at)
            .and_then(|object| values::read(rules, &object, &at, &[]))
            .and_then(|given| plan::new_record(cx, model, &given, &at));
        match row {
            Ok(row) => {
                plan::check_record(model, &grant, &row).map_err(|problem| pointed(problem, &at))?;
                rows.push(row);
            }
            Err(problem) if problem.code == Code::InvalidInput => faults.extend(problem.errors),
            Err(problem) => return Err(pointed(problem, &at)),
        }
    }
    if faults.is_empty() {
        Ok(rows)
    } else {
        Err(problem::of_input(faults))
    }
}

fn returning(cx: &Context<'_>, model: &Model, rows: &[Vec<Value>]) -> Vec<Column> {
    let readable = cx.read_grant(model).is_some_and(|grant| {
        rows.iter()
            .all(|row| plan::holds(model, &grant.filter, row))
    });
    if readable {
        plan::returning(cx, model, None)
    } else if cx.wants_body() {
        plan::bare_columns(model)
    } else {
        Vec::new()
    }
}

/// No engine promises to answer in the order of the rows.
fn in_order(
    rows: &[Vec<Value>],
    written: Vec<Option<store::WrittenRow>>,
) -> Result<Vec<Done>, Problem> {
    let mut by_id: std::collections::HashMap<_, _> = written
        .into_iter()
        .flatten()
        .map(|row| (row.id, row))
        .collect();
    let find = |row: &Vec<Value>| match row.first() {
        Some(Value::Uuid(id)) => by_id.remove(id).map(done),
        _ => None,
    };
    let all: Option<Vec<_>> = rows.iter().map(find).collect();
    all.ok_or_else(|| problem::internal("a bulk insert answered without one of its rows"))
}

/// A statement of many rows does not say which one broke a rule, so they are tried one by one.
async fn find_culprit(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    model: &Arc<Model>,
    rows: &[Vec<Value>],
    first: usize,
    pointer: &str,
) -> Problem {
    for (index, row) in rows.iter().enumerate() {
        let insert = plan::insert(cx, model, vec![row.clone()], Vec::new());
        if let Err(error) = door.write(&Write::Insert(insert)).await {
            return problem::of_write(error, &format!("{pointer}/{}", first + index));
        }
    }
    // Someone else's change made it possible meanwhile.
    Problem::new(Code::WriteConflict)
}
