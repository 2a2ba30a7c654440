//! `update`, `replace` and `restore`: one record that is there.

use std::collections::HashMap;
use std::sync::Arc;

use access::Grant;
use model::{Action, FieldId, Filter, Model, Object, Selection, System, Test, Value};
use serde_json::value::RawValue;
use store::{Column, Op, Update, Write};
use uuid::Uuid;
use wire::{Code, IfVersion, Problem};

use crate::arguments::Pairs;
use crate::context::{Context, Done};
use crate::create::{done, take_select};
use crate::door::Door;
use crate::question::Deleted;
use crate::read::{not_found, take_id};
use crate::{plan, problem, values};

/// Which record, in which state, and where its values stand in the body.
pub(crate) struct Target<'a> {
    pub(crate) model: &'a Arc<Model>,
    pub(crate) id: Uuid,
    pub(crate) if_version: Option<&'a IfVersion>,
    pub(crate) pointer: &'a str,
}

impl Target<'_> {
    /// 428 where the model wants a version and none is named.
    pub(crate) fn check_precondition(&self) -> Result<(), Problem> {
        if self.model.options.require_if_match && self.if_version.is_none() {
            return Err(Problem::new(Code::PreconditionRequired)
                .detail(format!(
                    "a change of a {} must name the version that it changes",
                    self.model.path
                ))
                .hint("send `If-Match` with the ETag that you read, or `*`"));
        }
        Ok(())
    }

    /// The record in a version that is admitted.
    pub(crate) fn filter(&self) -> Filter {
        let id = Filter::eq(FieldId::ID, Value::Uuid(self.id));
        match (self.if_version, self.model.system(System::Version)) {
            (Some(IfVersion::OneOf(versions)), Some(field)) => {
                let operand = |version: &i64| model::Operand::Value(Value::Int(*version));
                let test = Test::In(versions.iter().map(operand).collect());
                id.and(Filter::Test { field, test })
            }
            _ => id,
        }
    }

    /// Why a change found no record: it is not there for the caller, it has another version, or policy.
    pub(crate) async fn explain(
        &self,
        cx: &Context<'_>,
        door: &mut Door<'_>,
        deleted: Deleted,
        grant: &Grant,
    ) -> Problem {
        let reach = plan::reach(cx, self.model, deleted);
        let reach = match cx.read_grant(self.model) {
            Some(_) => reach,
            // Without a right to read, what the caller may change is what they may know of.
            None => reach.and(grant.filter.clone()),
        };
        let select = plan::by_id(self.model, self.id, reach, plan::bare_columns(self.model));
        match door.look(&select).await {
            Err(error) => problem::of_store(error),
            Ok(None) => not_found(self.model, self.id),
            Ok(Some(record)) => match self.if_version {
                Some(wanted) if !wanted.admits(record.version) => {
                    let detail = format!(
                        "{} {} has version {} now",
                        self.model.path, self.id, record.version
                    );
                    let mut problem = Problem::new(Code::VersionMismatch)
                        .detail(detail)
                        .hint("read it again and decide anew");
                    problem.current_version = Some(record.version);
                    problem
                }
                _ => Problem::new(Code::Forbidden).detail(format!(
                    "the caller may not change this {} like this",
                    self.model.path
                )),
            },
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// Only what is named.
    Update,
    /// Every field: what is not named becomes its default or null.
    Replace,
}

pub(crate) async fn call(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    model: &Arc<Model>,
    mut pairs: Pairs,
    object: &Object<'_>,
    how: How,
) -> Result<Done, Problem> {
    cx.grant(model, Action::Update)?;
    let in_query = pairs.iter().any(|(name, _)| name == "id");
    let id = take_id(&mut pairs, object)?;
    let select = take_select(cx, model, &mut pairs, object)?;
    let target = Target {
        model,
        id,
        if_version: cx.options.if_version.as_ref(),
        pointer: "",
    };
    // An `id` beside the one in the query would be a new one.
    let ignore: &[&str] = if in_query {
        &["select"]
    } else {
        &["id", "select"]
    };
    change(cx, door, &target, object, ignore, how, select.as_ref()).await
}

pub(crate) async fn change(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    target: &Target<'_>,
    object: &Object<'_>,
    ignore: &[&str],
    how: How,
    select: Option<&Selection>,
) -> Result<Done, Problem> {
    let model = target.model;
    let grant = cx.grant(model, Action::Update)?;
    let rules = values::Rules {
        model,
        view: &cx.view,
        fields: &grant.fields,
        may_choose_id: false,
    };
    let given = values::read(rules, object, target.pointer, ignore)?;
    target.check_precondition()?;
    let set = if how == How::Replace {
        let whole = values::complete(model, given, target.pointer)?;
        // What the caller may not write stays as it is.
        let own =
            |(id, field): (FieldId, &model::Field)| field.system.is_none() && grant.fields.has(id);
        let fields = model.ids().zip(whole);
        fields
            .filter(|(field, _)| own(*field))
            .map(|((id, _), value)| (id, value))
            .collect()
    } else {
        given.set
    };
    let filter = target
        .filter()
        .and(plan::reach(cx, model, Deleted::Exclude));
    let returning = plan::returning(cx, model, select);
    let write = plan::update(cx, model, &grant, filter, set, returning);
    let written = door.write(write).await;
    let rows = written
        .map_err(|error| problem::of_write(error, target.pointer))?
        .rows;
    match rows.into_iter().flatten().next() {
        Some(row) => Ok(done(row)),
        None => Err(target.explain(cx, door, Deleted::Exclude, &grant).await),
    }
}

pub(crate) async fn restore(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    model: &Arc<Model>,
    mut pairs: Pairs,
    object: &Object<'_>,
) -> Result<Done, Problem> {
    let grant = cx.grant(model, Action::Update)?;
    let id = take_id(&mut pairs, object)?;
    let select = take_select(cx, model, &mut pairs, object)?;
    let rest = object.members.iter().map(|(name, _)| &**name);
    if let Some(name) = rest
        .into_iter()
        .find(|name| !["id", "select"].contains(name))
    {
        let pointer = format!("/{}", values::escape(name));
        let detail = "a restore takes `id` only";
        return Err(crate::create::fault(pointer, "unknown_field", detail));
    }
    let Some(deleted_at) = model.system(System::DeletedAt) else {
        return Err(Problem::new(Code::InvalidInput)
            .detail(format!("{} keeps no deleted records", model.name)));
    };
    let target = Target {
        model,
        id,
        if_version: cx.options.if_version.as_ref(),
        pointer: "",
    };
    let filter = target.filter().and(plan::reach(cx, model, Deleted::Only));
    let mut filter = filter.and(grant.filter.clone());
    let mut set = vec![(deleted_at, Value::Null)];
    let refs: Vec<_> = single_refs(model).collect();
    let guards = plan::guards(cx, model, &refs);
    if !guards.is_empty() {
        let fields: Vec<_> = guards.iter().map(|guard| guard.field).collect();
        // Written again as they are, they are looked at as new ones: what they point to may be deleted by now.
        if let Some((kept, version)) = kept(door, model, id, &filter, &fields).await? {
            set.extend(kept);
            if let Some(field) = model.system(System::Version) {
                filter = filter.and(Filter::eq(field, Value::Int(version)));
            }
        }
    }
    if let Some(updated_at) = model.system(System::UpdatedAt) {
        set.push((updated_at, Value::Timestamp(cx.now)));
    }
    let write = Write::Update(Update {
        model: Arc::clone(model),
        set,
        filter,
        guards,
        returning: plan::returning(cx, model, select.as_ref()),
        op: Op::Restore,
    });
    let written = door.write(write).await;
    let written = written.map_err(|error| problem::of_write(error, ""))?;
    match written.rows.into_iter().flatten().next() {
        Some(row) => Ok(done(row)),
        None => Err(target.explain(cx, door, Deleted::Only, &grant).await),
    }
}

/// Lists of refs promise nothing.
fn single_refs(model: &Model) -> impl Iterator<Item = FieldId> {
    let refs = model.ids().filter(|(_, field)| !field.array);
    refs.map(|(id, _)| id)
}

/// What a hidden record has in these fields, and in which version.
async fn kept(
    door: &mut Door<'_>,
    model: &Arc<Model>,
    id: Uuid,
    filter: &Filter,
    fields: &[FieldId],
) -> Result<Option<(Vec<(FieldId, Value)>, i64)>, Problem> {
    let columns = fields.iter().map(|field| Column::Field(*field)).collect();
    let select = plan::by_id(model, id, filter.clone(), columns);
    let Some(record) = door.look(&select).await.map_err(problem::of_store)? else {
        return Ok(None);
    };
    let internal = || Problem::new(Code::Internal);
    let values: HashMap<&str, &RawValue> =
        serde_json::from_slice(&record.body).map_err(|_| internal())?;
    let value = |field: &FieldId| {
        let value = values.get(model.field(*field).name.as_str())?;
        let value = Value::from_json(model.field(*field), value).ok()?;
        Some((*field, value))
    };
    let kept: Option<Vec<_>> = fields.iter().map(value).collect();
    Ok(Some((kept.ok_or_else(internal)?, record.version)))
}
