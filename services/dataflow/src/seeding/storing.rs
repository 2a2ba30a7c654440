//! Records described by seeds, brought into the platform: what stands already is left alone.

use std::collections::HashMap;

use model::{Field, FieldId, Model, Value};
use serde_json::value::RawValue;
use uuid::Uuid;
use wire::{Body, Call, Code, NodeName, Problem};

use crate::platform::Platform;
use crate::reading::{self, Record};

/// A record as one line of a file describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    pub line: usize,
    pub id: Uuid,
    /// The fields that the seed names, without `id`.
    pub fields: Vec<(FieldId, Value)>,
}

/// What became of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Created,
    Updated,
    Unchanged,
    Failed(String),
}

/// How many ids one question names: under the limit of a filter's terms.
const ASK: usize = 100;

/// Stores drafts of one model and tells what became of each, in their order.
pub async fn store(
    platform: &Platform,
    model: &Model,
    drafts: &[Draft],
) -> Result<Vec<Outcome>, Problem> {
    let mut outcomes = Vec::with_capacity(drafts.len());
    for asked in drafts.chunks(ASK) {
        let standing = standing(platform, model, asked).await?;
        outcomes.extend(asked.iter().map(|draft| match standing.get(&draft.id) {
            None => Outcome::Created,
            Some(record) if stands(model, draft, record) => Outcome::Unchanged,
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
    let body = call(platform, model, "bulk_upsert", input).await?;
    let results = results(&body)?;
    for (index, result) in writing.into_iter().zip(results) {
        if let Some(problem) = result {
            outcomes[index] = Outcome::Failed(one_line(&problem));
        }
    }
    Ok(outcomes)
}

async fn call(
    platform: &Platform,
    model: &Model,
    verb: &str,
    input: String,
) -> Result<bytes::Bytes, Problem> {
    let node = NodeName::of_model(&model.name, verb);
    let call = Call::new(node, platform.caller.clone(), Body::json(input));
    platform
        .calls
        .call(call)
        .await?
        .body
        .collect(usize::MAX)
        .await
}

/// The records that are there under the drafts' ids.
async fn standing(
    platform: &Platform,
    model: &Model,
    drafts: &[Draft],
) -> Result<HashMap<Uuid, Record>, Problem> {
    let ids: Vec<_> = drafts.iter().map(|draft| Value::Uuid(draft.id)).collect();
    let ids: Vec<_> = ids.iter().collect();
    let records = list(platform, model, FieldId::ID, &ids).await?;
    let by_id = records
        .into_iter()
        .filter_map(|record| Some((id(&record)?, record)));
    Ok(by_id.collect())
}

/// The ids of the records whose field has one of the values, by [`lookup_text`] of the value.
pub async fn find(
    platform: &Platform,
    model: &Model,
    by: FieldId,
    values: &[&Value],
) -> Result<HashMap<String, Uuid>, Problem> {
    let field = model.field(by);
    let mut found = HashMap::new();
    for values in values.chunks(ASK) {
        for record in list(platform, model, by, values).await? {
            let value = record.value(&field.name);
            let value = value.and_then(|raw| Value::from_json(field, raw).ok());
            if let (Some(value), Some(id)) = (value, id(&record)) {
                found.insert(lookup_text(field, &value), id);
            }
        }
    }
    Ok(found)
}

/// Equal where the store takes the values for equal.
pub fn lookup_text(field: &Field, value: &Value) -> String {
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
    platform: &Platform,
    model: &Model,
    by: FieldId,
    values: &[&Value],
) -> Result<Vec<Record>, Problem> {
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
    let body = call(platform, model, "list", input).await?;
    serde_json::from_slice(&body).map_err(|error| unreadable(&error))
}

fn id(record: &Record) -> Option<Uuid> {
    reading::text(record.value("id")?).parse().ok()
}

fn unreadable(error: &serde_json::Error) -> Problem {
    Problem::new(Code::Internal).detail(format!("an answer could not be read: {error}"))
}

/// Whether the record holds what the draft says, to the digit.
fn stands(model: &Model, draft: &Draft, record: &Record) -> bool {
    draft.fields.iter().all(|(id, value)| {
        let field = model.field(*id);
        record
            .value(&field.name)
            .is_some_and(|raw| Value::from_json(field, raw).is_ok_and(|held| same(&held, value)))
    })
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
fn results(body: &[u8]) -> Result<Vec<Option<Problem>>, Problem> {
    let answer: Record = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    let results = answer.value("results").map_or("[]", RawValue::get);
    let results: Vec<Record> = serde_json::from_str(results).map_err(|error| unreadable(&error))?;
    let problems = results.iter().map(|result| match result.value("problem") {
        None => Ok(None),
        Some(raw) => serde_json::from_str(raw.get()).map(Some),
    });
    problems
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(&error))
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
