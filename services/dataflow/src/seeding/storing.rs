//! Records described by seeds, brought into the platform: what stands already is left alone.

use std::collections::HashMap;

use model::{Field, FieldId, Model, Object, Value};
use serde_json::value::RawValue;
use uuid::Uuid;
use wire::{Body, Call, Code, NodeName, Problem};

use super::Target;

/// A record as one line of a file describes it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Draft {
    pub(super) line: usize,
    pub(super) id: Uuid,
    /// The fields that the seed names, without `id`.
    pub(super) fields: Vec<(FieldId, Value)>,
}

/// What became of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Created,
    Updated,
    Unchanged,
    Failed(String),
}

/// How many ids one question names: under the limit of a filter's terms.
const ASK: usize = 100;

/// Stores drafts of one model and tells what became of each, in their order.
pub(super) async fn store(
    target: Target<'_>,
    model: &Model,
    drafts: &[Draft],
) -> Result<Vec<Outcome>, Problem> {
    let mut outcomes = Vec::with_capacity(drafts.len());
    for asked in drafts.chunks(ASK) {
        let standing = standing(target, model, asked).await?;
        outcomes.extend(asked.iter().map(|draft| match standing.get(&draft.id) {
            None => Outcome::Created,
            Some(held) if stands(draft, held) => Outcome::Unchanged,
            Some(_) => Outcome::Updated,
        }));
    }
    let writing: Vec<usize> = (0..drafts.len())
        .filter(|index| outcomes[*index] != Outcome::Unchanged)
        .collect();
    if writing.is_empty() {
        return Ok(outcomes);
    }
    let records: Vec<String> = writing
        .iter()
        .map(|index| to_json(model, &drafts[*index]))
        .collect();
    let input = format!(
        r#"{{"on":["id"],"atomic":false,"records":[{}]}}"#,
        records.join(",")
    );
    let body = call(target, model, "bulk_upsert", input).await?;
    let results = results(&body)?;
    for (index, result) in writing.into_iter().zip(results) {
        if let Some(problem) = result {
            outcomes[index] = Outcome::Failed(one_line(&problem));
        }
    }
    Ok(outcomes)
}

async fn call(
    target: Target<'_>,
    model: &Model,
    verb: &str,
    input: String,
) -> Result<String, Problem> {
    let node = NodeName::of_model(&model.name, verb);
    let call = Call::new(node, target.caller.clone(), Body::json(input));
    let answer = target.calls.call(call).await?;
    let bytes = answer.body.collect(usize::MAX).await?;
    String::from_utf8(bytes.into()).map_err(|error| unreadable(&error))
}

/// What each draft says that is there already under its id, field by field.
async fn standing(
    target: Target<'_>,
    model: &Model,
    drafts: &[Draft],
) -> Result<HashMap<Uuid, HashMap<FieldId, Value>>, Problem> {
    let ids: Vec<_> = drafts.iter().map(|draft| Value::Uuid(draft.id)).collect();
    let ids: Vec<_> = ids.iter().collect();
    let text = list(target, model, FieldId::ID, &ids).await?;
    let mut standing = HashMap::new();
    for record in records(&text)? {
        let held = |(id, field): (FieldId, &Field)| {
            let raw = record.get(&field.name)?;
            Some((id, Value::from_json(field, raw).ok()?))
        };
        let held: HashMap<_, _> = model.ids().filter_map(held).collect();
        if let Some(Value::Uuid(id)) = held.get(&FieldId::ID) {
            standing.insert(*id, held);
        }
    }
    Ok(standing)
}

