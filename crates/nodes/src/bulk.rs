//! Many records in one call: `bulk_create`, `bulk_update`, `bulk_delete`, `bulk_upsert` and `bulk`.

mod items;
mod rows;

use std::sync::Arc;

use bytes::Bytes;
use model::{Action, FieldId, Filter, Model, Object};
use serde_json::value::RawValue;
use store::Write;
use wire::{Answer, Body, Code, IfVersion, Meta, Problem, Reply};

use crate::arguments::Pairs;
use crate::context::{Context, Done};
use crate::create::{done, fault, no_query};
use crate::delete;
use crate::door::Door;
use crate::question::{Deleted, Question, Reader};
use crate::{body, import, plan, problem, values};
use items::{Item, Kind, results};

pub(crate) use items::version_of;

/// The records of a bulk call: `[..]`, or `{records: [..], atomic}` beside what `others` names.
struct Records<'a> {
    list: Vec<&'a RawValue>,
    /// Where the first stands, less its number.
    pointer: &'static str,
    atomic: bool,
    rest: Object<'a>,
}

fn records<'a>(
    cx: &Context<'_>,
    text: &'a str,
    key: &'static str,
    others: &[&str],
) -> Result<Records<'a>, Problem> {
    if text.starts_with('[') {
        let records = body::list(text, "")?;
        check_count(cx, records.len())?;
        return Ok(Records {
            list: records,
            pointer: "",
            atomic: true,
            rest: Object {
                members: Vec::new(),
            },
        });
    }
    let object = body::object(text, "")?;
    let known = |name: &str| name == key || name == "atomic" || others.contains(&name);
    if let Some((name, _)) = object.members.iter().find(|(name, _)| !known(name)) {
        let at = format!("/{}", values::escape(name));
        let detail = format!("there is no argument `{name}` here; `{key}` and `atomic` are known");
        return Err(fault(at, "unknown_field", &detail));
    }
    let pointer = if key == "ops" { "/ops" } else { "/records" };
    let Some(raw) = object.get(key) else {
        return Err(fault(
            pointer.to_owned(),
            "required",
            &format!("`{key}` must be given"),
        ));
    };
    let records = body::list(raw.get(), pointer)?;
    check_count(cx, records.len())?;
    Ok(Records {
        list: records,
        pointer,
        atomic: boolean(&object, "atomic", true)?,
        rest: object,
    })
}

pub(crate) fn check_count(cx: &Context<'_>, count: usize) -> Result<(), Problem> {
    let most = cx.limits.bulk;
    if count > most {
        let detail = format!("{count} records or operations are over the limit of {most}");
        return Err(problem::limit_exceeded(detail).hint("send fewer at a time"));
    }
    Ok(())
}

fn boolean(object: &Object<'_>, name: &str, otherwise: bool) -> Result<bool, Problem> {
    match object.get(name).map(RawValue::get) {
        None => Ok(otherwise),
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(_) => Err(fault(
            format!("/{name}"),
            "wrong_type",
            &format!("`{name}` is true or false"),
        )),
    }
}

pub(crate) async fn create(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    model: &Arc<Model>,
    pairs: Pairs,
    text: &str,
) -> Result<Answer, Problem> {
    cx.grant(model, Action::Create)?;
    no_query(&pairs, &[])?;
    let records = records(cx, text, "records", &[]).map_err(import::hinted)?;
    if records.atomic {
        let done = rows::create(cx, door, model, &records.list, records.pointer, 0).await?;
        return Ok(list_answer(cx, &done, true));
    }
    let items = items_of(model, &records, &Kind::Create);
    Ok(results(cx, items::run(cx, door, &items, false).await?))
}

pub(crate) async fn upsert(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    model: &Arc<Model>,
    pairs: Pairs,
    text: &str,
) -> Result<Answer, Problem> {
    plan::need_all(cx, model, &[Action::Create, Action::Update])?;
    let records = records(cx, text, "records", &["on"]).map_err(import::hinted)?;
    let on = known_by(cx, model, pairs, records.rest.get("on"))?;
    let items = items_of(model, &records, &Kind::Upsert(on));
    let all = items::run(cx, door, &items, records.atomic).await?;
    Ok(answer(cx, all, records.atomic))
}

