//! Values against a schema, with all that is wrong, up to as many as may be told.

mod alone;
mod items;
mod members;

use std::collections::HashSet;

use serde_json::Value;

use super::equal::equal;
use super::told::{self, At, Told};
use super::{Place, Rule, Schemas};

/// Of checks within each other, which stand on the stack: values nest 64 deep.
const DEEPEST: usize = 600;
/// Of which it is told why they were not taken.
const MOST_ALTERNATIVES: usize = 4;

/// Whether it is a value of the schema.
pub(super) fn check(
    schemas: &Schemas,
    place: Place,
    value: &Value,
    at: &At<'_>,
    told: &mut Told,
) -> bool {
    Checker { schemas, depth: 0 }.own(place, value, at, told)
}

/// What of a value its schemas have looked at, beside which `unevaluatedItems` and `unevaluatedProperties` ask.
#[derive(Default)]
struct Seen<'v> {
    members: HashSet<&'v str>,
    all_members: bool,
    items: HashSet<usize>,
    first: usize,
    all_items: bool,
}

impl Seen<'_> {
    fn add(&mut self, other: Self) {
        self.members.extend(other.members);
        self.all_members |= other.all_members;
        self.items.extend(other.items);
        self.first = self.first.max(other.first);
        self.all_items |= other.all_items;
    }
}

/// What is looked at, and where it stands.
#[derive(Clone, Copy)]
struct On<'v, 'a>(&'v Value, &'a At<'a>);

#[derive(Clone, Copy)]
struct Checker<'s> {
    schemas: &'s Schemas,
    depth: usize,
}

impl<'s> Checker<'s> {
    fn check<'v>(self, place: Place, on: On<'v, '_>, told: &mut Told, seen: &mut Seen<'v>) -> bool {
        let On(value, at) = on;
        let below = Self {
            depth: self.depth + 1,
            ..self
        };
        if below.depth > DEEPEST || told.left == 0 {
            return told.refuse(at, "invalid_value", || {
                format!("{} takes too long to check", at.subject())
            });
        }
        told.left -= 1;
        let mut fits = true;
        for rule in &self.schemas.list[place] {
            fits &= match value {
                Value::Object(members) => below.members(rule, members, at, told, seen),
                Value::Array(items) => below.items(rule, items, at, told, seen),
                _ => alone::check(rule, value, at, told),
            } && below.any(rule, on, told, seen);
            if !fits && told.is_full() {
                return false;
            }
        }
        fits
    }

    /// A value within the one that is looked at.
    fn own(self, place: Place, value: &Value, at: &At<'_>, told: &mut Told) -> bool {
        self.check(place, On(value, at), told, &mut Seen::default())
    }

    /// The same value. What is seen counts only where it fits.
    fn within<'v>(
        self,
        place: Place,
        on: On<'v, '_>,
        told: &mut Told,
        seen: &mut Seen<'v>,
    ) -> bool {
        let mut own = Seen::default();
        let fits = self.check(place, on, told, &mut own);
        if fits && self.schemas.asks_seen {
            seen.add(own);
        }
        fits
    }

    /// Without telling why not.
    fn fits<'v>(self, place: Place, on: On<'v, '_>, told: &mut Told, seen: &mut Seen<'v>) -> bool {
        let mut quiet = told.within(0);
        let fits = self.within(place, on, &mut quiet, seen);
        told.left = quiet.left;
        fits
    }

    /// Rules for values of every type.
    fn any<'v>(self, rule: &'s Rule, on: On<'v, '_>, told: &mut Told, seen: &mut Seen<'v>) -> bool {
        let On(value, at) = on;
        let mut every = |places: &mut dyn Iterator<Item = Place>, told: &mut Told| {
            places.fold(true, |fits, place| {
                self.within(place, on, told, seen) & fits
            })
        };
        match rule {
            Rule::All(places) => every(&mut places.iter().copied(), told),
            Rule::DependentSchemas(dependent) => {
                let given = dependent
                    .iter()
                    .filter(|(name, _)| value.get(name).is_some());
                every(&mut given.map(|(_, place)| *place), told)
            }
            Rule::Any(places) => self.alternatives(places, false, on, told, seen),
            Rule::One(places) => self.alternatives(places, true, on, told, seen),
            Rule::Not(place) => {
                !self.fits(*place, on, told, &mut Seen::default())
                    || told.refuse(at, "invalid_value", || {
                        format!("{} is what it must not be", at.subject())
                    })
            }
            Rule::If {
                of,
                then,
                otherwise,
            } => {
                let fits = self.fits(*of, on, told, seen);
                let next = if fits { then } else { otherwise };
                next.is_none_or(|place| self.within(place, on, told, seen))
            }
            _ => simple(rule, value, at, told),
        }
    }

    /// Of `anyOf`; with `one` exactly one, of `oneOf`.
    fn alternatives<'v>(
        self,
        places: &[Place],
        one: bool,
        on: On<'v, '_>,
        told: &mut Told,
        seen: &mut Seen<'v>,
    ) -> bool {
        let at = on.1;
        let (mut count, mut whys) = (0, Vec::new());
        for place in places {
            let mut why = told.within(usize::from(whys.len() < MOST_ALTERNATIVES));
            let fits = self.within(*place, on, &mut why, seen);
            told.left = why.left;
            whys.extend(why.faults);
            count += usize::from(fits);
            let is_known = if one { count > 1 } else { count == 1 };
            if is_known && (one || !self.schemas.asks_seen) {
                break;
            }
        }
        match count {
            0 => told.refuse(at, "invalid_value", || {
                let whys: Vec<_> = whys.into_iter().map(|why| why.detail).collect();
                let whys = whys.join("; or ");
                format!("{} is none of what it may be: {whys}", at.subject())
            }),
            2.. if one => told.refuse(at, "invalid_value", || {
                format!("{} is more than one of what it may be", at.subject())
            }),
            _ => true,
        }
    }
}

/// Rules for values of every type that have no schemas within.
fn simple(rule: &Rule, value: &Value, at: &At<'_>, told: &mut Told) -> bool {
    let subject = || at.subject();
    match rule {
        Rule::Never => told.refuse(at, "invalid_value", || {
            format!("{} must not be given", subject())
        }),
        Rule::Type(types) => {
            types.iter().any(|one| one.is_of(value))
                || told.refuse(at, "wrong_type", || {
                    format!("{} is not of {}", subject(), told::types(types))
                })
        }
        Rule::Enum(choices) => {
            choices.iter().any(|one| equal(one, value))
                || told.refuse(at, "not_in_enum", || {
                    format!("{} is none of {}", subject(), told::choices(choices))
                })
        }
        Rule::Const(only) => {
            equal(only, value)
                || told.refuse(at, "invalid_value", || {
                    format!("{} is not {only}", subject())
                })
        }
        _ => true,
    }
}
