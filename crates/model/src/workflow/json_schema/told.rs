//! What is wrong with a value, in words.

use serde_json::{Number, Value};
use wire::Fault;

use super::{Bound, Sized, Type};
use crate::workflow::form::pointer;

/// Characters of a text.
const LONGEST: usize = 400;

/// Faults up to so many; with none to tell it is only found out whether there is one.
pub(super) struct Told {
    pub(super) faults: Vec<Fault>,
    most: usize,
    /// Checks that may still be made: a schema can ask for more than anybody waits for.
    pub(super) left: u32,
}

impl Told {
    pub(super) const CHECKS: u32 = 5_000_000;

    pub(super) fn new(most: usize) -> Self {
        Self {
            faults: Vec::new(),
            most,
            left: Self::CHECKS,
        }
    }

    /// Of an alternative, beside what is told already.
    pub(super) fn within(&self, most: usize) -> Self {
        let most = most.min(self.most);
        Self {
            left: self.left,
            ..Self::new(most)
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.faults.len() >= self.most
    }

    /// Answers that the value does not fit.
    pub(super) fn refuse(
        &mut self,
        at: &At<'_>,
        code: &'static str,
        detail: impl FnOnce() -> String,
    ) -> bool {
        if !self.is_full() {
            let detail = cut(detail());
            self.faults.push(Fault::new(at.pointer(), code, detail));
        }
        false
    }
}

/// Where a value stands.
pub(super) enum At<'a> {
    Whole,
    Member(Option<&'a At<'a>>, &'a str),
    Item(&'a At<'a>, usize),
}

impl At<'_> {
    fn pointer(&self) -> String {
        match self {
            Self::Whole => String::new(),
            Self::Member(of, name) => of.map_or_else(String::new, Self::pointer) + &pointer(name),
            Self::Item(of, index) => format!("{}/{index}", of.pointer()),
        }
    }

    /// The name of what is wrong; of an item with its list's.
    pub(super) fn subject(&self) -> String {
        let name = match self {
            Self::Whole => return "the object".to_owned(),
            Self::Member(_, name) => (*name).to_owned(),
            Self::Item(Self::Member(_, name), index) => format!("{name}/{index}"),
            Self::Item(_, index) => index.to_string(),
        };
        format!("`{name}`")
    }
}

fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
        text.push('…');
    }
    text
}

pub(super) fn types(types: &[Type]) -> String {
    let names: Vec<_> = types
        .iter()
        .map(|one| format!("\"{}\"", one.name()))
        .collect();
    let word = if names.len() == 1 { "type" } else { "types" };
    format!("{word} {}", names.join(", "))
}

pub(super) fn choices(values: &[Value]) -> String {
    let words: Vec<_> = values.iter().map(Value::to_string).collect();
    words.join(", ")
}

pub(super) fn bound(bound: Bound, limit: &Number) -> String {
    let how = match bound {
        Bound::Least => "less than the minimum of",
        Bound::Most => "greater than the maximum of",
        Bound::Above => "not above",
        Bound::Below => "not below",
    };
    format!("{how} {limit}")
}

pub(super) fn units(of: Sized, count: u64) -> String {
    let unit = match of {
        Sized::Text => "character",
        Sized::Items => "item",
        Sized::Members => "member",
    };
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{ending}")
}
