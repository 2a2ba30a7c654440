//! A shape as JSON Schema 2020-12.

use serde_json::{Map, Value, json};

use super::{Shape, Table};

pub(crate) const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// A whole document's schema.
pub(crate) fn document(
    title: &str,
    about: &str,
    table: &'static Table,
    examples: Vec<Value>,
) -> Value {
    let mut definitions = Map::new();
    let Value::Object(body) = of_table(table, &mut definitions) else {
        return Value::Null;
    };
    let mut document = Map::new();
    document.insert("$schema".to_owned(), json!(DIALECT));
    document.insert("title".to_owned(), json!(title));
    document.insert("description".to_owned(), json!(about));
    document.extend(body);
    if !definitions.is_empty() {
        document.insert("$defs".to_owned(), Value::Object(definitions));
    }
    document.insert("examples".to_owned(), Value::Array(examples));
    Value::Object(document)
}

fn of_table(table: &'static Table, definitions: &mut Map<String, Value>) -> Value {
    let mut properties = Map::new();
    for key in table.keys {
        let mut schema = of(&key.shape, definitions);
        if let Value::Object(schema) = &mut schema {
            schema.insert("description".to_owned(), json!(key.about));
        }
        properties.insert(key.name.to_owned(), schema);
    }
    let required: Vec<_> = table
        .keys
        .iter()
        .filter(|key| key.required)
        .map(|key| key.name)
        .collect();
    let mut schema =
        json!({"type": "object", "properties": properties, "additionalProperties": false});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn of(shape: &Shape, definitions: &mut Map<String, Value>) -> Value {
    match shape {
        // YAML reads an unquoted 1984 as a number; the reader takes it as written.
        Shape::Text | Shape::Scalar => json!({"type": ["string", "number", "boolean"]}),
        Shape::Word(words) => json!({"enum": words}),
        Shape::Bool => json!({"type": "boolean"}),
        Shape::Count(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        Shape::Duration => {
            json!({"type": "string", "pattern": "^[0-9]+ *(ms|s|m|h|d)$", "examples": ["30s"]})
        }
        Shape::Size => {
            json!({"type": "string", "pattern": "^[0-9]+ *(B|KiB|MiB|GiB)$", "examples": ["8MiB"]})
        }
        Shape::Any => json!({}),
        Shape::List(inner) => {
            json!({"type": "array", "items": of(inner, definitions), "minItems": 1})
        }
        Shape::Map(table) => of_table(table, definitions),
        Shape::Defined(name, table) => {
            if !definitions.contains_key(*name) {
                definitions.insert((*name).to_owned(), Value::Null);
                let definition = of_table(table, definitions);
                definitions.insert((*name).to_owned(), definition);
            }
            json!({"$ref": format!("#/$defs/{name}")})
        }
        Shape::Names(inner) => {
            json!({"type": "object", "additionalProperties": of(inner, definitions)})
        }
        Shape::NamesOrSchema(inner) => {
            let whole = json!({
                "type": "object", "required": ["$schema", "type", "properties"],
                "properties": {"$schema": {"const": DIALECT}, "type": {"const": "object"}, "properties": {"type": "object"}},
            });
            json!({"anyOf": [{"type": "object", "additionalProperties": of(inner, definitions)}, whole]})
        }
        Shape::Either(one, other) => {
            json!({"anyOf": [of(one, definitions), of(other, definitions)]})
        }
    }
}
