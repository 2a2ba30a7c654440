//! Which records are asked for and how they are shown: the arguments of reading nodes, in either spelling.

use std::sync::Arc;

use model::{BadArgument, Filter, Model, Object, Order, Selected, Selection};
use serde_json::value::RawValue;
use store::Select;
use wire::{Fault, Media, Problem};

use crate::arguments::{self, Pairs};
use crate::context::Context;
use crate::{body, problem};

/// Soft-deleted records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Deleted {
    #[default]
    Exclude,
    Include,
    Only,
}

impl Deleted {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Exclude => "exclude",
            Self::Include => "include",
            Self::Only => "only",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let all = [Self::Exclude, Self::Include, Self::Only];
        all.into_iter().find(|one| one.name() == text)
    }
}

/// What was asked, checked; what was not said is `None`.
#[derive(Debug, Default)]
pub(crate) struct Question {
    /// The caller's own wish, without policy.
    pub(crate) filter: Option<Filter>,
    pub(crate) order: Option<Vec<Order>>,
    pub(crate) select: Option<Selection>,
    pub(crate) limit: Option<u64>,
    /// More than a page: the answer is not made whole before it is sent.
    pub(crate) streams: bool,
    pub(crate) offset: Option<u64>,
    pub(crate) cursor: Option<String>,
    pub(crate) deleted: Deleted,
    pub(crate) q: Option<String>,
    pub(crate) all: bool,
}

/// Reads what `takes` names. `where` stands for filters: by that name in a body, as conditions in a query.
pub(crate) struct Reader<'a> {
    cx: &'a Context<'a>,
    model: &'a Arc<Model>,
    takes: &'a [&'a str],
    question: Question,
    seen: Vec<&'static str>,
    mistakes: Vec<BadArgument>,
    faults: Vec<Fault>,
    over: Option<Problem>,
}

const STREAMS: &str =
    "accept application/x-ndjson or text/csv, which stream any number (`limit=all`)";

const PARAMETERS: [&str; 8] = [
    "order", "select", "limit", "offset", "cursor", "deleted", "q", "all",
];

impl<'a> Reader<'a> {
    pub(crate) fn new(cx: &'a Context<'a>, model: &'a Arc<Model>, takes: &'a [&'a str]) -> Self {
        Self {
            cx,
            model,
            takes,
            question: Question::default(),
            seen: Vec::new(),
            mistakes: Vec::new(),
            faults: Vec::new(),
            over: None,
        }
    }

    fn masked(&self) -> &'a Arc<Model> {
        self.cx.view.masked_model(self.model)
    }

