//! `aggregate`: measures over groups of records.

use std::sync::Arc;

use model::{Action, Filter, Model, Object};
use serde_json::value::RawValue;
use store::{Aggregate, Measure};
use wire::{Answer, Body, Fault, Meta, Problem};

use crate::arguments::Pairs;
use crate::context::Context;
use crate::door::Door;
use crate::question::{Deleted, Reader};
use crate::{body, measures, plan, problem, values};

pub(crate) async fn call(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    model: &Arc<Model>,
    mut pairs: Pairs,
    object: &Object<'_>,
) -> Result<Answer, Problem> {
    let grant = cx.grant(model, Action::Read)?;
    let question = Reader::new(cx, model, &["where", "limit", "deleted"])
        .query(&mut pairs)
        .body(object, "", &["group", "measures", "order"])
        .finish()?;
    // The masked model: what is hidden is unknown here too.
    let asked = asked(cx.view.masked_model(model), object)?;
    let deleted: Deleted = question.deleted;
    let aggregate = Aggregate {
        model: Arc::clone(model),
        filter: plan::standing(model, deleted)
            .and(grant.filter.clone())
            .and(question.filter.unwrap_or(Filter::True)),
        limit: question.limit.unwrap_or(cx.limits.page_max),
        ..asked
    };
    if aggregate.limit == 0 {
        return Ok(Answer::json("[]"));
    }
    let page = door
        .aggregate(&aggregate)
        .await
        .map_err(problem::of_store)?;
    let meta = Meta {
        rows: Some(page.rows),
        truncated: page.next.is_some(),
        ..Meta::default()
    };
    Ok(Answer {
        meta,
        body: Body::json(page.body),
    })
}

fn asked(model: &Arc<Model>, object: &Object<'_>) -> Result<Aggregate, Problem> {
    let mut faults = Vec::new();
    let mut group = Vec::new();
    if let Some(raw) = object.get("group") {
        for (index, name) in texts(raw, "/group", &mut faults).iter().enumerate() {
            let at = format!("/group/{index}");
            match measures::find(model, name) {
                Ok(field) if !measures::is_groupable(model.field(field)) => {
                    let detail = format!("records cannot be grouped by `{name}`");
                    faults.push(Fault::new(at, "invalid_value", detail));
                }
                Ok(field) if group.contains(&field) => {
                    faults.push(Fault::new(
                        at,
                        "duplicate",
                        format!("`{name}` stands twice"),
                    ));
                }
                Ok(field) => group.push(field),
                Err(why) => faults.push(Fault::new(at, "unknown_field", why)),
            }
        }
    }
    let mut names: Vec<String> = group
        .iter()
        .map(|field| model.field(*field).name.clone())
        .collect();
    let measures = measures_of(model, object.get("measures"), &names, &mut faults)?;
    names.extend(measures.iter().map(|(name, _)| name.clone()));
    let mut order = object
        .get("order")
        .map_or_else(Vec::new, |raw| order_of(raw, &names, &mut faults));
    if names.is_empty() && faults.is_empty() {
        let detail = "`measures` or `group` must be given, as in {\"n\": \"count\"}";
        faults.push(Fault::new("/measures", "required", detail));
    }
    if !faults.is_empty() {
        return Err(problem::of_input(faults));
    }
    // Groups always come in the same order.
    for index in 0..group.len() {
        if !order.iter().any(|(by, _)| *by == index) {
            order.push((index, false));
        }
    }
    Ok(Aggregate {
        model: Arc::clone(model),
        filter: Filter::True,
        group,
        measures,
        order,
        limit: 0,
    })
}

fn texts(raw: &RawValue, at: &str, faults: &mut Vec<Fault>) -> Vec<String> {
    match body::texts(raw, at) {
        Ok(texts) => texts
            .iter()
            .flat_map(|text| text.split(','))
            .map(|text| text.trim().to_owned())
            .collect(),
        Err(fault) => {
            faults.push(fault);
            Vec::new()
        }
    }
}

fn measures_of(
    model: &Model,
    raw: Option<&RawValue>,
    taken: &[String],
    faults: &mut Vec<Fault>,
) -> Result<Vec<(String, Measure)>, Problem> {
    let Some(raw) = raw else {
        return Ok(Vec::new());
    };
    let mut measures = Vec::new();
    for (name, raw) in body::object(raw.get(), "/measures")?.members {
        let name = name.into_owned();
        let at = format!("/measures/{}", values::escape(&name));
        let is_word = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && name.len() <= 63;
        if !is_word || taken.contains(&name) {
            let detail =
                "a measure's name is a word of letters, digits and `_`, and no field of the group";
            faults.push(Fault::new(at, "invalid_value", detail));
            continue;
        }
        let Ok(text) = serde_json::from_str::<String>(raw.get()) else {
            faults.push(Fault::new(
                at,
                "wrong_type",
                "a measure is a text like sum(gross)",
            ));
            continue;
        };
        match measures::parse(model, &text) {
            Ok(measure) => measures.push((name, measure)),
            Err(why) => faults.push(Fault::new(at, "invalid_value", why)),
        }
    }
    Ok(measures)
}

/// `name`, `name.desc`: of the group or of a measure.
fn order_of(raw: &RawValue, names: &[String], faults: &mut Vec<Fault>) -> Vec<(usize, bool)> {
    let mut order = Vec::new();
    for (index, text) in texts(raw, "/order", faults).iter().enumerate() {
        let (name, descending) = match text.rsplit_once('.') {
            Some((name, "desc")) => (name, Some(true)),
            Some((name, "asc")) => (name, Some(false)),
            Some(_) => (text.as_str(), None),
            None => (text.as_str(), Some(false)),
        };
        let by = names.iter().position(|one| one == name);
        if let (Some(by), Some(descending)) = (by, descending) {
            if !order.iter().any(|(other, _)| *other == by) {
                order.push((by, descending));
            }
        } else {
            let hint = model::did_you_mean(name, names.iter().map(String::as_str));
            let hint = hint.map_or(String::new(), |hint| format!("; {hint}"));
            let detail = format!("`{name}` is neither in `group` nor a measure{hint}");
            faults.push(Fault::new(
                format!("/order/{index}"),
                "unknown_field",
                detail,
            ));
        }
    }
    order
}
