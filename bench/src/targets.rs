//! What the project wants to be able to show, and whether the figures show it.

use std::fmt::Write;

use crate::results::{Key, Results, middle, shorter, spread};

mod flow;
mod list;

use Bound::{AtLeast, AtMost};
use flow::OF_WORKFLOWS;
use list::TARGETS;
pub(crate) use list::{BY_GROSS, BY_ID};

struct Target {
    what: &'static str,
    figure: Figure,
    bound: Bound,
    /// Of the figure and of the bound.
    unit: &'static str,
}

enum Figure {
    Plain(Key<'static>),
    /// The first divided by the second.
    Ratio(Key<'static>, Key<'static>),
}

#[derive(Clone, Copy)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// Markdown: what is wanted, what was measured, whether that is enough. What was not measured is told as such.
pub(crate) fn table(results: &Results) -> String {
    let mut text =
        "## Targets\n\n| | target | measured | rounds | |\n|---|---:|---:|---:|---|\n".to_owned();
    for target in TARGETS.iter().chain(OF_WORKFLOWS) {
        let (sign, bound) = match target.bound {
            AtLeast(bound) => ("≥", bound),
            AtMost(bound) => ("≤", bound),
        };
        let rounds = target.figure.of(results);
        let measured = middle(&rounds);
        let verdict = match measured.map(|figure| target.bound.is_met(figure)) {
            Some(true) => "met",
            Some(false) => "**not met**",
            None => "not measured",
        };
        let measured = measured.map_or("–".to_owned(), |figure| {
            format!("{} {}", shorter(figure), target.unit)
        });
        writeln!(
            text,
            "| {} | {sign} {bound} {} | {measured} | {} | {verdict} |",
            target.what,
            target.unit,
            spread(&rounds)
        )
        .expect("text takes text");
    }
    text
}

impl Figure {
    /// In each round, from the least to the greatest.
    fn of(&self, results: &Results) -> Vec<f64> {
        match self {
            Self::Plain(key) => results.rounds(*key),
            Self::Ratio(of, by) => results.ratios(*of, *by),
        }
    }
}

impl Bound {
    fn is_met(self, figure: f64) -> bool {
        match self {
            AtLeast(least) => figure >= least,
            AtMost(most) => figure <= most,
        }
    }
}
