//! Rules for lists.

use std::collections::HashSet;

use serde_json::Value;

use super::super::equal::text;
use super::super::told::{At, Told};
use super::super::{Place, Rule, Sized};
use super::alone::sized;
use super::{Checker, On, Seen};

impl Checker<'_> {
    pub(super) fn items(
        self,
        rule: &Rule,
        items: &[Value],
        at: &At<'_>,
        told: &mut Told,
        seen: &mut Seen<'_>,
    ) -> bool {
        match rule {
            Rule::Least(..) | Rule::Most(..) => sized(rule, Sized::Items, items.len(), at, told),
            Rule::Unique => {
                let mut known = HashSet::new();
                items.iter().all(|item| known.insert(text(item)))
                    || told.refuse(at, "invalid_value", || {
                        format!("{} has an item twice", at.subject())
                    })
            }
            Rule::Items { first, rest } => {
                let places = first
                    .iter()
                    .chain(std::iter::repeat_n(rest, items.len()).flatten());
                let mut fits = true;
                for (index, (item, place)) in items.iter().zip(places).enumerate() {
                    fits &= self.own(*place, item, &At::Item(at, index), told);
                    if !fits && told.is_full() {
                        return false;
                    }
                }
                seen.first = seen.first.max(first.len());
                seen.all_items |= rest.is_some();
                fits
            }
            Rule::Contains { of, least, most } => {
                let mut count = 0;
                for (index, item) in items.iter().enumerate() {
                    let at = At::Item(at, index);
                    if self.fits(*of, On(item, &at), told, &mut Seen::default()) {
                        count += 1;
                        if self.schemas.asks_seen {
                            seen.items.insert(index);
                        }
                    }
                }
                let fits = count >= *least && most.is_none_or(|most| count <= most);
                fits || told.refuse(at, "invalid_value", || contains(at, *least, *most, count))
            }
            Rule::UnseenItems(place) => self.unseen_items(*place, items, at, told, seen),
            _ => true,
        }
    }

    fn unseen_items(
        self,
        place: Place,
        items: &[Value],
        at: &At<'_>,
        told: &mut Told,
        seen: &mut Seen<'_>,
    ) -> bool {
        let mut fits = true;
        let unseen = items.iter().enumerate().skip(seen.first);
        for (index, item) in unseen.filter(|(index, _)| !seen.items.contains(index)) {
            fits &= seen.all_items || self.own(place, item, &At::Item(at, index), told);
        }
        seen.all_items = true;
        fits
    }
}

fn contains(at: &At<'_>, least: u64, most: Option<u64>, count: u64) -> String {
    let wanted = match most {
        None => format!("at least {least}"),
        Some(most) => format!("from {least} to {most}"),
    };
    format!(
        "{} has {count} of the items of which it has {wanted}",
        at.subject()
    )
}
