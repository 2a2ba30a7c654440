//! One field of a model file.

use serde_json::value::RawValue;

use super::Known;
use crate::source::Source;
use crate::yaml::{Key, Node};
use crate::{Field, Kind, Metric, OnDelete, Value, did_you_mean, keys};

/// `None` where its kind is not known. The form was checked before; wrong forms are passed over.
pub(crate) fn read(source: &mut Source, key: &Key, node: &Node, known: &Known) -> Option<Field> {
    if node.members().is_empty() && !matches!(node.yaml, crate::yaml::Yaml::Map(_)) {
        return None;
    }
    let kind = kind(source, key, node, known)?;
    fitting_keys(source, node, &kind);
    let switch = |name| node.get(name).and_then(Node::bool).unwrap_or(false);
    let text = |name| node.get(name).and_then(Node::text).map(str::to_owned);
    let mut field = Field {
        about: text("about").unwrap_or_default(),
        array: switch("array"),
        required: switch("required"),
        unique: switch("unique"),
        index: switch("index"),
        search: switch("search"),
        nocase: text("collate").is_some(),
        was: text("was"),
        ..Field::new(&key.text, kind)
    };
    fitting_switches(source, node, &field);
    bounds(source, node, &mut field);
    if let Some(default) = node.get("default") {
        match value(&field, default) {
            Ok(Value::Null) => source.mistake(default.at, "a default of null says nothing", None),
            Ok(value) => field.default = Some(value),
            Err(why) => {
                source.mistake(default.at, format!("the default does not fit: {why}"), None);
            }
        }
    }
    Some(field)
}

fn kind(source: &mut Source, key: &Key, node: &Node, known: &Known) -> Option<Kind> {
    match (node.get("type"), node.get("ref")) {
        (Some(kind), Some(_)) => {
            source.mistake(kind.at, "a field has a type or a ref, not both", None);
            None
        }
        (None, None) => {
            let hint = Some("write { type: text } or { ref: Person }".to_owned());
            source.mistake(key.at, format!("`{}` has no type", key.text), hint);
            None
        }
        (None, Some(target)) => {
            let name = target.text()?;
            if !known.has(name) {
                let hint = did_you_mean(name, known.names());
                source.mistake(target.at, format!("there is no model `{name}`"), hint);
                return None;
            }
            let on_delete = match node.get("on_delete").and_then(Node::text) {
                Some("cascade") => OnDelete::Cascade,
                Some("set_null") => OnDelete::SetNull,
                _ => OnDelete::Restrict,
            };
            Some(Kind::Ref {
                model: name.to_owned(),
                on_delete,
            })
        }
        (Some(kind), None) => typed(source, key, node, kind.text()?),
    }
}

fn typed(source: &mut Source, key: &Key, node: &Node, name: &str) -> Option<Kind> {
    let count = |name| {
        node.get(name)
            .and_then(Node::text)
            .and_then(|text| text.parse::<u32>().ok())
    };
    Some(match name {
        "text" => Kind::Text,
        "int" => Kind::Int,
        "float" => Kind::Float,
        "decimal" => {
            let (precision, scale) = (count("precision"), count("scale"));
            if let Some(node) = node.get("scale")
                && scale > precision
            {
                let hint = Some("write { type: decimal, precision: 12, scale: 2 }".to_owned());
                source.mistake(node.at, "a scale needs a precision that is not less", hint);
            }
            Kind::Decimal { precision, scale }
        }
        "bool" => Kind::Bool,
        "uuid" => Kind::Uuid,
        "date" => Kind::Date,
        "time" => Kind::Time,
        "timestamp" => Kind::Timestamp,
        "json" => Kind::Json,
        "bytes" => Kind::Bytes,
        "enum" => {
            let Some(values) = node.get("values") else {
                let hint = Some("write { type: enum, values: [a, b] }".to_owned());
                source.mistake(
                    key.at,
                    format!("the enum `{}` has no values", key.text),
                    hint,
                );
                return None;
            };
            Kind::Enum(enum_values(source, values))
        }
        "vector" => {
            let Some(dim) = count("dim") else {
                if node.get("dim").is_none() {
                    let hint = Some("write { type: vector, dim: 384 }".to_owned());
                    source.mistake(
                        key.at,
                        format!("the vector `{}` has no dim", key.text),
                        hint,
                    );
                }
                return None;
            };
            let metric = match node.get("metric").and_then(Node::text) {
                Some("l2") => Metric::L2,
                Some("inner") => Metric::Inner,
                _ => Metric::Cosine,
            };
            Kind::Vector { dim, metric }
        }
        // `type: ref` and unknown words were told by the form's check.
        _ => return None,
    })
}

