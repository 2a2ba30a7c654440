//! `tx`: calls of several models' nodes, all or nothing, where later ones may refer to what earlier ones answered.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use model::{Model, Object, Verb};
use serde_json::value::RawValue;
use wire::{Answer, Body, Content, Meta, NodeName, Options, Problem, Reply};

use crate::arguments::Pairs;
use crate::bulk::{check_count, version_of};
use crate::context::{Context, at, pointed};
use crate::create::{fault, no_query};
use crate::door::Door;
use crate::work::perform;
use crate::{body, problem, values};

/// What earlier operations answered, by the names that `as` gave them.
type Answered = HashMap<String, Bytes>;

pub(crate) async fn call(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    pairs: Pairs,
    text: &str,
) -> Result<Answer, Problem> {
    no_query(&pairs, &[])?;
    let object = body::object(text, "")?;
    only(&object, "", &["ops"])?;
    let Some(ops) = object.get("ops") else {
        return Err(fault("/ops".to_owned(), "required", "`ops` must be given"));
    };
    let ops = body::list(ops.get(), "/ops")?;
    check_count(cx, ops.len())?;
    let mut answered = Answered::new();
    let mut changed = 0;
    let mut out = Vec::new();
    for (index, raw) in ops.iter().enumerate() {
        let pointer = format!("/ops/{index}");
        let answer = one(cx, door, raw, &pointer, &mut answered)
            .await
            .map_err(|problem| pointed(problem, &pointer))?;
        changed += answer.meta.affected.unwrap_or(0);
        let Content::Whole(body) = answer.body.content else {
            return Err(problem::internal("an operation answered with a stream"));
        };
        let status = if answer.meta.created { 201 } else { 200 };
        out.extend_from_slice(if index == 0 { b"" } else { b"," });
        out.extend_from_slice(format!("{{\"status\":{status}").as_bytes());
        if !body.is_empty() {
            out.extend_from_slice(b",\"record\":");
            out.extend_from_slice(&body);
        }
        out.push(b'}');
    }
    let mut whole = format!("{{\"changed\":{changed},\"results\":[").into_bytes();
    whole.extend(out);
    whole.extend_from_slice(b"]}");
    let meta = Meta {
        affected: Some(changed),
        ..Meta::default()
    };
    let body = if cx.wants_body() {
        whole.into()
    } else {
        Bytes::new()
    };
    Ok(Answer {
        meta,
        body: Body::json(body),
    })
}

fn only(object: &Object<'_>, pointer: &str, known: &[&str]) -> Result<(), Problem> {
    match object
        .members
        .iter()
        .find(|(name, _)| !known.contains(&&**name))
    {
        None => Ok(()),
        Some((name, _)) => {
            let hint = model::did_you_mean(name, known.iter().copied());
            let detail = format!(
                "`{name}` is not known here; {}",
                hint.unwrap_or_else(|| known.join(", "))
            );
            Err(fault(
                format!("{pointer}/{}", values::escape(name)),
                "unknown_field",
                &detail,
            ))
        }
    }
}

async fn one(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    raw: &RawValue,
    pointer: &str,
    answered: &mut Answered,
) -> Result<Answer, Problem> {
    let object = body::object(raw.get(), pointer)?;
    let known = ["node", "as", "input", "if_version", "max_affected"];
    only(&object, pointer, &known)?;
    let (model, verb) = named(cx, &object, pointer)?;
    let alias = text(&object, "as", pointer)?;
    if alias
        .as_ref()
        .is_some_and(|alias| answered.contains_key(alias))
    {
        let detail = "an earlier operation has this name";
        return Err(fault(format!("{pointer}/as"), "duplicate", detail));
    }
    let mut input = String::new();
    let within = format!("{pointer}/input");
    if let Some(raw) = object.get("input") {
        resolve(raw.get(), &within, answered, &mut input)?;
    }
    let options = Options {
        reply: Reply::Representation,
        if_version: version_of(&object, pointer)?,
        max_affected: number(&object, "max_affected", pointer)?,
        ..Options::default()
    };
    let before = door.changed();
    let answer = perform(&cx.with(&options), door, model, verb, Vec::new(), &input)
        .await
        .map_err(|problem| at(problem, &within))?;
    crate::work::check_affected(door.changed() - before, &options)
        .map_err(|problem| at(problem, pointer))?;
    if let (Some(alias), Content::Whole(body)) = (alias, &answer.body.content) {
        answered.insert(alias, Bytes::clone(body));
    }
    Ok(answer)
}

