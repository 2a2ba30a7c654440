//! A JSON Schema 2020-12 of a file: kept word for word, and what it finds wrong with a value.
//!
//! Not a library's: what checks every draft made each image that has it 3 MB larger, and the small one counts in binary
//! fractions, where 19.99 is no multiple of 0.01. What it says is compared with the large one's in the tests.

mod compile;
mod equal;
mod number;
mod told;
mod values;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use regex::Regex;
use serde_json::{Map, Number, Value};
use wire::Fault;

use super::form::pointer;
use crate::Object;
use told::{At, Told};

#[derive(Clone)]
pub(crate) struct JsonSchema(Arc<Schemas>);

/// A schema and those within it; each has a place in the list, the outermost the first.
struct Schemas {
    tree: Value,
    list: Vec<Vec<Rule>>,
    /// By what the pointer of the outermost's property is, as in `/properties/name`.
    places: HashMap<String, Place>,
    /// Whether one asks what others have looked at.
    asks_seen: bool,
}

type Place = usize;

/// What a schema asks of a value; of none of another type.
enum Rule {
    /// `false`.
    Never,
    Type(Vec<Type>),
    Enum(Vec<Value>),
    Const(Value),
    Bound(Bound, Number),
    MultipleOf(Number),
    Least(Sized, u64),
    Most(Sized, u64),
    Pattern(Regex, String),
    Unique,
    Required(Vec<String>),
    /// By the member that asks for the others.
    DependentRequired(Vec<(String, Vec<String>)>),
    Members(Named),
    Names(Place),
    Items {
        first: Vec<Place>,
        rest: Option<Place>,
    },
    Contains {
        of: Place,
        least: u64,
        most: Option<u64>,
    },
    All(Vec<Place>),
    Any(Vec<Place>),
    One(Vec<Place>),
    Not(Place),
    If {
        of: Place,
        then: Option<Place>,
        otherwise: Option<Place>,
    },
    DependentSchemas(Vec<(String, Place)>),
    UnseenItems(Place),
    UnseenMembers(Place),
}

/// Schemas of an object's members.
struct Named {
    by_name: HashMap<String, Place>,
    like: Vec<(Regex, Place)>,
    others: Option<Place>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Array,
    Boolean,
    Integer,
    Null,
    Number,
    Object,
    String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Bound {
    Least,
    Most,
    Above,
    Below,
}

/// What has a length.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sized {
    Text,
    Items,
    Members,
}

impl fmt::Debug for JsonSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.tree.fmt(f)
    }
}

/// What is wrong with a schema, and where in it, as a JSON Pointer.
pub(super) type Wrong = (String, String);

impl JsonSchema {
    pub(super) fn new(tree: Value) -> Result<Self, Vec<Wrong>> {
        compile::compile(tree).map(|schemas| Self(Arc::new(schemas)))
    }

    pub(super) fn tree(&self) -> &Value {
        &self.0.tree
    }

    /// Whether null is a value of the property, and not the same as leaving it out.
    pub(super) fn has_null(&self, name: &str) -> bool {
        self.requires(name) && self.unfit(name, &Value::Null).is_none()
    }

    pub(super) fn requires(&self, name: &str) -> bool {
        let required = self.0.tree["required"].as_array();
        required.is_some_and(|names| names.iter().any(|one| one == name))
    }

    /// Why a value is none of that property, whatever stands beside it.
    pub(super) fn unfit(&self, name: &str, value: &Value) -> Option<String> {
        let place = self
            .0
            .places
            .get(&format!("/properties{}", pointer(name)))?;
        let mut told = Told::new(1);
        values::check(&self.0, *place, value, &At::Member(None, name), &mut told);
        told.faults.pop().map(|fault| fault.detail)
    }

    /// What is wrong with the object, in which nulls stand for what was not given.
    pub(super) fn faults(&self, text: &str, given: &Object) -> Vec<Fault> {
        let mut object: Map<String, Value> = match serde_json::from_str(text) {
            Ok(object) => object,
            Err(why) => return vec![Fault::new("", "invalid_value", why.to_string())],
        };
        object.retain(|name, value| {
            !value.is_null() || (given.get(name).is_some() && self.requires(name))
        });
        let mut told = Told::new(super::form::MOST_FAULTS);
        values::check(&self.0, 0, &Value::Object(object), &At::Whole, &mut told);
        told.faults
    }
}
