//! `delete`, and what it means for those that refer to what goes away.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use model::{
    Action, FieldId, Filter, Model, Object, OnDelete, Operand, Referrer, System, Test, Value,
};
use store::{Column, Delete, Op, Select, Update, Violation, Write, WrittenRow};
use uuid::Uuid;
use wire::Problem;

use crate::arguments::Pairs;
use crate::change::Target;
use crate::context::{Context, Done};
use crate::create::{done, no_query};
use crate::door::Door;
use crate::question::Deleted;
use crate::read::take_id;
use crate::{changes, plan, problem};

/// Whether others must be looked at before a record of the model goes.
pub(crate) fn has_referrers(cx: &Context<'_>, model: &Model) -> bool {
    referrers(cx, model).next().is_some()
}

/// Lists of refs have no foreign keys.
fn referrers<'a>(cx: &'a Context<'_>, model: &Model) -> impl Iterator<Item = &'a Referrer> {
    let all = cx.live.models.referrers(&model.name).iter();
    all.filter(|referrer| !referrer.model.field(referrer.field).array)
}

pub(crate) async fn call(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    model: &Arc<Model>,
    mut pairs: Pairs,
    object: &Object<'_>,
) -> Result<Done, Problem> {
    cx.grant(model, Action::Delete)?;
    let id = take_id(&mut pairs, object)?;
    no_query(&pairs, &["id"])?;
    if let Some((name, _)) = object.members.iter().find(|(name, _)| name != "id") {
        let pointer = format!("/{}", crate::values::escape(name));
        return Err(crate::create::fault(
            pointer,
            "unknown_field",
            "a delete takes `id` only",
        ));
    }
    let target = Target {
        model,
        id,
        if_version: cx.options.if_version.as_ref(),
        pointer: "",
    };
    delete(cx, door, &target).await
}

pub(crate) async fn delete(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    target: &Target<'_>,
) -> Result<Done, Problem> {
    let model = target.model;
    let grant = cx.grant(model, Action::Delete)?;
    target.check_precondition()?;
    let filter = target
        .filter()
        .and(plan::reach(cx, model, Deleted::Exclude))
        .and(grant.filter.clone());
    let returning = plan::returning(cx, model, None);
    let rows = remove(cx, door, model, filter, returning).await?;
    match rows.into_iter().next() {
        Some(row) => Ok(done(row)),
        None => Err(target.explain(cx, door, Deleted::Exclude, &grant).await),
    }
}

/// Deletes what the filter finds, softly where the model says so, with what its refs ask for.
pub(crate) async fn remove(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    model: &Arc<Model>,
    filter: Filter,
    returning: Vec<Column>,
) -> Result<Vec<WrittenRow>, Problem> {
    let mut filter = filter;
    if has_referrers(cx, model) {
        // Locked first, so that no new ref appears between looking and deleting.
        let ids = lock(door, model, filter).await?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut gone: HashSet<Uuid> = ids.iter().copied().collect();
        let forever = !model.options.soft_delete;
        settle(cx, door, model, &ids, forever, &mut gone).await?;
        filter = plan::one_of(&ids);
    }
    let write = going(cx, model, filter, Vec::new(), returning);
    let written = door.write(write).await.map_err(problem::of_store)?;
    Ok(written.rows.into_iter().flatten().collect())
}

/// The delete itself; a soft one may set more fields.
fn going(
    cx: &Context<'_>,
    model: &Arc<Model>,
    filter: Filter,
    mut set: Vec<(FieldId, Value)>,
    returning: Vec<Column>,
) -> Write {
    let kept = changes::kept(cx.live, model);
    let model = Arc::clone(model);
    let Some(deleted_at) = model.system(System::DeletedAt) else {
        return Write::Delete(Delete {
            model,
            filter,
            returning,
            kept,
        });
    };
    set.push((deleted_at, Value::Timestamp(cx.now)));
    if let Some(updated_at) = model.system(System::UpdatedAt) {
        set.push((updated_at, Value::Timestamp(cx.now)));
    }
    Write::Update(Update {
        model,
        set,
        filter,
        guards: Vec::new(),
        returning,
        op: Op::Delete,
    })
}