/// The model's node that the operation calls.
fn named<'a>(
    cx: &'a Context<'_>,
    object: &Object<'_>,
    pointer: &str,
) -> Result<(&'a Arc<Model>, Verb), Problem> {
    let at = || format!("{pointer}/node");
    let node = text(object, "node", pointer)?
        .ok_or_else(|| fault(at(), "required", "`node` must be given"))?;
    let name: Option<NodeName> = node.parse().ok();
    let found = name.and_then(|name| {
        let model = cx.live.models.get(name.family())?;
        let verb = Verb::parse(name.verb()).filter(|verb| *verb != Verb::Bulk)?;
        Some((model, verb))
    });
    found.ok_or_else(|| {
        let detail = format!("`{node}` is no node that a transaction can call");
        fault(at(), "invalid_value", &detail)
    })
}

fn text(object: &Object<'_>, name: &str, pointer: &str) -> Result<Option<String>, Problem> {
    let wrong = |_| {
        fault(
            format!("{pointer}/{name}"),
            "wrong_type",
            &format!("`{name}` is a text"),
        )
    };
    let raw = object.get(name);
    raw.map(|raw| serde_json::from_str(raw.get()).map_err(wrong))
        .transpose()
}

fn number(object: &Object<'_>, name: &str, pointer: &str) -> Result<Option<u64>, Problem> {
    let wrong = || {
        fault(
            format!("{pointer}/{name}"),
            "wrong_type",
            &format!("`{name}` is a whole number"),
        )
    };
    let raw = object.get(name);
    raw.map(|raw| body::whole(raw).ok_or_else(wrong))
        .transpose()
}

/// Copies JSON text as it stands, so that digits stay, but for `{"$ref": "name.field"}`.
fn resolve(
    text: &str,
    pointer: &str,
    answered: &Answered,
    out: &mut String,
) -> Result<(), Problem> {
    if text.starts_with('{') {
        let object = body::object(text, pointer)?;
        if let [(name, raw)] = object.members.as_slice()
            && name == "$ref"
        {
            out.push_str(&referred(raw, pointer, answered)?);
            return Ok(());
        }
        out.push('{');
        for (index, (name, raw)) in object.members.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            out.push_str(&serde_json::Value::from(&**name).to_string());
            out.push(':');
            let at = format!("{pointer}/{}", values::escape(name));
            resolve(raw.get(), &at, answered, out)?;
        }
        out.push('}');
    } else if text.starts_with('[') {
        out.push('[');
        for (index, raw) in body::list(text, pointer)?.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            resolve(raw.get(), &format!("{pointer}/{index}"), answered, out)?;
        }
        out.push(']');
    } else {
        out.push_str(text);
    }
    Ok(())
}

fn referred(raw: &RawValue, pointer: &str, answered: &Answered) -> Result<String, Problem> {
    let wrong = |detail: &str| fault(pointer.to_owned(), "invalid_value", detail);
    let text: String =
        serde_json::from_str(raw.get()).map_err(|_| wrong("`$ref` is a text like \"f.id\""))?;
    let (name, field) = text
        .split_once('.')
        .ok_or_else(|| wrong("`$ref` is a name and a field, like \"f.id\""))?;
    let body = answered.get(name).ok_or_else(|| {
        let hint = model::did_you_mean(name, answered.keys().map(String::as_str));
        wrong(&format!(
            "no earlier operation is named `{name}`; {}",
            hint.unwrap_or_default()
        ))
    })?;
    let record = std::str::from_utf8(body)
        .ok()
        .and_then(|body| Object::parse(body).ok());
    let value = record.as_ref().and_then(|record| record.get(field));
    value.map(|value| value.get().to_owned()).ok_or_else(|| {
        wrong(&format!(
            "`{name}` answered no record with a field `{field}`"
        ))
    })
}

#[cfg(test)]
mod tests {
    use wire::Code;

    use super::*;

    #[test]
    fn refs_are_replaced_and_digits_stay() {
        let mut answered = Answered::new();
        answered.insert(
            "f".to_owned(),
            Bytes::from_static(br#"{"id":"x","n":1.50,"o":{"a":[1]}}"#),
        );
        for (text, expected) in [
            (
                r#"{"a":{"$ref":"f.id"},"b":[{"$ref":"f.n"},{"$ref":"f.o"}]}"#,
                Ok(r#"{"a":"x","b":[1.50,{"a":[1]}]}"#),
            ),
            (
                r#"{"a":12345678901234567890.10}"#,
                Ok(r#"{"a":12345678901234567890.10}"#),
            ),
            (
                r#"{"$ref":"f.id","more":1}"#,
                Ok(r#"{"$ref":"f.id","more":1}"#),
            ),
            (r#"{"a":{"$ref":"g.id"}}"#, Err("/i/a")),
            (r#"[{"$ref":"f.none"}]"#, Err("/i/0")),
            (r#"{"$ref":1}"#, Err("/i")),
        ] {
            let mut out = String::new();
            let resolved = resolve(text, "/i", &answered, &mut out);
            let resolved = resolved.map(|()| out.as_str()).map_err(|problem| {
                assert_eq!(problem.code, Code::InvalidInput);
                problem.errors[0].pointer.clone()
            });
            assert_eq!(resolved, expected.map_err(str::to_owned), "{text}");
        }
    }
}
