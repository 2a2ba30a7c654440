//! `create`: one new record.

use std::borrow::Cow;
use std::sync::Arc;

use model::{Action, BadArgument, Model, Object, Selection};
use store::{Insert, Write};
use wire::{Fault, Problem};

use crate::arguments::{self, Pairs};
use crate::context::{Context, Done};
use crate::door::Door;
use crate::question::Reader;
use crate::{plan, problem, values};

/// The `select` of a write, which may stand in the query or in the body, and nothing else in the query.
pub(crate) fn take_select(
    cx: &Context<'_>,
    model: &Arc<Model>,
    pairs: &mut Pairs,
    object: &Object<'_>,
) -> Result<Option<Selection>, Problem> {
    let own = model.find("select").is_some();
    let select = object.get("select").filter(|_| !own);
    let only = select.map(|raw| (Cow::Borrowed("select"), raw));
    let only = only.into_iter().collect();
    let question = Reader::new(cx, model, &["select"])
        .query(pairs)
        .body(&Object { members: only }, "", &[])
        .finish()?;
    Ok(question.select)
}

pub(crate) async fn call(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    model: &Arc<Model>,
    mut pairs: Pairs,
    object: &Object<'_>,
) -> Result<Done, Problem> {
    cx.grant(model, Action::Create)?;
    let select = take_select(cx, model, &mut pairs, object)?;
    create(cx, door, model, object, "", select.as_ref()).await
}

/// `pointer` is where the values stand in the body.
pub(crate) async fn create(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    model: &Arc<Model>,
    object: &Object<'_>,
    pointer: &str,
    select: Option<&Selection>,
) -> Result<Done, Problem> {
    let grant = cx.grant(model, Action::Create)?;
    let rules = values::Rules {
        model,
        view: &cx.view,
        fields: &grant.fields,
        may_choose_id: true,
    };
    let given = values::read(rules, object, pointer, &["select"])?;
    let row = plan::new_record(cx, model, given, pointer)?;
    plan::check_record(model, &grant, &row)?;
    let readable = cx
        .read_grant(model)
        .is_some_and(|grant| plan::holds(model, &grant.filter, &row));
    let returning = match (cx.wants_body(), readable) {
        (false, _) => Vec::new(),
        (true, true) => plan::columns(cx, model, select),
        // The caller may make it and not look at it.
        (true, false) => plan::bare_columns(model),
    };
    let insert = plan::insert(cx, model, vec![row], returning);
    one(door, insert, pointer).await
}

async fn one(door: &mut Door<'_>, insert: Insert, pointer: &str) -> Result<Done, Problem> {
    let written = door.write(Write::Insert(insert)).await;
    let rows = written
        .map_err(|error| problem::of_write(error, pointer))?
        .rows;
    let row = plan::one(rows)?.ok_or_else(|| problem::internal("an insert was refused"))?;
    Ok(done(row))
}

pub(crate) fn done(row: store::WrittenRow) -> Done {
    Done {
        id: row.id,
        version: row.version,
        created: row.created,
        body: row.body,
    }
}

/// Nothing may stand in the query.
pub(crate) fn no_query(pairs: &Pairs, known: &[&str]) -> Result<(), Problem> {
    let mut mistakes: Vec<BadArgument> = Vec::new();
    arguments::refuse_rest(pairs, known, &mut mistakes);
    arguments::finish(mistakes)
}

pub(crate) fn fault(pointer: String, code: &str, detail: &str) -> Problem {
    problem::of_input(vec![Fault::new(pointer, code, detail)])
}
