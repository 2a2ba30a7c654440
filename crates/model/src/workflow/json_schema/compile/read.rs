//! What a keyword's value is, or should have been.

use regex::Regex;
use serde_json::{Number, Value};

use super::keywords::Keywords;
use crate::workflow::json_schema::{Bound, Rule, Sized, Type, number};

/// Of a pattern, as it is matched.
const LARGEST_PATTERN: usize = 10 << 20;

impl<'t> Keywords<'_, 't> {
    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        let flag = self.members.get(name).and_then(Value::as_bool);
        if flag.is_none() {
            self.wrong(name, "true or false");
        }
        flag
    }

    pub(super) fn list(&mut self, name: &str) -> Option<&'t Vec<Value>> {
        if let Some(Value::Array(items)) = self.members.get(name) {
            return Some(items);
        }
        self.wrong(name, "a list");
        None
    }

    pub(super) fn types(&mut self, value: &Value) -> Option<Rule> {
        let words = match value {
            Value::Array(words) if !words.is_empty() => &words[..],
            word => std::slice::from_ref(word),
        };
        let known = |word: &Value| {
            let mut known = Type::ALL.iter();
            known.find(|(name, _)| word == name).map(|(_, one)| *one)
        };
        let types: Option<Vec<_>> = words.iter().map(known).collect();
        if types.is_none() {
            let names: Vec<_> = Type::ALL.iter().map(|(name, _)| *name).collect();
            let what = format!("one of {}, or a list of such", names.join(", "));
            self.wrong("type", &what);
        }
        types.map(Rule::Type)
    }

    fn number(&mut self, name: &str) -> Option<Number> {
        if let Some(Value::Number(number)) = self.members.get(name) {
            return Some(number.clone());
        }
        self.wrong(name, "a number");
        None
    }

    pub(super) fn bound(&mut self, name: &str, bound: Bound) -> Option<Rule> {
        Some(Rule::Bound(bound, self.number(name)?))
    }

    pub(super) fn multiple_of(&mut self) -> Option<Rule> {
        const NAME: &str = "multipleOf";
        let of = self.number(NAME)?;
        if number::compare(&of, &Number::from(0)).is_le() {
            self.wrong(NAME, "above 0");
            return None;
        }
        Some(Rule::MultipleOf(of))
    }

    pub(super) fn count(&mut self, name: &str) -> Option<u64> {
        let number = self.members.get(name).and_then(Value::as_number);
        let count = number.filter(|number| number::is_integer(number));
        let count = count.and_then(|count| number::text(count).parse().ok());
        if count.is_none() {
            self.wrong(name, "a whole number, 0 or more");
        }
        count
    }

    pub(super) fn least(&mut self, name: &str, of: Sized) -> Option<Rule> {
        Some(Rule::Least(of, self.count(name)?))
    }

    pub(super) fn most(&mut self, name: &str, of: Sized) -> Option<Rule> {
        Some(Rule::Most(of, self.count(name)?))
    }

    pub(super) fn pattern(&mut self, name: &str) -> Option<Rule> {
        let Some(Value::String(pattern)) = self.members.get(name) else {
            self.wrong(name, "a text");
            return None;
        };
        let at = self.below(name);
        let regex = self.regex(at, name, pattern)?;
        Some(Rule::Pattern(regex, pattern.clone()))
    }

    /// Values come from whoever calls: a pattern must not take them exponential time, so it cannot look around.
    pub(super) fn regex(&mut self, at: String, subject: &str, pattern: &str) -> Option<Regex> {
        let translated = jsonschema_regex::to_rust_regex(pattern).ok();
        let regex = translated.and_then(|text| {
            let mut builder = regex::RegexBuilder::new(&text);
            builder.size_limit(LARGEST_PATTERN).build().ok()
        });
        if regex.is_none() {
            let why = format!(
                "`{subject}` is no pattern of linear time: no look-around, no back-references, not too large"
            );
            self.compiler.wrong(at, why);
        }
        regex
    }

    pub(super) fn names(&mut self, name: &str, value: &Value) -> Option<Vec<String>> {
        let items = value.as_array();
        let names: Option<Vec<_>> = items.and_then(|items| {
            let names = items.iter().map(|item| item.as_str().map(str::to_owned));
            names.collect()
        });
        if names.is_none() {
            self.wrong(name, "a list of names");
        }
        names
    }

    pub(super) fn dependent_required(&mut self, name: &str) -> Option<Rule> {
        let Some(Value::Object(members)) = self.members.get(name) else {
            self.wrong(name, "lists of names, by names");
            return None;
        };
        let mut dependent = Vec::new();
        for (by, value) in members {
            let names = self.names(name, value)?;
            dependent.push((by.clone(), names));
        }
        Some(Rule::DependentRequired(dependent))
    }
}
