//! `upsert`: one record, made or changed, atomically.

use std::sync::Arc;

use model::{Action, FieldId, Model, Object, Selection, System, Value};
use serde_json::value::RawValue;
use store::{Conflict, Insert, Violation, Write};
use wire::{Fault, Problem};

use crate::arguments::Pairs;
use crate::body;
use crate::context::{Context, Done};
use crate::create::{done, fault, no_query};
use crate::door::Door;
use crate::question::Deleted;
use crate::{plan, problem, values};

pub(crate) async fn call(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    model: &Arc<Model>,
    pairs: Pairs,
    object: &Object<'_>,
) -> Result<Done, Problem> {
    plan::need_all(cx, model, &[Action::Create, Action::Update])?;
    no_query(&pairs, &[])?;
    upsert(cx, door, model, object, "", &[]).await
}

/// `{on?, values}`, where `ignore` names what else may stand there.
pub(crate) async fn upsert(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    model: &Arc<Model>,
    object: &Object<'_>,
    pointer: &str,
    ignore: &[&str],
) -> Result<Done, Problem> {
    let known = |name: &str| ["on", "values"].contains(&name) || ignore.contains(&name);
    if let Some((name, _)) = object.members.iter().find(|(name, _)| !known(name)) {
        let at = format!("{pointer}/{}", values::escape(name));
        return Err(fault(
            at,
            "unknown_field",
            "an upsert takes `on` and `values`",
        ));
    }
    let Some(raw) = object.get("values") else {
        return Err(fault(
            format!("{pointer}/values"),
            "required",
            "`values` must be given",
        ));
    };
    let on = conflict_on(cx, model, object.get("on"), pointer)?;
    let at = format!("{pointer}/values");
    let given = body::object(raw.get(), &at)?;
    one(cx, door, model, &on, &given, &at, None).await
}

/// The fields by which a record is known: those named, else the model's only unique.
pub(crate) fn conflict_on(
    cx: &Context<'_>,
    model: &Model,
    on: Option<&RawValue>,
    pointer: &str,
) -> Result<Vec<FieldId>, Problem> {
    let at = format!("{pointer}/on");
    let uniques = || {
        let names = |fields: &Vec<FieldId>| {
            let names: Vec<_> = fields
                .iter()
                .map(|field| model.field(*field).name.as_str())
                .collect();
            names.join(",")
        };
        let seen = model
            .uniques
            .iter()
            .filter(|fields| fields.iter().all(|field| cx.view.shows(model, *field)));
        let all: Vec<_> = seen.map(names).chain(["id".to_owned()]).collect();
        all.join(" | ")
    };
    let Some(raw) = on else {
        if let [only] = model.uniques.as_slice() {
            return Ok(only.clone());
        }
        let detail = format!(
            "`on` must name the fields by which a {} is known: {}",
            model.name,
            uniques()
        );
        return Err(fault(at, "required", &detail));
    };
    let grant = cx.grant(model, Action::Create)?;
    let names = body::texts(raw, &at).map_err(|fault| problem::of_input(vec![fault]))?;
    let names = names.iter().flat_map(|name| name.split(',')).map(str::trim);
    // A name that is none, or is hidden, makes the whole list name nothing.
    let place = |name| {
        model
            .find(name)
            .filter(|field| cx.view.shows(model, *field) || grant.fields.has(*field))
    };
    let mut fields: Vec<_> = names.map(place).collect::<Option<_>>().unwrap_or_default();
    fields.sort_unstable();
    let known = model.uniques.iter().find(|unique| {
        let mut unique = (*unique).clone();
        unique.sort_unstable();
        unique == fields
    });
    if let Some(unique) = known {
        return Ok(unique.clone());
    }
    if fields == [FieldId::ID] {
        return Ok(fields);
    }
    let detail = format!(
        "`on` names no unique fields of {}; there are: {}",
        model.name,
        uniques()
    );
    Err(problem::of_input(vec![Fault::new(
        at,
        "invalid_value",
        detail,
    )]))
}

/// `pointer` is where the values stand.
pub(crate) async fn one(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    model: &Arc<Model>,
    on: &[FieldId],
    object: &Object<'_>,
    pointer: &str,
    select: Option<&Selection>,
) -> Result<Done, Problem> {
    let insert = plan(cx, model, on, object, pointer, select)?;
    let written = door.write(Write::Insert(insert)).await;
    let rows = written
        .map_err(|error| problem::of_write(error, pointer))?
        .rows;
    if let Some(row) = plan::one(rows)? {
        return Ok(done(row));
    }
    // There is one which the caller may not change: as if it were another's.
    let names = on.iter().map(|field| model.field(*field).name.clone());
    let violation = Violation::Unique {
        model: model.name.clone(),
        fields: names.collect(),
    };
    Err(problem::of_violation(&violation, pointer))
}

pub(crate) fn plan(
    cx: &Context<'_>,
    model: &Arc<Model>,
    on: &[FieldId],
    object: &Object<'_>,
    pointer: &str,
    select: Option<&Selection>,
) -> Result<Insert, Problem> {
    let (create, update) = (
        cx.grant(model, Action::Create)?,
        cx.grant(model, Action::Update)?,
    );
    let rules = values::Rules {
        model,
        view: &cx.view,
        fields: &create.fields,
        may_choose_id: true,
    };
    let given = values::read(rules, object, pointer, &[])?;
    for field in on {
        let set = given
            .set
            .iter()
            .any(|(set, value)| set == field && !value.is_null());
        let chosen = *field == FieldId::ID && given.id.is_some();
        if !set && !chosen {
            let name = &model.field(*field).name;
            let detail = format!("`{name}` must be given, since the record is known by it");
            return Err(fault(format!("{pointer}/{name}"), "required", &detail));
        }
    }
    let row = plan::new_record(cx, model, given.clone(), pointer)?;
    plan::check_record(model, &create, &row)?;
    let mut changed: Vec<_> = given.set.iter().map(|(field, _)| *field).collect();
    changed.retain(|field| !on.contains(field));
    if let Some(field) = changed.iter().find(|field| !update.fields.has(**field)) {
        let detail = format!("change {} of {}", model.field(*field).name, model.name);
        return Err(cx.denied(&detail));
    }
    changed.extend(model.system(System::UpdatedAt));
    let after = plan::substitute_all(model, &update.filter, &given.set);
    let filter = plan::reach(cx, model, Deleted::Exclude)
        .and(update.filter.clone())
        .and(after);
    let returning = match (cx.wants_body(), readable_after(cx, model, &row)) {
        (false, _) => Vec::new(),
        (true, true) => plan::columns(cx, model, select),
        (true, false) => plan::bare_columns(model),
    };
    let mut insert = plan::insert(cx, model, vec![row], returning);
    insert.conflict = Some(Conflict {
        on: on.to_vec(),
        update: changed,
        filter,
    });
    Ok(insert)
}

/// Whether a new record may be read by who made it. A changed one was readable before.
fn readable_after(cx: &Context<'_>, model: &Model, row: &[Value]) -> bool {
    cx.read_grant(model)
        .is_some_and(|grant| plan::holds(model, &grant.filter, row))
}