/// The ids of the records whose field has one of the values, by [`lookup_text`] of the value.
pub(super) async fn find(
    target: Target<'_>,
    model: &Model,
    by: FieldId,
    values: &[&Value],
) -> Result<HashMap<String, Uuid>, Problem> {
    let (id_field, field) = (model.field(FieldId::ID), model.field(by));
    let mut found = HashMap::new();
    for values in values.chunks(ASK) {
        let text = list(target, model, by, values).await?;
        for record in records(&text)? {
            let held = |field: &Field| Value::from_json(field, record.get(&field.name)?).ok();
            if let (Some(value), Some(Value::Uuid(id))) = (held(field), held(id_field)) {
                found.insert(lookup_text(field, &value), id);
            }
        }
    }
    Ok(found)
}

/// Equal where the store takes the values for equal.
pub(super) fn lookup_text(field: &Field, value: &Value) -> String {
    let mut text = Vec::new();
    match value {
        Value::Decimal(decimal) => return decimal.to_big().normalized().to_string(),
        _ => value.write_text(&mut text),
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    if field.nocase {
        model::fold(&text)
    } else {
        text
    }
}

async fn list(
    target: Target<'_>,
    model: &Model,
    by: FieldId,
    values: &[&Value],
) -> Result<String, Problem> {
    let name = &model.field(by).name;
    let mut input =
        format!(r#"{{"limit":{},"where":{{"{name}":{{"in":["#, values.len()).into_bytes();
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            input.push(b',');
        }
        value.write_json(&mut input);
    }
    input.extend_from_slice(b"]}}}");
    let input = String::from_utf8(input).expect("values are written as UTF-8");
    call(target, model, "list", input).await
}

fn records(text: &str) -> Result<Vec<Object<'_>>, Problem> {
    let raws: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
    raws.into_iter().map(|raw| object(raw.get())).collect()
}

fn object(text: &str) -> Result<Object<'_>, Problem> {
    Object::parse(text).map_err(|error| unreadable(&error))
}

fn unreadable(error: &impl ToString) -> Problem {
    let error = error.to_string();
    Problem::new(Code::Internal).detail(format!("an answer could not be read: {error}"))
}

/// Whether the record holds what the draft says, to the digit.
fn stands(draft: &Draft, held: &HashMap<FieldId, Value>) -> bool {
    let same = |(id, value): &(FieldId, Value)| held.get(id).is_some_and(|held| same(held, value));
    draft.fields.iter().all(same)
}

/// The order of keys is no value, so JSON is compared in its canonical form.
fn same(a: &Value, b: &Value) -> bool {
    let text = |value: &Value| {
        let mut out = Vec::new();
        value.write_json(&mut out);
        out
    };
    match (a, b) {
        (Value::Json(a), Value::Json(b)) => model::canonical_json(a) == model::canonical_json(b),
        _ => text(a) == text(b),
    }
}

fn to_json(model: &Model, draft: &Draft) -> String {
    let mut out = format!(r#"{{"id":"{}""#, draft.id).into_bytes();
    for (id, value) in &draft.fields {
        out.extend_from_slice(format!(r#","{}":"#, model.field(*id).name).as_bytes());
        value.write_json(&mut out);
    }
    out.push(b'}');
    String::from_utf8(out).expect("values are written as UTF-8")
}

/// The problem of each record that was refused, in the order in which they were sent.
fn results(text: &str) -> Result<Vec<Option<Problem>>, Problem> {
    let answer = object(text)?;
    let results = records(answer.get("results").map_or("[]", RawValue::get))?;
    let problems = results.iter().map(|result| match result.get("problem") {
        None => Ok(None),
        Some(raw) => serde_json::from_str(raw.get()).map(Some),
    });
    let problems: Result<_, serde_json::Error> = problems.collect();
    problems.map_err(|error| unreadable(&error))
}

/// The faults where there are some, since they say more than the problem.
fn one_line(problem: &Problem) -> String {
    if problem.errors.is_empty() {
        return problem.detail.clone();
    }
    let faults = problem.errors.iter().map(|fault| {
        let field = fault.pointer.rsplit('/').next().unwrap_or_default();
        format!("{field}: {}", fault.detail)
    });
    faults.collect::<Vec<_>>().join("; ")
}
