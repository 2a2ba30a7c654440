//! Rules for objects.

use serde_json::{Map, Value};

use super::super::told::{At, Told};
use super::super::{Named, Place, Rule, Sized};
use super::alone::sized;
use super::{Checker, Seen};

impl Checker<'_> {
    pub(super) fn members<'v>(
        self,
        rule: &Rule,
        members: &'v Map<String, Value>,
        at: &At<'_>,
        told: &mut Told,
        seen: &mut Seen<'v>,
    ) -> bool {
        let mut fits = true;
        match rule {
            Rule::Least(..) | Rule::Most(..) => {
                fits = sized(rule, Sized::Members, members.len(), at, told);
            }
            Rule::Required(names) => fits = required(members, names, None, at, told),
            Rule::DependentRequired(dependent) => {
                let given = |name: &String| members.contains_key(name);
                for (name, names) in dependent.iter().filter(|(name, _)| given(name)) {
                    fits &= required(members, names, Some(name), at, told);
                }
            }
            Rule::Names(place) => {
                for name in members.keys() {
                    let text = Value::String(name.clone());
                    fits &= self.own(*place, &text, &At::Member(Some(at), name), told);
                }
            }
            Rule::Members(named) => fits = self.named(named, members, at, told, seen),
            Rule::UnseenMembers(place) => {
                let seen_before = |name: &str| seen.all_members || seen.members.contains(name);
                for (name, value) in members.iter().filter(|(name, _)| !seen_before(name)) {
                    fits &= self.other(*place, value, at, name, told);
                }
                seen.all_members = true;
            }
            _ => {}
        }
        fits
    }

    fn named<'v>(
        self,
        named: &Named,
        members: &'v Map<String, Value>,
        at: &At<'_>,
        told: &mut Told,
        seen: &mut Seen<'v>,
    ) -> bool {
        let mut fits = true;
        for (name, value) in members {
            let mut is_seen = false;
            let like = named.like.iter().filter(|(regex, _)| regex.is_match(name));
            let own = named.by_name.get(name).into_iter();
            for place in own.chain(like.map(|(_, place)| place)) {
                is_seen = true;
                fits &= self.own(*place, value, &At::Member(Some(at), name), told);
            }
            if let (false, Some(place)) = (is_seen, named.others) {
                is_seen = true;
                fits &= self.other(place, value, at, name, told);
            }
            if is_seen && self.schemas.asks_seen {
                seen.members.insert(name);
            }
            if !fits && told.is_full() {
                return false;
            }
        }
        fits
    }

    /// What is no member that the schema names.
    fn other(self, place: Place, value: &Value, at: &At<'_>, name: &str, told: &mut Told) -> bool {
        let member = At::Member(Some(at), name);
        if matches!(self.schemas.list[place][..], [Rule::Never]) {
            return told.refuse(&member, "unknown_field", || {
                format!("{} has no `{name}`", at.subject())
            });
        }
        self.own(place, value, &member, told)
    }
}

/// `by` is the member beside which they are.
fn required(
    members: &Map<String, Value>,
    names: &[String],
    by: Option<&str>,
    at: &At<'_>,
    told: &mut Told,
) -> bool {
    let mut fits = true;
    for name in names.iter().filter(|name| !members.contains_key(*name)) {
        let where_it_is = by.map_or(String::new(), |by| format!(" where {by} is"));
        fits = told.refuse(&At::Member(Some(at), name), "required", || {
            format!("{name} must be given{where_it_is}")
        });
    }
    fits
}
