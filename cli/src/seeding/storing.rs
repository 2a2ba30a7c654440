//! Records described by seeds, brought into the platform: what stands already is left alone.

use std::collections::HashMap;

use model::{FieldId, Model, Value};
use serde_json::value::RawValue;
use uuid::Uuid;
use wire::{Body, Call, Code, NodeName, Problem};

use crate::platform::Platform;
use crate::reading::Record;

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
    platform.calls.call(call).await?.body.collect(usize::MAX).await
}

/// The records that are there under the drafts' ids.
async fn standing(
    platform: &Platform,
    model: &Model,
    drafts: &[Draft],
) -> Result<HashMap<Uuid, Record>, Problem> {
    let ids: Vec<_> = drafts.iter().map(|draft| draft.id).collect();
    let input = serde_json::json!({"where": {"id": {"in": ids}}, "limit": ids.len()});
    let body = call(platform, model, "list", input.to_string()).await?;
    let records: Vec<Record> = serde_json::from_slice(&body).map_err(|error| unreadable(&error))?;
    let by_id = records.into_iter().filter_map(|record| {
        let id = serde_json::from_str(record.value("id")?.get()).ok()?;
        Some((id, record))
    });
    Ok(by_id.collect())
}

fn unreadable(error: &serde_json::Error) -> Problem {
    Problem::new(Code::Internal).detail(format!("an answer could not be read: {error}"))
}

/// Whether the record holds what the draft says, to the digit.
fn stands(model: &Model, draft: &Draft, record: &Record) -> bool {
    draft.fields.iter().all(|(id, value)| {
        let field = model.field(*id);
        record.value(&field.name).is_some_and(|raw| {
            Value::from_json(field, raw).is_ok_and(|held| same(&held, value))
        })
    })
}

fn same(a: &Value, b: &Value) -> bool {
    let text = |value: &Value| {
        let mut out = Vec::new();
        value.write_json(&mut out);
        out
    };
    match (a, b) {
        // The order of keys is no value.
        (Value::Json(a), Value::Json(b)) => {
            let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
            a == b || parse(a).is_some_and(|a| Some(a) == parse(b))
        }
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
    problems.collect::<Result<_, _>>().map_err(|error| unreadable(&error))
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
