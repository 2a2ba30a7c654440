//! A JSON Schema 2020-12 of a file: kept word for word, and what it finds wrong with a value.

use std::fmt;
use std::sync::Arc;

use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde_json::{Map, Value, json};
use wire::Fault;

use super::form::{MOST_FAULTS, pointer};
use crate::Object;

/// All mistakes of a larger value are found at once, and might not fit in memory: of those it is told that there are some.
const LARGEST_TOLD: usize = 256 << 10;
/// Alternatives, and characters of a text.
const MOST_ALTERNATIVES: usize = 4;
const LONGEST_DETAIL: usize = 400;

#[derive(Clone)]
pub(crate) struct JsonSchema(Arc<Compiled>);

struct Compiled {
    tree: Value,
    validator: Validator,
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
        let meta = jsonschema::draft202012::meta::validator();
        let wrong = meta.iter_errors(&tree).take(MOST_FAULTS);
        let wrong = wrong.map(|error| (error.instance_path().as_str().to_owned(), detail(&error)));
        let mut wrong: Vec<_> = wrong.collect();
        if wrong.is_empty() {
            wrong = elsewhere(&tree);
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .offline()
            // Values come from whoever calls: a pattern must not take them exponential time, so it cannot look around.
            .with_pattern_options(PatternOptions::regex())
            .build(&tree);
        match validator {
            Ok(validator) => Ok(Self(Arc::new(Compiled { tree, validator }))),
            Err(error) => Err(match error.kind() {
                Kind::Referencing(_) => dangling(&tree, &detail(&error)),
                _ => vec![(error.instance_path().as_str().to_owned(), detail(&error))],
            }),
        }
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
        let whole = json!({name: value});
        let own = format!("/properties{}/", pointer(name));
        let errors = self.0.validator.iter_errors(&whole);
        let mut own = errors.filter(|error| {
            let path = error.evaluation_path().as_str();
            path.starts_with(&own) || path == own.trim_end_matches('/')
        });
        own.next().map(|error| detail(&error))
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
        let object = Value::Object(object);
        if text.len() > LARGEST_TOLD {
            let detail = "it is not what the schema says, and too large to tell where";
            return if self.0.validator.is_valid(&object) {
                Vec::new()
            } else {
                vec![Fault::new("", "invalid_value", detail)]
            };
        }
        let errors = self.0.validator.iter_errors(&object);
        let faults = errors.flat_map(|error| faults_of(&error));
        faults.take(MOST_FAULTS).collect()
    }
}

/// References to what stands elsewhere, which is never fetched.
fn elsewhere(tree: &Value) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    texts(tree, "", &mut |at, name, text| {
        if is_reference(name) && !text.starts_with('#') {
            let why = format!("a schema refers to itself only, as in #/$defs/…, not to `{text}`");
            wrong.push((at, why));
        }
    });
    wrong
}

/// References to what is not there; `otherwise` is told where none can be found.
fn dangling(tree: &Value, otherwise: &str) -> Vec<Wrong> {
    let (mut anchors, mut wrong) = (Vec::new(), Vec::new());
    texts(tree, "", &mut |_, name, text| {
        if matches!(name, "$anchor" | "$dynamicAnchor") {
            anchors.push(text.to_owned());
        }
    });
    texts(tree, "", &mut |at, name, text| {
        let path = text.trim_start_matches('#');
        let is_there = if path.starts_with('/') {
            path.contains('%') || tree.pointer(path).is_some()
        } else {
            path.is_empty() || anchors.iter().any(|anchor| anchor == path)
        };
        if is_reference(name) && !is_there {
            wrong.push((at, format!("the schema has no `{text}`")));
        }
    });
    if wrong.is_empty() {
        wrong.push((String::new(), otherwise.to_owned()));
    }
    wrong
}

fn is_reference(name: &str) -> bool {
    matches!(name, "$ref" | "$dynamicRef")
}

