//! What each keyword of a schema asks.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::Compiler;
use crate::workflow::form::pointer;
use crate::workflow::json_schema::{Bound, Named, Place, Rule, Sized};

const MEMBERS: [&str; 3] = ["properties", "patternProperties", "additionalProperties"];
const ITEMS: [&str; 2] = ["prefixItems", "items"];

/// Of one schema.
pub(super) struct Keywords<'c, 't> {
    pub(super) compiler: &'c mut Compiler<'t>,
    pub(super) members: &'t Map<String, Value>,
    pub(super) at: &'c str,
}

impl Keywords<'_, '_> {
    pub(super) fn rules(mut self) -> Vec<Rule> {
        let mut rules = Vec::new();
        for (name, value) in self.members {
            rules.extend(self.asked(name, value));
            rules.extend(self.applied(name));
            rules.extend(self.named(name, value));
        }
        // What asks for what others have seen comes last.
        let asks = |rule: &Rule| matches!(rule, Rule::UnseenItems(_) | Rule::UnseenMembers(_));
        rules.sort_by_key(asks);
        rules
    }

    /// By keywords that have no schemas within.
    fn asked(&mut self, name: &str, value: &Value) -> Option<Rule> {
        match name {
            "type" => self.types(value),
            "enum" => self.list(name).map(|of| Rule::Enum(of.clone())),
            "const" => Some(Rule::Const(value.clone())),
            "minimum" => self.bound(name, Bound::Least),
            "maximum" => self.bound(name, Bound::Most),
            "exclusiveMinimum" => self.bound(name, Bound::Above),
            "exclusiveMaximum" => self.bound(name, Bound::Below),
            "multipleOf" => self.multiple_of(),
            "minLength" => self.least(name, Sized::Text),
            "maxLength" => self.most(name, Sized::Text),
            "minItems" => self.least(name, Sized::Items),
            "maxItems" => self.most(name, Sized::Items),
            "minProperties" => self.least(name, Sized::Members),
            "maxProperties" => self.most(name, Sized::Members),
            "pattern" => self.pattern(name),
            "uniqueItems" => self.flag(name)?.then_some(Rule::Unique),
            "required" => self.names(name, value).map(Rule::Required),
            "dependentRequired" => self.dependent_required(name),
            _ => None,
        }
    }

    /// By keywords that have.
    fn applied(&mut self, name: &str) -> Option<Rule> {
        match name {
            _ if self.is_first_of(&MEMBERS, name) => Some(self.of_members()),
            _ if self.is_first_of(&ITEMS, name) => Some(self.of_items()),
            "propertyNames" => Some(Rule::Names(self.schema(name))),
            "contains" => Some(self.contains()),
            "allOf" => self.schemas(name).map(Rule::All),
            "anyOf" => self.schemas(name).map(Rule::Any),
            "oneOf" => self.schemas(name).map(Rule::One),
            "not" => Some(Rule::Not(self.schema(name))),
            "if" => Some(Rule::If {
                of: self.schema(name),
                then: self.optional("then"),
                otherwise: self.optional("else"),
            }),
            "dependentSchemas" => self.by_name(name).map(Rule::DependentSchemas),
            "unevaluatedItems" => Some(Rule::UnseenItems(self.schema(name))),
            "unevaluatedProperties" => Some(Rule::UnseenMembers(self.schema(name))),
            // They ask for nothing by themselves, and may be wrong.
            "then" | "else" | "contentSchema" => {
                self.schema(name);
                None
            }
            "minContains" | "maxContains" => {
                self.count(name);
                None
            }
            _ => None,
        }
    }

    /// By names of schemas. All other keywords tell people and programs something, and ask nothing of a value.
    fn named(&mut self, name: &str, value: &'_ Value) -> Option<Rule> {
        match (name, value) {
            ("$ref" | "$dynamicRef", Value::String(reference)) => {
                let from = self.below(name);
                let to = self.compiler.referred(from, reference)?;
                return Some(Rule::All(vec![to]));
            }
            ("$anchor" | "$dynamicAnchor", Value::String(name)) => {
                let place = self.compiler.place(self.at);
                self.compiler.anchors.insert(name.clone(), place);
            }
            ("$ref" | "$dynamicRef" | "$anchor" | "$dynamicAnchor", _) => {
                self.wrong(name, "a text");
            }
            ("$id", _) if !self.at.is_empty() => {
                self.wrong(
                    name,
                    "of the whole schema only, within which references stay",
                );
            }
            ("$defs" | "definitions", _) => {
                self.by_name(name);
            }
            _ => {}
        }
        None
    }

    fn is_first_of(&self, keywords: &[&str], name: &str) -> bool {
        let mut there = keywords.iter();
        there.find(|keyword| self.members.contains_key(**keyword)) == Some(&name)
    }

    pub(super) fn below(&self, name: &str) -> String {
        self.at.to_owned() + &pointer(name)
    }

    pub(super) fn wrong(&mut self, name: &str, what: &str) {
        let at = self.below(name);
        self.compiler.wrong(at, format!("`{name}` is {what}"));
    }

    fn schema(&mut self, name: &str) -> Place {
        let at = self.below(name);
        self.compiler.place(&at)
    }

    fn optional(&mut self, name: &str) -> Option<Place> {
        self.members.get(name)?;
        Some(self.schema(name))
    }

    fn schemas(&mut self, name: &str) -> Option<Vec<Place>> {
        let count = self.list(name)?.len();
        if count == 0 {
            self.wrong(name, "a list of schemas, and has one at least");
            return None;
        }
        let at = self.below(name);
        let places = (0..count).map(|index| self.compiler.place(&format!("{at}/{index}")));
        Some(places.collect())
    }

    fn by_name(&mut self, name: &str) -> Option<Vec<(String, Place)>> {
        let Some(Value::Object(members)) = self.members.get(name) else {
            self.wrong(name, "schemas by their names");
            return None;
        };
        let at = self.below(name);
        let places = members.keys().map(|name| {
            let at = at.clone() + &pointer(name);
            (name.clone(), self.compiler.place(&at))
        });
        Some(places.collect())
    }

    fn of_members(&mut self) -> Rule {
        const LIKE: &str = "patternProperties";
        let mut by_name = HashMap::new();
        if self.members.contains_key("properties") {
            by_name.extend(self.by_name("properties").unwrap_or_default());
        }
        let mut like = Vec::new();
        if self.members.contains_key(LIKE) {
            for (pattern, place) in self.by_name(LIKE).unwrap_or_default() {
                let at = self.below(LIKE) + &pointer(&pattern);
                let regex = self.regex(at, &pattern, &pattern);
                like.extend(regex.map(|regex| (regex, place)));
            }
        }
        let others = self.optional("additionalProperties");
        Rule::Members(Named {
            by_name,
            like,
            others,
        })
    }

    fn of_items(&mut self) -> Rule {
        let mut first = Vec::new();
        if self.members.contains_key("prefixItems") {
            first = self.schemas("prefixItems").unwrap_or_default();
        }
        let rest = self.optional("items");
        Rule::Items { first, rest }
    }

    fn contains(&mut self) -> Rule {
        let mut count = |name| {
            let is_there = self.members.contains_key(name);
            is_there.then(|| self.count(name)).flatten()
        };
        let (least, most) = (count("minContains").unwrap_or(1), count("maxContains"));
        Rule::Contains {
            of: self.schema("contains"),
            least,
            most,
        }
    }
}
