//! `read`, `list`, `count` and `search`.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use model::{Action, BadArgument, Filter, Model, Object, Selected};
use serde_json::value::RawValue;
use store::{Format, Pace, Select, TextSearch};
use uuid::Uuid;
use wire::{
    Answer, Body, ByteStream, Code, Content, Count, CountWish, Fault, Media, Meta, Problem,
};

use crate::arguments::{self, Pairs};
use crate::context::Context;
use crate::cursor;
use crate::door::Door;
use crate::question::{Deleted, Question, Reader};
use crate::{plan, problem, values};

/// The record's id from the query or the body; one of them must name it.
pub(crate) fn take_id(pairs: &mut Pairs, object: &Object<'_>) -> Result<Uuid, Problem> {
    let mut mistakes = Vec::new();
    let named = arguments::take(pairs, "id", &mut mistakes);
    arguments::finish(mistakes)?;
    match (named, object.get("id")) {
        (Some(text), _) => values::uuid(&text).ok_or_else(|| {
            let shown: String = text.chars().take(60).collect();
            problem::of_query(vec![BadArgument::new(
                "id",
                format!("`{shown}` is no UUID"),
            )])
        }),
        (None, Some(raw)) => json_id(raw, "/id"),
        (None, None) => {
            let fault = Fault::new("/id", "required", "`id` must be given");
            Err(problem::of_input(vec![fault]))
        }
    }
}

pub(crate) fn json_id(raw: &RawValue, pointer: &str) -> Result<Uuid, Problem> {
    let text: Option<String> = serde_json::from_str(raw.get()).ok();
    text.and_then(|text| values::uuid(&text)).ok_or_else(|| {
        let fault = Fault::new(pointer, "invalid_value", "`id` is a UUID");
        problem::of_input(vec![fault])
    })
}

pub(crate) fn not_found(model: &Model, id: Uuid) -> Problem {
    Problem::new(Code::NotFound).detail(format!("there is no {} {id}", model.path))
}

pub(crate) async fn read(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    model: &Arc<Model>,
    mut pairs: Pairs,
    object: &Object<'_>,
) -> Result<Answer, Problem> {
    let grant = cx.grant(model, Action::Read)?;
    let in_query = pairs.iter().any(|(name, _)| name == "id");
    let id = take_id(&mut pairs, object)?;
    let ignore: &[&str] = if in_query { &[] } else { &["id"] };
    let question = Reader::new(cx, model, &["select", "deleted"])
        .query(&mut pairs)
        .body(object, "", ignore)
        .finish()?;
    let usual = question.select.is_none() && question.deleted == Deleted::Exclude;
    let found = if let Some(read) = cx.view.point_read(model).filter(|_| usual) {
        door.point_read(read, id).await
    } else {
        let filter = plan::standing(model, question.deleted).and(grant.filter.clone());
        let columns = plan::columns(cx, model, question.select.as_ref());
        door.read(&plan::by_id(model, id, filter, columns)).await
    };
    let found = found.map_err(problem::of_store)?;
    let record = found.ok_or_else(|| not_found(model, id))?;
    let embeds = question.select.is_some_and(|select| {
        let is_embed = |one: &Selected| matches!(one, Selected::Embed { .. });
        select.0.iter().any(is_embed)
    });
    let meta = Meta {
        id: Some(record.id),
        version: (!embeds).then_some(record.version),
        ..Meta::default()
    };
    Ok(Answer {
        meta,
        body: Body::json(record.body),
    })
}

const LIST: [&str; 7] = [
    "where", "order", "select", "limit", "cursor", "offset", "deleted",
];

pub(crate) async fn list(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    model: &Arc<Model>,
    mut pairs: Pairs,
    object: &Object<'_>,
) -> Result<Answer, Problem> {
    let grant = cx.grant(model, Action::Read)?;
    let question = Reader::new(cx, model, &LIST)
        .query(&mut pairs)
        .body(object, "", &[])
        .finish()?;
    let select = plan::list(cx, model, &grant, &question);
    page(cx, door, select, &question).await
}

const SEARCH: [&str; 8] = [
    "q", "where", "order", "select", "limit", "cursor", "offset", "deleted",
];

