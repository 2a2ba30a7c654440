//! New records by the thousand in one statement.

use std::fmt::Write as _;
use std::sync::Arc;

use model::{Action, Model, Value};
use serde_json::value::RawValue;
use store::{Column, Error, Write};
use wire::{Code, Problem};

use crate::context::{Context, Done, pointed};
use crate::create::done;
use crate::door::Door;
use crate::{body, plan, problem, values};

/// All or nothing; every mistake in every record at once. The first record is number `begin`.
pub(super) async fn create(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    model: &Arc<Model>,
    records: &[&RawValue],
    pointer: &str,
    begin: usize,
) -> Result<Vec<Done>, Problem> {
    let rows = read(cx, model, records, pointer, begin)?;
    let returning = returning(cx, model, &rows);
    let insert = plan::insert(cx, model, rows, returning);
    match door.write_whole(Write::Insert(insert)).await {
        Ok(written) => Ok(written.rows.into_iter().flatten().map(done).collect()),
        Err(Error::Violation(_)) => {
            // The rows went with the statement; their records are still here.
            let rows = read(cx, model, records, pointer, begin)?;
            Err(find_culprit(cx, door, model, &rows, begin, pointer).await)
        }
        Err(error) => Err(problem::of_store(error)),
    }
}

fn read(
    cx: &Context<'_>,
    model: &Model,
    records: &[&RawValue],
    pointer: &str,
    begin: usize,
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
    let mut at = String::new();
    for (index, raw) in records.iter().enumerate() {
        at.clear();
        let _ = write!(at, "{pointer}/{}", begin + index);
        let row = body::object(raw.get(), &at)
            .and_then(|object| values::read(rules, &object, &at, &[]))
            .and_then(|given| plan::new_record(cx, model, given, &at));
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

/// A statement of many rows does not say which one broke a rule, so they are tried in a transaction that is not kept.
async fn find_culprit(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    model: &Arc<Model>,
    rows: &[Vec<Value>],
    begin: usize,
    pointer: &str,
) -> Problem {
    let found = match door {
        Door::Within { .. } => halve(cx, door, model, rows).await,
        Door::Direct {
            store, deadline, ..
        } => match store.begin(*deadline).await {
            Ok(mut tx) => {
                let found = halve(cx, &mut Door::within(&mut tx), model, rows).await;
                // The problem that matters is the call's.
                let _ = tx.rollback().await;
                found
            }
            Err(error) => Err(error),
        },
    };
    match found {
        Ok(Some((index, error))) => {
            problem::of_write(error, &format!("{pointer}/{}", begin + index))
        }
        // Someone else's change made it possible meanwhile.
        Ok(None) => Problem::new(Code::WriteConflict),
        Err(error) => problem::of_store(error),
    }
}

/// The first row that cannot be written after those before it, and why. Halves of what fails are tried in turn, so that
/// among thousands a few statements find it.
async fn halve(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    model: &Arc<Model>,
    rows: &[Vec<Value>],
) -> Result<Option<(usize, Error)>, Error> {
    // What is to be tried next, and whether it is known to fail once all before it is written.
    let (mut from, mut until) = (0, rows.len());
    let mut known_to_fail = false;
    loop {
        let size = until - from;
        let some = if known_to_fail {
            size.div_ceil(2)
        } else {
            size
        };
        if some == 0 {
            return Ok(None);
        }
        let part = rows[from..from + some].to_vec();
        let insert = plan::insert(cx, model, part, Vec::new());
        match door.write_whole(Write::Insert(insert)).await {
            Ok(_) if from + some == until => return Ok(None),
            Ok(_) => from += some,
            Err(error @ Error::Violation(_)) if some == 1 => return Ok(Some((from, error))),
            Err(Error::Violation(_)) => {
                until = from + some;
                known_to_fail = true;
            }
            Err(error) => return Err(error),
        }
    }
}