async fn lock(
    door: &mut Door<'_>,
    model: &Arc<Model>,
    filter: Filter,
) -> Result<Vec<Uuid>, Problem> {
    let select = Select {
        model: Arc::clone(model),
        columns: Vec::new(),
        filter,
        order: Vec::new(),
        after: None,
        limit: i64::MAX.unsigned_abs(),
        offset: 0,
        search: None,
    };
    let found = door.lock(&select).await.map_err(problem::of_store)?;
    Ok(found.into_iter().map(|(id, _)| id).collect())
}

/// Does for everyone who refers to `ids` what their refs ask for. `forever`: the rows themselves go, so deleted
/// referrers count as well, since their foreign keys do.
fn settle<'a>(
    cx: &'a Context<'_>,
    door: &'a mut Door<'_>,
    model: &'a Arc<Model>,
    ids: &'a [Uuid],
    forever: bool,
    gone: &'a mut HashSet<Uuid>,
) -> BoxFuture<'a, Result<(), Problem>> {
    async move {
        for referrer in referrers(cx, model) {
            let child = &referrer.model;
            let operands = ids.iter().map(|id| Operand::Value(Value::Uuid(*id)));
            let points = Filter::Test {
                field: referrer.field,
                test: Test::In(operands.collect()),
            };
            let deleted = if forever {
                Deleted::Include
            } else {
                Deleted::Exclude
            };
            let children = lock(door, child, points.and(plan::standing(child, deleted))).await?;
            let children: Vec<_> = children
                .into_iter()
                .filter(|id| !gone.contains(id))
                .collect();
            if children.is_empty() {
                continue;
            }
            match referrer.on_delete {
                OnDelete::Restrict => {
                    let violation = Violation::Referenced {
                        model: child.name.clone(),
                        field: child.field(referrer.field).name.clone(),
                    };
                    return Err(problem::of_violation(&violation, ""));
                }
                OnDelete::SetNull => {
                    write(door, letting_go(cx, child, referrer.field, &children)).await?;
                }
                OnDelete::Cascade => {
                    gone.extend(&children);
                    cascade(cx, door, referrer, &children, forever, gone).await?;
                }
            }
        }
        Ok(())
    }
    .boxed()
}

async fn cascade(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    referrer: &Referrer,
    children: &[Uuid],
    forever: bool,
    gone: &mut HashSet<Uuid>,
) -> Result<(), Problem> {
    let child = &referrer.model;
    let soft = child.options.soft_delete;
    let required = child.field(referrer.field).required;
    // A row that must point to one which goes for good cannot stay, not even as a deleted one.
    let stays = soft && !(forever && required);
    settle(cx, door, child, children, !stays, gone).await?;
    let filter = plan::one_of(children);
    if !stays {
        let write_delete = Write::Delete(Delete {
            model: Arc::clone(child),
            filter,
            returning: Vec::new(),
            kept: changes::kept(cx.live, child),
        });
        return write(door, write_delete).await;
    }
    let live = filter.and(plan::standing(child, Deleted::Exclude));
    let set = if forever {
        vec![(referrer.field, Value::Null)]
    } else {
        Vec::new()
    };
    write(door, going(cx, child, live, set, Vec::new())).await?;
    if forever {
        write(door, letting_go(cx, child, referrer.field, children)).await?;
    }
    Ok(())
}

/// The refs become null, where they are not yet.
fn letting_go(cx: &Context<'_>, child: &Arc<Model>, field: FieldId, children: &[Uuid]) -> Write {
    let mut set = vec![(field, Value::Null)];
    if let Some(updated_at) = child.system(System::UpdatedAt) {
        set.push((updated_at, Value::Timestamp(cx.now)));
    }
    let pointing = Filter::Not(Box::new(Filter::is_null(field)));
    Write::Update(Update {
        model: Arc::clone(child),
        set,
        filter: plan::one_of(children).and(pointing),
        guards: Vec::new(),
        returning: Vec::new(),
        op: Op::Update,
    })
}

async fn write(door: &mut Door<'_>, write: Write) -> Result<(), Problem> {
    door.write(write)
        .await
        .map(|_| ())
        .map_err(problem::of_store)
}