    pub(crate) fn query(mut self, pairs: &mut Pairs) -> Self {
        for name in PARAMETERS {
            if !self.takes.contains(&name) {
                continue;
            }
            if let Some(text) = arguments::take(pairs, name, &mut self.mistakes) {
                self.seen.push(name);
                if let Err(mistake) = self.parameter(name, &text) {
                    self.mistakes.push(mistake);
                }
            }
        }
        if self.takes.contains(&"where") {
            // A parameter of other nodes is no field, whatever is near it.
            let pairs = std::mem::take(pairs);
            if !pairs.is_empty() {
                let pairs: Vec<_> = pairs
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str()))
                    .collect();
                self.seen.push("where");
                match Filter::from_query(self.masked(), &pairs, self.cx.filter_limits()) {
                    Ok(filter) => self.question.filter = Some(filter),
                    Err(mistakes) => self.mistakes.extend(mistakes),
                }
            }
        } else {
            arguments::refuse_rest(pairs, self.takes, &mut self.mistakes);
        }
        self
    }

    pub(crate) fn body(mut self, object: &Object<'_>, pointer: &str, ignore: &[&str]) -> Self {
        for (name, raw) in &object.members {
            if ignore.contains(&&**name) {
                continue;
            }
            let at = format!("{pointer}/{}", crate::values::escape(name));
            if self.seen.contains(&&**name) {
                let detail = format!("`{name}` stands in the query and in the body");
                self.faults.push(Fault::new(at, "duplicate", detail));
            } else if !self.takes.contains(&&**name) {
                let hint = model::did_you_mean(name, self.takes.iter().copied());
                let hint = hint.map_or(String::new(), |hint| format!("; {hint}"));
                let detail = format!("there is no argument `{name}` here{hint}");
                self.faults.push(Fault::new(at, "unknown_field", detail));
            } else if let Err(faults) = self.member(name, raw, &at) {
                self.faults.extend(faults);
            }
        }
        self
    }

    pub(crate) fn finish(self) -> Result<Question, Problem> {
        arguments::finish(self.mistakes)?;
        if let Some(over) = self.over {
            return Err(over);
        }
        if !self.faults.is_empty() {
            return Err(problem::of_input(self.faults));
        }
        Ok(self.question)
    }

    fn parameter(&mut self, name: &'static str, text: &str) -> Result<(), BadArgument> {
        match name {
            "order" => {
                let keys = text.split(',').filter(|key| !key.is_empty());
                let keys = keys.map(|key| Order::parse(self.masked(), key.trim()));
                self.question.order = Some(keys.collect::<Result<_, _>>()?);
            }
            "select" => self.question.select = Some(self.selection(text)?),
            "limit" if text == "all" => self.all_records()?,
            "limit" | "offset" => {
                let bad = || {
                    BadArgument::new(
                        name,
                        format!("`{name}` is a whole number, not `{}`", clip(text)),
                    )
                };
                let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                // More digits than a number holds is over any limit.
                let number = if is_digits {
                    text.parse().unwrap_or(u64::MAX)
                } else {
                    return Err(bad());
                };
                self.number(name, number);
            }
            "deleted" => {
                let deleted = Deleted::parse(text).ok_or_else(|| {
                    let hint = model::did_you_mean(text, ["include", "only", "exclude"]);
                    let detail = "`deleted` is exclude, include or only";
                    BadArgument::new(name, detail).hint(hint)
                })?;
                self.deleted(deleted)?;
            }
            "all" => {
                self.question.all = match text {
                    "true" => true,
                    "false" => false,
                    _ => return Err(BadArgument::new(name, "`all` is true or false")),
                }
            }
            "cursor" => self.question.cursor = Some(text.to_owned()),
            _ => self.question.q = Some(text.to_owned()),
        }
        Ok(())
    }

    fn number(&mut self, name: &str, number: u64) {
        let limits = self.cx.limits;
        if name == "limit" {
            if number > limits.page_max && self.cx.options.accept == Media::Json {
                let most = limits.page_max;
                self.over = Some(
                    problem::limit_exceeded(format!("`limit` is at most {most}"))
                        .hint(format!("follow the cursor for more, or {STREAMS}")),
                );
            }
            self.question.streams = number > limits.page_max;
            self.question.limit = Some(number.min(Select::ALL));
        } else {
            if number > limits.offset_max {
                let most = limits.offset_max;
                self.over = Some(
                    problem::limit_exceeded(format!("`offset` is at most {most}"))
                        .hint("use `cursor` with the `Next-Cursor` of the page before"),
                );
            }
            self.question.offset = Some(number);
        }
    }

    fn all_records(&mut self) -> Result<(), BadArgument> {
        if self.cx.options.accept == Media::Json {
            let detail = "`limit` is a whole number, not `all`";
            return Err(BadArgument::new("limit", detail).hint(Some(STREAMS.to_owned())));
        }
        self.question.streams = true;
        self.question.limit = Some(Select::ALL);
        Ok(())
    }

    fn deleted(&mut self, deleted: Deleted) -> Result<(), BadArgument> {
        if deleted != Deleted::Exclude && !self.model.options.soft_delete {
            let detail = format!("{} keeps no deleted records", self.model.name);
            return Err(BadArgument::new("deleted", detail));
        }
        self.question.deleted = deleted;
        Ok(())
    }

    /// Against the masked models; hidden fields can only have come by a `*`, which means what may be seen.
    fn selection(&self, text: &str) -> Result<Selection, BadArgument> {
        let view = &self.cx.view;
        let mut selection = Selection::parse(view.masked(), self.masked(), text)?;
        selection
            .0
            .retain(|selected| view.shows(self.model, selected.field()));
        for selected in &mut selection.0 {
            if let Selected::Embed { target, fields, .. } = selected {
                if let Some(real) = self.cx.live.models.get(&target.name) {
                    *target = Arc::clone(real);
                }
                fields.retain(|field| view.shows(target, *field));
            }
        }
        Ok(selection)
    }

    fn member(&mut self, name: &str, raw: &RawValue, at: &str) -> Result<(), Vec<Fault>> {
        let as_fault = |bad: BadArgument| {
            let hint = bad.hint.map_or(String::new(), |hint| format!("; {hint}"));
            vec![Fault::new(
                at,
                "invalid_value",
                format!("{}{hint}", bad.detail),
            )]
        };
        let wrong = |detail: &str| vec![Fault::new(at, "wrong_type", detail)];
        match name {
            "where" => {
                let filter = Filter::from_json(self.masked(), raw, at, self.cx.filter_limits())?;
                self.question.filter = Some(filter);
            }
            "order" | "select" => {
                let texts = body::texts(raw, at).map_err(|fault| vec![fault])?;
                let name = if name == "order" { "order" } else { "select" };
                self.parameter(name, &texts.join(",")).map_err(as_fault)?;
            }
            "limit" if raw.get() == "\"all\"" => self.all_records().map_err(as_fault)?,
            "limit" | "offset" => {
                let is_digits = raw.get().bytes().all(|byte| byte.is_ascii_digit());
                let number = body::whole(raw).or_else(|| is_digits.then_some(u64::MAX));
                let bad = || wrong(&format!("`{name}` is a whole number"));
                self.number(name, number.ok_or_else(bad)?);
            }
            "all" => match raw.get() {
                "true" => self.question.all = true,
                "false" => self.question.all = false,
                _ => return Err(wrong("`all` is true or false")),
            },
            "cursor" | "deleted" | "q" => {
                if raw.get() == "null" {
                    return Ok(());
                }
                let text: String = serde_json::from_str(raw.get())
                    .map_err(|_| wrong(&format!("`{name}` is a text")))?;
                let name = match name {
                    "cursor" => "cursor",
                    "deleted" => "deleted",
                    _ => "q",
                };
                self.parameter(name, &text).map_err(as_fault)?;
            }
            _ => {}
        }
        Ok(())
    }
}

fn clip(text: &str) -> String {
    text.chars().take(40).collect()
}
