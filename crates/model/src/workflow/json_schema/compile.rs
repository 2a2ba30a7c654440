//! From a schema as it is written to what it asks of values; all that is wrong with it, at once.

mod keywords;
mod read;

use std::collections::HashMap;

use serde_json::Value;

use super::{Place, Rule, Schemas, Wrong};
use crate::workflow::form::MOST_FAULTS;
use keywords::Keywords;

pub(super) fn compile(tree: Value) -> Result<Schemas, Vec<Wrong>> {
    let mut compiler = Compiler {
        tree: &tree,
        anchors: HashMap::new(),
        named: Vec::new(),
        places: HashMap::new(),
        pointers: Vec::new(),
        list: Vec::new(),
        wrong: Vec::new(),
    };
    compiler.place("");
    // Those within are put at the end as they are met.
    let mut next = 0;
    while let Some(at) = compiler.pointers.get(next).cloned() {
        let rules = compiler.rules(&at);
        compiler.list.push(rules);
        next += 1;
    }
    compiler.resolve_anchors();
    compiler.find_circles();
    let Compiler {
        places,
        list,
        mut wrong,
        ..
    } = compiler;
    if !wrong.is_empty() {
        wrong.truncate(MOST_FAULTS);
        return Err(wrong);
    }
    let asks = |rule: &Rule| matches!(rule, Rule::UnseenItems(_) | Rule::UnseenMembers(_));
    let asks_seen = list.iter().flatten().any(asks);
    Ok(Schemas {
        tree,
        list,
        places,
        asks_seen,
    })
}

struct Compiler<'t> {
    tree: &'t Value,
    /// What has a name.
    anchors: HashMap<String, Place>,
    /// Stand in for what is referred to by a name; with the reference and where it stands.
    named: Vec<(Place, String, String)>,
    places: HashMap<String, Place>,
    pointers: Vec<String>,
    list: Vec<Vec<Rule>>,
    wrong: Vec<Wrong>,
}

impl Compiler<'_> {
    fn place(&mut self, at: &str) -> Place {
        if let Some(place) = self.places.get(at) {
            return *place;
        }
        let place = self.pointers.len();
        self.pointers.push(at.to_owned());
        self.places.insert(at.to_owned(), place);
        place
    }

    fn resolve_anchors(&mut self) {
        for (place, reference, from) in std::mem::take(&mut self.named) {
            match self.anchors.get(reference.trim_start_matches('#')) {
                Some(to) => self.list[place] = vec![Rule::All(vec![*to])],
                None => self.wrong(from, format!("the schema has no `{reference}`")),
            }
        }
    }

    fn wrong(&mut self, at: String, why: impl Into<String>) {
        self.wrong.push((at, why.into()));
    }

    fn rules(&mut self, at: &str) -> Vec<Rule> {
        if at.starts_with('#') {
            // Known when all schemas are.
            return Vec::new();
        }
        match self.tree.pointer(at) {
            Some(Value::Bool(true)) => Vec::new(),
            Some(Value::Bool(false)) => vec![Rule::Never],
            Some(Value::Object(members)) => Keywords {
                compiler: self,
                members,
                at,
            }
            .rules(),
            _ => {
                self.wrong(at.to_owned(), "a schema is an object, true or false");
                Vec::new()
            }
        }
    }

    /// The schema that a reference leads to.
    fn referred(&mut self, from: String, reference: &str) -> Option<Place> {
        let Some(fragment) = reference.strip_prefix('#') else {
            let why =
                format!("a schema refers to itself only, as in #/$defs/…, not to `{reference}`");
            self.wrong(from, why);
            return None;
        };
        if !fragment.is_empty() && !fragment.starts_with('/') {
            let place = self.place(reference);
            self.named.push((place, reference.to_owned(), from));
            return Some(place);
        }
        let to = percent_encoding::percent_decode_str(fragment).decode_utf8_lossy();
        if self.tree.pointer(&to).is_none() {
            self.wrong(from, format!("the schema has no `{reference}`"));
            return None;
        }
        Some(self.place(&to))
    }

    /// A schema that is looked at for the same value without end.
    fn find_circles(&mut self) {
        /// What is being looked at below, or was.
        #[derive(Clone, Copy, PartialEq)]
        enum State {
            New,
            Open,
            Done,
        }
        let mut states = vec![State::New; self.list.len()];
        for start in 0..self.list.len() {
            let mut path = vec![(start, false)];
            while let Some((place, is_left)) = path.pop() {
                if is_left {
                    states[place] = State::Done;
                    continue;
                }
                match states[place] {
                    State::Done => continue,
                    State::Open => {
                        // A name stands for what has it.
                        let has_it = self
                            .anchors
                            .get(self.pointers[place].trim_start_matches('#'));
                        let at = self.pointers[has_it.copied().unwrap_or(place)].clone();
                        let why = "the schema leads to itself before it asks anything of a value";
                        self.wrong(at, why);
                        return;
                    }
                    State::New => {}
                }
                states[place] = State::Open;
                path.push((place, true));
                let rules = &self.list[place];
                let next = rules.iter().flat_map(Rule::of_the_same_value);
                path.extend(next.map(|place| (place, false)));
            }
        }
    }
}

impl Rule {
    fn of_the_same_value(&self) -> Vec<Place> {
        match self {
            Self::All(places) | Self::Any(places) | Self::One(places) => places.clone(),
            Self::Not(place) => vec![*place],
            Self::If {
                of,
                then,
                otherwise,
            } => {
                let next = then.iter().chain(otherwise).copied();
                std::iter::once(*of).chain(next).collect()
            }
            Self::DependentSchemas(dependent) => {
                dependent.iter().map(|(_, place)| *place).collect()
            }
            _ => Vec::new(),
        }
    }
}
