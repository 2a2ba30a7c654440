//! From typed arguments and grants to what the store is asked to do. Pure.

use std::sync::Arc;

use access::Grant;
use model::{Action, FieldId, Filter, Model, Order, Selected, Selection, System, Test, Value};
use store::{Column, Guard, Insert, Op, Select, Update, Write};
use uuid::Uuid;
use wire::{Code, Problem};

use crate::context::Context;
use crate::problem;
use crate::question::{Deleted, Question};
use crate::values::Given;

/// The whole order, made total by `id`.
pub(crate) fn order(asked: Option<Vec<Order>>) -> Vec<Order> {
    let mut order = asked.unwrap_or_default();
    if !order.iter().any(|key| key.field == FieldId::ID) {
        order.push(Order {
            field: FieldId::ID,
            descending: false,
            nulls_first: false,
        });
    }
    order
}

/// Records that are there for the caller: policy, and deleted ones as asked.
pub(crate) fn standing(model: &Model, deleted: Deleted) -> Filter {
    let Some(field) = model.system(System::DeletedAt) else {
        return Filter::True;
    };
    match deleted {
        Deleted::Include => Filter::True,
        Deleted::Exclude => Filter::is_null(field),
        Deleted::Only => Filter::Not(Box::new(Filter::is_null(field))),
    }
}

/// What stands in a record's object; without a selection all that may be seen.
pub(crate) fn columns(
    cx: &Context<'_>,
    model: &Model,
    selection: Option<&Selection>,
) -> Vec<Column> {
    let Some(selection) = selection else {
        let fields = cx.view.fields(model);
        if fields.is_empty() {
            return bare_columns(model);
        }
        return fields.into_iter().map(Column::Field).collect();
    };
    let column = |selected: &Selected| match selected {
        Selected::Field(field) => Column::Field(*field),
        Selected::Embed {
            field,
            target,
            fields,
        } => Column::Embed {
            field: *field,
            target: Arc::clone(target),
            fields: fields.clone(),
            filter: match cx.read_grant(target) {
                Some(grant) => standing(target, Deleted::Exclude).and(grant.filter.clone()),
                None => Filter::False,
            },
        },
    };
    selection.0.iter().map(column).collect()
}

/// What a caller who may write but not read is told of a record.
pub(crate) fn bare_columns(model: &Model) -> Vec<Column> {
    let system = |system| model.system(system).map(Column::Field);
    [System::Id, System::Version]
        .into_iter()
        .filter_map(system)
        .collect()
}

/// No columns where the answer is minimal.
pub(crate) fn returning(
    cx: &Context<'_>,
    model: &Model,
    selection: Option<&Selection>,
) -> Vec<Column> {
    if cx.wants_body() {
        columns(cx, model, selection)
    } else {
        Vec::new()
    }
}

/// One record by its id, if it is there for the caller.
pub(crate) fn by_id(model: &Arc<Model>, id: Uuid, filter: Filter, columns: Vec<Column>) -> Select {
    Select {
        model: Arc::clone(model),
        columns,
        filter: Filter::eq(FieldId::ID, Value::Uuid(id)).and(filter),
        order: Vec::new(),
        after: None,
        limit: 1,
        offset: 0,
        search: None,
    }
}

/// Many records, `limit` and the rest still as asked.
pub(crate) fn list(
    cx: &Context<'_>,
    model: &Arc<Model>,
    grant: &Grant,
    question: &Question,
) -> Select {
    let asked = question.filter.clone().unwrap_or(Filter::True);
    Select {
        model: Arc::clone(model),
        columns: columns(cx, model, question.select.as_ref()),
        filter: standing(model, question.deleted)
            .and(grant.filter.clone())
            .and(asked),
        order: order(question.order.clone()),
        after: None,
        limit: question.limit.unwrap_or(cx.limits.page),
        offset: question.offset.unwrap_or(0),
        search: None,
    }
}

/// What a record's refs must point to, where the foreign key says too little. Unset refs need none.
pub(crate) fn guards(cx: &Context<'_>, model: &Model, fields: &[FieldId]) -> Vec<Guard> {
    let guard = |field: &FieldId| {
        let target = cx.live.models.target(model.field(*field))?;
        let mut filter = standing(target, Deleted::Exclude);
        if let (Some(tenant), Some(name)) = (target.system(System::Tenant), &cx.principal.tenant) {
            filter = filter.and(Filter::eq(tenant, Value::Text(name.clone())));
        }
        (filter != Filter::True).then(|| Guard {
            field: *field,
            target: Arc::clone(target),
            filter,
        })
    };
    fields.iter().filter_map(guard).collect()
}