/// `on` in the body, else in the query, since CSV and JSON Lines have no other room for it.
pub(crate) fn known_by(
    cx: &Context<'_>,
    model: &Arc<Model>,
    pairs: Pairs,
    in_body: Option<&RawValue>,
) -> Result<Vec<FieldId>, Problem> {
    let (on_query, pairs): (Pairs, Pairs) = pairs.into_iter().partition(|(name, _)| name == "on");
    no_query(&pairs, &["on"])?;
    let in_query = on_query.into_iter().next().map(|(_, value)| value);
    let quoted = in_query.map(|value| serde_json::value::to_raw_value(&value));
    let quoted = quoted
        .transpose()
        .map_err(|error| problem::internal(&error.to_string()))?;
    crate::upsert::conflict_on(cx, model, in_body.or(quoted.as_deref()), "")
}

/// A part of an import, whose first record is number `first`; upserts know records by `on`.
pub(crate) async fn part(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    model: &Arc<Model>,
    on: Option<&[FieldId]>,
    list: &[&RawValue],
    first: usize,
) -> Result<Vec<Done>, Problem> {
    let Some(on) = on else {
        return rows::create(cx, door, model, list, "", first).await;
    };
    let numbered = (first..).zip(list);
    let items: Vec<_> = numbered
        .map(|(number, raw)| Item {
            model,
            kind: Kind::Upsert(on.to_vec()),
            raw,
            pointer: format!("/{number}"),
        })
        .collect();
    let all = items::run(cx, door, &items, true).await?;
    all.into_iter().collect()
}

/// Operations of all kinds on one model.
pub(crate) async fn bulk(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    model: &Arc<Model>,
    pairs: Pairs,
    text: &str,
) -> Result<Answer, Problem> {
    // Each operation needs its own leave; who has none at all is told so even of an empty list.
    let actions = [Action::Create, Action::Update, Action::Delete];
    if !actions.iter().any(|action| cx.view.allows(model, *action)) {
        return Err(cx.denied(&format!("change {}", model.name)));
    }
    no_query(&pairs, &[])?;
    let records = records(cx, text, "ops", &[])?;
    let items = items_of(model, &records, &Kind::Op);
    Ok(results(
        cx,
        items::run(cx, door, &items, records.atomic).await?,
    ))
}

fn items_of<'a>(model: &'a Arc<Model>, records: &Records<'a>, kind: &Kind) -> Vec<Item<'a>> {
    let item = |(index, raw): (usize, &&'a RawValue)| Item {
        model,
        kind: kind.clone(),
        raw,
        pointer: format!("{}/{index}", records.pointer),
    };
    records.list.iter().enumerate().map(item).collect()
}

pub(crate) async fn update(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    model: &Arc<Model>,
    mut pairs: Pairs,
    text: &str,
) -> Result<Answer, Problem> {
    let grant = cx.grant(model, Action::Update)?;
    let in_query = !pairs.is_empty();
    if !in_query && text.starts_with('[') {
        let records = records(cx, text, "records", &[])?;
        let items = items_of(model, &records, &Kind::Update);
        return Ok(answer(cx, items::run(cx, door, &items, true).await?, true));
    }
    let object = body::object(text, "")?;
    if !in_query && object.get("records").is_some() {
        let records = records(cx, text, "records", &[])?;
        let items = items_of(model, &records, &Kind::Update);
        return Ok(answer(
            cx,
            items::run(cx, door, &items, records.atomic).await?,
            records.atomic,
        ));
    }
    let takes = ["where", "all", "select"];
    let (question, given, pointer) = if in_query {
        let question = Reader::new(cx, model, &takes).query(&mut pairs).finish()?;
        (question, object, "")
    } else if let Some(raw) = object.get("values") {
        let question = Reader::new(cx, model, &takes)
            .body(&object, "", &["values"])
            .finish()?;
        (question, body::object(raw.get(), "/values")?, "/values")
    } else if object.get("where").is_some() || object.get("all").is_some() {
        return Err(fault(
            "/values".to_owned(),
            "required",
            "`values` must be given",
        ));
    } else {
        return Err(unfiltered(model));
    };
    let asked = check_scope(cx, model, &question)?;
    let rules = values::Rules {
        model,
        view: &cx.view,
        fields: &grant.fields,
        may_choose_id: false,
    };
    let given = values::read(rules, &given, pointer, &[])?;
    let filter = plan::reach(cx, model, Deleted::Exclude).and(asked);
    let returning = plan::returning(cx, model, question.select.as_ref());
    let write: Write = plan::update(cx, model, &grant, filter, given.set, returning);
    let written = door.write(write).await;
    let rows = written
        .map_err(|error| problem::of_write(error, pointer))?
        .rows;
    Ok(list_answer(
        cx,
        &rows.into_iter().flatten().map(done).collect::<Vec<_>>(),
        false,
    ))
}