pub(crate) async fn search(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    model: &Arc<Model>,
    mut pairs: Pairs,
    object: &Object<'_>,
) -> Result<Answer, Problem> {
    let grant = cx.grant(model, Action::Read)?;
    let mut question = Reader::new(cx, model, &SEARCH)
        .query(&mut pairs)
        .body(object, "", &[])
        .finish()?;
    let Some(text) = question.q.clone() else {
        let fault = Fault::new("/q", "required", "`q` must say what to search for");
        return Err(problem::of_input(vec![fault]));
    };
    // Nothing has every word of none.
    let is_wordless = model::words(&text).is_empty();
    if is_wordless {
        question.filter = Some(Filter::False);
    }
    let mut select = plan::list(cx, model, &grant, &question);
    select.model = Arc::clone(cx.view.searchable(model));
    if !select.model.fields.iter().any(|field| field.search) {
        let detail = format!("no field of {} is searched", model.name);
        return Err(Problem::new(Code::InvalidQuery)
            .detail(detail)
            .hint("say `search: true` at a text field of the model, or filter with ilike"));
    }
    select.search = (!is_wordless).then_some(TextSearch { text });
    page(cx, door, select, &question).await
}

/// Reads one page, with its cursors and its count as wished.
async fn page(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    mut select: Select,
    question: &Question,
) -> Result<Answer, Problem> {
    let asked = question.filter.clone().unwrap_or(Filter::True);
    let order = select.order.clone();
    let model = Arc::clone(&select.model);
    let list = cursor::List {
        model: &model,
        order: &order,
        filter: &asked,
        deleted: question.deleted.name(),
        search: question.q.as_deref(),
        principal: cx.principal,
    };
    if let Some(text) = &question.cursor {
        if question.offset.is_some() {
            let mistake = BadArgument::new("offset", "`cursor` and `offset` exclude each other");
            return Err(problem::of_query(vec![mistake]));
        }
        select.after = Some(cursor::open(cx.signer, &list, text)?);
    }
    let mut meta = Meta {
        offset: select.offset,
        ..Meta::default()
    };
    if cx.options.count != CountWish::None {
        meta.count = Some(count_of(cx, door, &select).await?);
    }
    let (media, format) = format(cx.options.accept);
    let content = if question.streams {
        Content::Stream(stream(cx, door, &select, format).await?)
    } else if select.limit == 0 {
        meta.rows = Some(0);
        Content::Whole(Bytes::from_static(if format == Format::JsonArray {
            b"[]"
        } else {
            b""
        }))
    } else {
        let page = door
            .list(&select, format)
            .await
            .map_err(problem::of_store)?;
        meta.rows = Some(page.rows);
        meta.cursor = page
            .next
            .map(|after| cursor::seal(cx.signer, &list, &after));
        Content::Whole(page.body)
    };
    Ok(Answer {
        meta,
        body: Body { media, content },
    })
}

async fn stream(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    select: &Select,
    format: Format,
) -> Result<ByteStream, Problem> {
    let pace = Pace {
        time: cx.limits.stream_time,
        stall: cx.limits.stall,
    };
    let chunks = door.stream(select, format, pace).await;
    let chunks = chunks.map_err(problem::of_store)?;
    let told = |error| problem::of_stream(&error);
    Ok(chunks.map_err(told).boxed())
}

fn format(media: Media) -> (Media, Format) {
    let format = match media {
        // No list is asked for as events: that is refused before.
        Media::Json | Media::EventStream => Format::JsonArray,
        Media::JsonLines => Format::JsonLines,
        Media::Csv => Format::Csv,
    };
    (media, format)
}

async fn count_of(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    select: &Select,
) -> Result<Count, Problem> {
    let exact = cx.options.count != CountWish::Planned;
    let records = door.count(select, exact).await.map_err(problem::of_store)?;
    Ok(Count { records, exact })
}

pub(crate) async fn count(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    model: &Arc<Model>,
    mut pairs: Pairs,
    object: &Object<'_>,
) -> Result<Answer, Problem> {
    let grant = cx.grant(model, Action::Read)?;
    let question = Reader::new(cx, model, &["where", "deleted"])
        .query(&mut pairs)
        .body(object, "", &[])
        .finish()?;
    let select = plan::list(cx, model, &grant, &question);
    let count = count_of(cx, door, &select).await?;
    let mut answer = Answer::json(format!("{{\"count\":{}}}", count.records));
    answer.meta.count = Some(count);
    Ok(answer)
}