/// Each text that is a keyword's, with where it stands and the keyword.
fn texts(tree: &Value, at: &str, tell: &mut impl FnMut(String, &str, &str)) {
    let members: Vec<(String, &Value)> = match tree {
        Value::Object(members) => {
            // What stands there are values.
            let is_value = |name: &str| matches!(name, "const" | "enum" | "default" | "examples");
            let members = members.iter().filter(|(name, _)| !is_value(name));
            members
                .map(|(name, member)| (name.clone(), member))
                .collect()
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items
                .map(|(index, item)| (index.to_string(), item))
                .collect()
        }
        _ => return,
    };
    for (name, member) in members {
        let below = format!("{at}{}", pointer(&name));
        match member {
            Value::String(text) => tell(below, &name, text),
            _ => texts(member, &below, tell),
        }
    }
}

/// One for each member that is missing or too many.
fn faults_of(error: &ValidationError) -> Vec<Fault> {
    let at = error.instance_path().as_str();
    let beside = |name: &str| format!("{at}{}", pointer(name));
    let code = match error.kind() {
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            return vec![Fault::new(beside(name), "required", detail(error))];
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let fault = |name: &String| {
                let detail = format!("{} has no `{name}`", subject(error));
                Fault::new(beside(name), "unknown_field", cut(detail))
            };
            return unexpected.iter().take(MOST_FAULTS).map(fault).collect();
        }
        Kind::Type { .. } => "wrong_type",
        Kind::Enum { .. } => "not_in_enum",
        Kind::Minimum { .. }
        | Kind::Maximum { .. }
        | Kind::ExclusiveMinimum { .. }
        | Kind::ExclusiveMaximum { .. } => "out_of_range",
        Kind::MaxLength { .. } | Kind::MaxItems { .. } => "too_long",
        Kind::MinLength { .. } | Kind::MinItems { .. } => "too_short",
        _ => "invalid_value",
    };
    vec![Fault::new(at, code, detail(error))]
}

/// For the reader, without the value itself, which may be large.
fn detail(error: &ValidationError) -> String {
    match error.kind() {
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            let ways = context.iter().filter_map(|errors| errors.first());
            let ways: Vec<_> = ways.take(MOST_ALTERNATIVES).map(simple).collect();
            cut(format!(
                "{} is none of what it may be: {}",
                subject(error),
                ways.join("; or ")
            ))
        }
        _ => simple(error),
    }
}

fn simple(error: &ValidationError) -> String {
    match error.kind() {
        Kind::Required { property } => cut(format!(
            "{} must be given",
            property.as_str().unwrap_or_default()
        )),
        Kind::Enum { options } => {
            let words = options.as_array().into_iter().flatten();
            let words: Vec<_> = words.map(Value::to_string).collect();
            cut(format!(
                "{} is none of {}",
                subject(error),
                words.join(", ")
            ))
        }
        Kind::Format { format } if format == "regex" => {
            let name = subject(error);
            format!(
                "{name} is no pattern of linear time: no look-around, no back-references, not too large"
            )
        }
        Kind::FalseSchema => format!("{} must not be given", subject(error)),
        _ => {
            let text = error.masked_with(subject(error)).to_string();
            let mut letters = text.chars();
            let first = letters.next().into_iter().flat_map(char::to_lowercase);
            cut(first.chain(letters).collect())
        }
    }
}

/// The name of what is wrong; of an item with its list's.
fn subject(error: &ValidationError) -> String {
    let mut names: Vec<_> = error.instance_path().as_str().split('/').skip(1).collect();
    let is_item = |name: &&str| name.bytes().all(|byte| byte.is_ascii_digit());
    let shown = 1 + usize::from(names.last().is_some_and(is_item));
    if names.is_empty() {
        return "the object".to_owned();
    }
    let shown = names.split_off(names.len().saturating_sub(shown)).join("/");
    format!("`{}`", shown.replace("~1", "/").replace("~0", "~"))
}

fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(LONGEST_DETAIL) {
        text.truncate(end);
        text.push('…');
    }
    text
}