/// A new record, in the order of the model's fields.
pub(crate) fn new_record(
    cx: &Context<'_>,
    model: &Model,
    given: Given,
    pointer: &str,
) -> Result<Vec<Value>, Problem> {
    let id = given.id;
    let mut row = crate::values::complete(model, given, pointer)?;
    for (value, field) in row.iter_mut().zip(&model.fields) {
        let Some(system) = field.system else {
            continue;
        };
        *value = match system {
            System::Id => Value::Uuid(id.unwrap_or_else(Uuid::now_v7)),
            System::CreatedAt | System::UpdatedAt => Value::Timestamp(cx.now),
            System::CreatedBy if cx.principal.is_anonymous() => Value::Null,
            System::CreatedBy => Value::Text(cx.principal.id.clone()),
            System::Version => Value::Int(1),
            System::DeletedAt => Value::Null,
            System::Tenant => Value::Text(cx.principal.tenant.clone().ok_or_else(|| {
                Problem::new(Code::Forbidden)
                    .detail(format!(
                        "a {} belongs to a tenant, and the caller has none",
                        model.name
                    ))
                    .hint("use a key of the tenant whose record it is to be")
            })?),
        };
    }
    Ok(row)
}

pub(crate) fn insert(
    cx: &Context<'_>,
    model: &Arc<Model>,
    rows: Vec<Vec<Value>>,
    returning: Vec<Column>,
) -> Insert {
    let fields: Vec<_> = model.ids().map(|(id, _)| id).collect();
    Insert {
        model: Arc::clone(model),
        guards: guards(cx, model, &fields),
        fields,
        rows,
        conflict: None,
        returning,
    }
}

/// Whether a record that is to be written satisfies the rules by which it may be.
pub(crate) fn check_record(model: &Model, grant: &Grant, row: &[Value]) -> Result<(), Problem> {
    if holds(model, &grant.filter, row) {
        return Ok(());
    }
    Err(Problem::new(Code::Forbidden)
        .detail(format!("the caller may not write such a {}", model.name)))
}

pub(crate) fn holds(model: &Model, filter: &Filter, row: &[Value]) -> bool {
    filter.holds(model, &|field| {
        row.get(field.index()).unwrap_or(&Value::Null)
    }) == Some(true)
}

/// The change of the records that `filter` finds, if they satisfy the grant before and after it.
pub(crate) fn update(
    cx: &Context<'_>,
    model: &Arc<Model>,
    grant: &Grant,
    filter: Filter,
    mut set: Vec<(FieldId, Value)>,
    returning: Vec<Column>,
) -> Write {
    let after = substitute(model, &grant.filter, &set, true);
    let fields: Vec<_> = set.iter().map(|(field, _)| *field).collect();
    if let Some(updated_at) = model.system(System::UpdatedAt) {
        set.push((updated_at, Value::Timestamp(cx.now)));
    }
    Write::Update(Update {
        model: Arc::clone(model),
        set,
        filter: filter.and(grant.filter.clone()).and(after),
        guards: guards(cx, model, &fields),
        returning,
        op: Op::Update,
    })
}

/// What is left of the filter once `set` is written.
pub(crate) fn substitute_all(model: &Model, filter: &Filter, set: &[(FieldId, Value)]) -> Filter {
    substitute(model, filter, set, true)
}

/// The filter as it will be once `set` is written. What is unknown then must not make the whole true, so it is false
/// where the filter stands plainly and true under a `not`.
fn substitute(model: &Model, filter: &Filter, set: &[(FieldId, Value)], plainly: bool) -> Filter {
    let all = |filters: &[Filter]| -> Vec<Filter> {
        filters
            .iter()
            .map(|filter| substitute(model, filter, set, plainly))
            .collect()
    };
    match filter {
        Filter::True => Filter::True,
        Filter::False => Filter::False,
        Filter::All(filters) => all(filters).into_iter().fold(Filter::True, Filter::and),
        Filter::Any(filters) => all(filters).into_iter().fold(Filter::False, Filter::or),
        Filter::Not(inner) => match substitute(model, inner, set, !plainly) {
            Filter::True => Filter::False,
            Filter::False => Filter::True,
            inner => Filter::Not(Box::new(inner)),
        },
        Filter::Test { field, .. } => match set.iter().find(|(set, _)| set == field) {
            None => filter.clone(),
            Some((_, value)) => {
                if filter.holds(model, &|_| value).unwrap_or(!plainly) {
                    Filter::True
                } else {
                    Filter::False
                }
            }
        },
    }
}

/// The filter of a change: the record must be there, and where the caller reads it must be readable too, since a
/// change that reaches what cannot be seen would tell of it.
pub(crate) fn reach(cx: &Context<'_>, model: &Model, deleted: Deleted) -> Filter {
    let readable = cx
        .read_grant(model)
        .map_or(Filter::True, |grant| grant.filter.clone());
    standing(model, deleted).and(readable)
}

pub(crate) fn one_of(ids: &[Uuid]) -> Filter {
    let operand = |id: &Uuid| model::Operand::Value(Value::Uuid(*id));
    Filter::Test {
        field: FieldId::ID,
        test: Test::In(ids.iter().map(operand).collect()),
    }
}

pub(crate) fn need_all(cx: &Context<'_>, model: &Model, actions: &[Action]) -> Result<(), Problem> {
    actions
        .iter()
        .try_for_each(|action| cx.grant(model, *action).map(|_| ()))
}

/// A guard against answers of ours that would not be complete.
pub(crate) fn one<T>(rows: Vec<T>) -> Result<T, Problem> {
    rows.into_iter()
        .next()
        .ok_or_else(|| problem::internal("the store answered a write without a row"))
}
