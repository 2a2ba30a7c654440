//! Inputs and forms that are a JSON Schema 2020-12 as it is.

use serde_json::Value as Json;
use serde_json::value::RawValue;

use crate::shape::DIALECT;
use crate::source::{Place, Source};
use crate::workflow::Form;
use crate::workflow::json_schema::JsonSchema;
use crate::yaml::{Key, Node};
use crate::{Field, Kind, Value, did_you_mean};

/// Whoever may start the workflow gets it with the catalogue.
const LARGEST: usize = 64 << 10;
/// As of a field's name.
const LONGEST_NAME: usize = 63;

/// `dialect` is what its `$schema` says. What cannot be read has no fields.
pub(super) fn read(source: &mut Source, node: &Node, dialect: &Node, whose: &str) -> Form {
    if dialect.text() != Some(DIALECT) {
        let hint = Some(format!("write $schema: {DIALECT}"));
        source.mistake(dialect.at, "`$schema` is the dialect of 2020-12", hint);
        return Form::default();
    }
    let text = node.to_json();
    if text.len() > LARGEST {
        let message = format!("the schema has more than {} KiB", LARGEST >> 10);
        source.mistake(dialect.at, message, None);
        return Form::default();
    }
    let tree: Json = match serde_json::from_str(&text) {
        Ok(tree) => tree,
        Err(why) => {
            source.mistake(dialect.at, format!("the schema is no JSON: {why}"), None);
            return Form::default();
        }
    };
    if !is_object(source, node, dialect.at, &tree) {
        return Form::default();
    }
    match JsonSchema::new(tree) {
        Ok(schema) => Form {
            fields: fields(source, node, &schema, whose),
            schema: Some(schema),
        },
        Err(wrong) => {
            for (pointer, why) in wrong {
                source.mistake(node.at_pointer(&pointer), why, None);
            }
            Form::default()
        }
    }
}

/// Whether values are objects with properties that are known by their names.
fn is_object(source: &mut Source, node: &Node, otherwise: Place, tree: &Json) -> bool {
    let place = |name: &str| node.get(name).map_or(otherwise, |node| node.at);
    let (of_objects, named) = (tree["type"] == "object", tree["properties"].is_object());
    if !of_objects {
        let hint = Some("write type: object".to_owned());
        source.mistake(place("type"), "the schema is of an object", hint);
    }
    if !named {
        let hint = Some("write properties: { name: { type: string } }".to_owned());
        source.mistake(place("properties"), "the schema has no properties", hint);
    }
    of_objects && named
}

/// The properties, as what expressions know.
fn fields(source: &mut Source, node: &Node, schema: &JsonSchema, whose: &str) -> Vec<Field> {
    let members = node.get("properties").map_or(&[][..], Node::members);
    for item in node.get("required").map_or(&[][..], Node::items) {
        let names = members.iter().map(|(key, _)| key.text.as_str());
        if let Some(name) = item.text()
            && !names.clone().any(|known| known == name)
        {
            let hint = did_you_mean(name, names);
            source.mistake(item.at, format!("there is no property `{name}`"), hint);
        }
    }
    let fields = members.iter().map(|(key, member)| {
        if !is_name(&key.text) {
            let message = format!(
                "{whose} is letters, digits and _, as in contactMethod, not `{}`",
                key.text
            );
            source.mistake(key.at, message, None);
        }
        Field {
            required: schema.requires(&key.text) && !schema.has_null(&key.text),
            default: default(source, key, member, schema),
            ..Field::new(&key.text, Kind::Json)
        }
    });
    fields.collect()
}

/// A name that expressions can say. Schemas come from elsewhere, where names have capitals.
fn is_name(text: &str) -> bool {
    text.len() <= LONGEST_NAME
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Of null it says nothing.
fn default(source: &mut Source, key: &Key, node: &Node, schema: &JsonSchema) -> Option<Value> {
    let default = node.get("default").filter(|default| !default.is_null())?;
    let text = default.to_json();
    let json: Json = serde_json::from_str(&text).ok()?;
    let read = match schema.unfit(&key.text, &json) {
        Some(why) => Err(why),
        None => RawValue::from_string(text)
            .map_err(|error| error.to_string())
            .and_then(|raw| {
                let field = Field::new(&key.text, Kind::Json);
                Value::from_json(&field, &raw).map_err(|bad| bad.detail)
            }),
    };
    let told = |why| source.mistake(default.at, format!("the default does not fit: {why}"), None);
    read.map_err(told).ok()
}
