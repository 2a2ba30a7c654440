//! `changes`: what is written, told as it becomes visible, to those who may see it.

mod event;
mod feed;
mod listener;
mod place;
mod sight;

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use model::{Action, BadArgument, FieldId, Model, Object, System};
use wire::{Answer, Body, Code, Content, Fault, Media, Meta, Problem};

use crate::arguments::{self, Pairs};
use crate::context::Context;
use crate::live::Live;
use crate::{body, problem, values};

pub(crate) use feed::Feed;
use listener::Listener;

/// What a listener asks for.
struct Wish {
    /// Names of models; nothing for all.
    models: Option<BTreeSet<String>>,
    since: Option<String>,
}

/// Answers with a stream that ends with the process, or when the caller's key does.
pub(crate) async fn call(
    cx: &Context<'_>,
    feed: &Arc<Feed>,
    pairs: Pairs,
    text: &str,
) -> Result<Answer, Problem> {
    let may_read = |model: &Arc<Model>| cx.view.allows(model, Action::Read);
    if !cx.live.models.iter().any(may_read) {
        return Err(cx.denied("read any model"));
    }
    let wish = read(cx, pairs, &body::object(text, "")?)?;
    let since = wish.since.map(|since| place::open(cx.signer, &since));
    let listener =
        Listener::new(feed, cx.principal.clone(), wish.models, since.transpose()?).await?;
    let told = stream::unfold(listener, async |mut listener: Listener| {
        let text = listener.next().await?;
        Some((Ok(text), listener))
    });
    Ok(Answer {
        meta: Meta::default(),
        body: Body {
            media: Media::EventStream,
            content: Content::Stream(told.boxed()),
        },
    })
}

const ARGUMENTS: [&str; 2] = ["model", "since"];

fn read(cx: &Context<'_>, mut pairs: Pairs, object: &Object<'_>) -> Result<Wish, Problem> {
    let mut mistakes = Vec::new();
    let mut faults = Vec::new();
    let mut models = None;
    if let Some(text) = arguments::take(&mut pairs, "model", &mut mistakes) {
        let names = named(cx, &[text]);
        let bad = |(detail, hint)| BadArgument::new("model", detail).hint(hint);
        models = names.map_err(|why| mistakes.push(bad(why))).ok();
    }
    let mut since = arguments::take(&mut pairs, "since", &mut mistakes);
    arguments::refuse_rest(&pairs, &ARGUMENTS, &mut mistakes);
    arguments::finish(mistakes)?;
    for (name, raw) in &object.members {
        let name: &str = name;
        let at = format!("/{}", values::escape(name));
        let twice = match name {
            "model" => models.is_some(),
            "since" => since.is_some(),
            _ => {
                let hint = model::did_you_mean(name, ARGUMENTS).unwrap_or_default();
                let detail = format!("there is no argument `{name}` here; {hint}");
                let detail = detail.trim_end_matches("; ");
                faults.push(Fault::new(at, "unknown_field", detail));
                continue;
            }
        };
        if twice {
            let detail = format!("`{name}` stands in the query as well");
            faults.push(Fault::new(at, "duplicate", detail));
        } else if name == "since" {
            match serde_json::from_str(raw.get()) {
                Ok(text) => since = Some(text),
                Err(_) => faults.push(Fault::new(at, "wrong_type", "`since` is a text")),
            }
        } else {
            match body::texts(raw, &at).map(|names| named(cx, &names)) {
                Ok(Ok(names)) => models = Some(names),
                Ok(Err((detail, hint))) => {
                    let detail = format!("{detail}; {}", hint.unwrap_or_default());
                    let detail = detail.trim_end_matches("; ");
                    faults.push(Fault::new(at, "invalid_value", detail));
                }
                Err(fault) => faults.push(fault),
            }
        }
    }
    if !faults.is_empty() {
        return Err(problem::of_input(faults));
    }
    Ok(Wish { models, since })
}

/// The models of the names, which may stand in one text with commas. One that may not be read is as good as none.
fn named(cx: &Context<'_>, texts: &[String]) -> Result<BTreeSet<String>, (String, Option<String>)> {
    let readable = || {
        let models = cx.live.models.iter();
        let readable = models.filter(|model| cx.view.allows(model, Action::Read));
        readable.map(|model| model.name.as_str())
    };
    let mut names = BTreeSet::new();
    for name in texts.iter().flat_map(|text| text.split(',')) {
        if !readable().any(|known| known == name) {
            let shown: String = name.chars().take(60).collect();
            let detail = format!("there is no model `{shown}`");
            return Err((detail, model::did_you_mean(name, readable())));
        }
        names.insert(name.to_owned());
    }
    Ok(names)
}

/// What must be known of a deleted record: all of it where its end may start workflows, else what the rules ask for that
/// say who may be told of it.
pub(crate) fn kept(live: &Live, model: &Model) -> Vec<FieldId> {
    let mut kept = BTreeSet::new();
    if live.watched.contains(&model.name) {
        kept.extend(model.ids().map(|(field, _)| field));
    }
    for rule in model
        .access
        .iter()
        .filter(|rule| rule.can.contains(&Action::Read))
    {
        if let Some(filter) = &rule.filter {
            filter.fields(&mut |field| {
                kept.insert(field);
            });
        }
    }
    // These two every change has.
    let has =
        |field: &FieldId| *field != FieldId::ID && model.system(System::Tenant) != Some(*field);
    kept.into_iter().filter(has).collect()
}

/// Too many listeners, or none at all any more.
fn full(most: usize) -> Problem {
    let mut problem = Problem::new(Code::Unavailable)
        .detail(format!("{most} listen already, which is as many as may"))
        .hint("try again later, or raise `limits.listeners` in gantry.yaml");
    problem.retry_after = Some(10);
    problem
}