fn enum_values(source: &mut Source, node: &Node) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    for (text, at) in node.texts() {
        if text.contains('\0') {
            source.mistake(at, "the character U+0000 cannot be stored", None);
        } else if values.iter().any(|value| value == text) {
            source.mistake(at, format!("the value `{text}` stands twice"), None);
        } else {
            values.push(text.to_owned());
        }
    }
    values
}

/// Refuses keys that say nothing about this kind.
fn fitting_keys(source: &mut Source, node: &Node, kind: &Kind) {
    for (key, _) in node.members() {
        let owner = match key.text.as_str() {
            "values" if !matches!(kind, Kind::Enum(_)) => "enum",
            "precision" | "scale" if !matches!(kind, Kind::Decimal { .. }) => "decimal",
            "dim" | "metric" if !matches!(kind, Kind::Vector { .. }) => "vector",
            "on_delete" if !matches!(kind, Kind::Ref { .. }) => "ref",
            "search" | "collate" if *kind != Kind::Text => "text",
            _ => continue,
        };
        source.mistake(
            key.at,
            format!(
                "`{}` is for {owner} only, not for {}",
                key.text,
                kind.name()
            ),
            None,
        );
    }
}

fn fitting_switches(source: &mut Source, node: &Node, field: &Field) {
    let place = |name: &str| {
        node.members()
            .iter()
            .find(|(key, _)| key.text == name)
            .map_or(node.at, |(key, _)| key.at)
    };
    let what = field.kind_name();
    if field.array && (matches!(field.kind, Kind::Ref { .. }) || !field.kind.is_ordered()) {
        source.mistake(
            place("array"),
            format!("there are no lists of {}", field.kind.name()),
            None,
        );
        return;
    }
    for (name, set) in [("unique", field.unique), ("index", field.index)] {
        if set && (field.array || !field.kind.is_ordered()) {
            source.mistake(
                place(name),
                format!("{what} cannot have `{name}`: it has no order"),
                None,
            );
        }
    }
    for (name, set) in [("search", field.search), ("collate", field.nocase)] {
        if set && field.array {
            source.mistake(place(name), format!("{what} cannot have `{name}`"), None);
        }
    }
    if field.required
        && matches!(
            field.kind,
            Kind::Ref {
                on_delete: OnDelete::SetNull,
                ..
            }
        )
    {
        let hint = Some(format!(
            "use {} or leave out required",
            keys::ON_DELETE[..2].join(" or ")
        ));
        source.mistake(
            place("on_delete"),
            "a required ref cannot be set to null",
            hint,
        );
    }
}

fn bounds(source: &mut Source, node: &Node, field: &mut Field) {
    let lengths = field.array || matches!(field.kind, Kind::Text | Kind::Bytes);
    let values = matches!(
        field.kind,
        Kind::Int | Kind::Float | Kind::Decimal { .. } | Kind::Date | Kind::Time | Kind::Timestamp
    );
    for name in ["min", "max"] {
        let Some(bound) = node.get(name) else {
            continue;
        };
        let Some(text) = bound.text() else { continue };
        if lengths {
            match text.parse::<u32>() {
                Ok(length) if name == "min" => field.min_len = Some(length),
                Ok(length) => field.max_len = Some(length),
                Err(_) => {
                    let message = format!(
                        "`{name}` of {} counts its length: a whole number",
                        field.kind_name()
                    );
                    source.mistake(bound.at, message, None);
                }
            }
        } else if values {
            match value(&field.unbounded(), bound) {
                Ok(value) if name == "min" => field.min = Some(value),
                Ok(value) => field.max = Some(value),
                Err(why) => source.mistake(bound.at, format!("`{name}` does not fit: {why}"), None),
            }
        } else {
            source.mistake(
                bound.at,
                format!("{} has no `{name}`", field.kind_name()),
                None,
            );
        }
    }
    let crossed = match (&field.min, &field.max) {
        (Some(min), Some(max)) => min.compare(max, false) == Some(std::cmp::Ordering::Greater),
        _ => field.max_len.is_some() && field.min_len > field.max_len,
    };
    if let (true, Some(max)) = (crossed, node.get("max")) {
        source.mistake(max.at, "`max` is less than `min`", None);
    }
}

/// A value written in YAML. What is text to the field is taken as written, `1984` and `true` included.
fn value(field: &Field, node: &Node) -> Result<Value, String> {
    let as_text = matches!(field.kind, Kind::Text | Kind::Enum(_)) && !field.array;
    let json = match node.text() {
        Some(text) if as_text => {
            let mut json = Vec::new();
            crate::write_json_string(text, &mut json);
            String::from_utf8_lossy(&json).into_owned()
        }
        _ => node.to_json(),
    };
    let raw = RawValue::from_string(json).map_err(|error| error.to_string())?;
    Value::from_json(field, &raw).map_err(|bad| bad.detail)
}