pub(crate) async fn delete(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    model: &Arc<Model>,
    mut pairs: Pairs,
    text: &str,
) -> Result<Answer, Problem> {
    let grant = cx.grant(model, Action::Delete)?;
    let object = body::object(text, "")?;
    let question = Reader::new(cx, model, &["where", "all"])
        .query(&mut pairs)
        .body(&object, "", &["ids"])
        .finish()?;
    let asked = match object.get("ids") {
        None => check_scope(cx, model, &question)?,
        Some(raw) => {
            let ids = body::list(raw.get(), "/ids")?;
            check_count(cx, ids.len())?;
            let ids = ids.iter().enumerate();
            let ids: Vec<_> = ids
                .map(|(index, raw)| crate::read::json_id(raw, &format!("/ids/{index}")))
                .collect::<Result<_, _>>()?;
            refuse_versions(cx, model)?;
            plan::one_of(&ids).and(question.filter.unwrap_or(Filter::True))
        }
    };
    let filter = plan::reach(cx, model, Deleted::Exclude)
        .and(grant.filter.clone())
        .and(asked);
    let returning = plan::returning(cx, model, None);
    let rows = delete::remove(cx, door, model, filter, returning).await?;
    Ok(list_answer(
        cx,
        &rows.into_iter().map(done).collect::<Vec<_>>(),
        false,
    ))
}

/// Which records a change of a collection is about: all of them only where that is said.
fn check_scope(cx: &Context<'_>, model: &Model, question: &Question) -> Result<Filter, Problem> {
    refuse_versions(cx, model)?;
    match &question.filter {
        Some(filter) if !filter.is_everything() => Ok(filter.clone()),
        _ if question.all => Ok(Filter::True),
        _ => Err(unfiltered(model)),
    }
}

fn unfiltered(model: &Model) -> Problem {
    Problem::new(Code::Unfiltered)
        .detail(format!(
            "without a filter this would change every {}",
            model.name
        ))
        .hint("name a filter, or say `all=true`")
}

/// A version belongs to one record.
fn refuse_versions(cx: &Context<'_>, model: &Model) -> Result<(), Problem> {
    if let Some(IfVersion::OneOf(_)) = cx.options.if_version {
        return Err(Problem::new(Code::BadRequest)
            .detail("a version is one record's, and this changes several")
            .hint("use `bulk` with `if_version` for each operation"));
    }
    if model.options.require_if_match && cx.options.if_version.is_none() {
        return Err(Problem::new(Code::PreconditionRequired)
            .detail(format!(
                "changes of {} must name the versions that they change",
                model.name
            ))
            .hint("use `bulk` with `if_version` for each operation, or `If-Match: *`"));
    }
    Ok(())
}

fn answer(cx: &Context<'_>, all: Vec<Result<Done, Problem>>, atomic: bool) -> Answer {
    if !atomic {
        return results(cx, all);
    }
    let created = !all.is_empty() && all.iter().flatten().all(|done| done.created);
    list_answer(cx, &all.into_iter().flatten().collect::<Vec<_>>(), created)
}

/// The changed records as a list.
fn list_answer(cx: &Context<'_>, all: &[Done], created: bool) -> Answer {
    let meta = Meta {
        created,
        affected: Some(all.len() as u64),
        rows: Some(all.len() as u64),
        ..Meta::default()
    };
    let body = if cx.options.reply == Reply::Minimal {
        Bytes::new()
    } else {
        let mut out =
            Vec::with_capacity(all.iter().map(|done| done.body.len() + 1).sum::<usize>() + 2);
        out.push(b'[');
        for (index, done) in all.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(&done.body);
        }
        out.push(b']');
        out.into()
    };
    Answer {
        meta,
        body: Body::json(body),
    }
}
