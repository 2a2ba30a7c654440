//! JSON Schemas of the project's files, for editors, and of one value, for the catalogue.

use serde_json::{Value, json};

use crate::shape::{Table, document};
use crate::source::Source;
use crate::{Field, Kind, keys, yaml};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaKind {
    Model,
    Workflow,
    Project,
    Seed,
}

impl SchemaKind {
    pub const ALL: [Self; 4] = [Self::Model, Self::Workflow, Self::Project, Self::Seed];

    fn table(self) -> &'static Table {
        match self {
            Self::Model => &keys::MODEL,
            Self::Workflow => &keys::WORKFLOW,
            Self::Project => &keys::PROJECT,
            Self::Seed => &keys::SEED,
        }
    }

    fn example(self) -> &'static str {
        match self {
            Self::Model => include_str!("../examples/model.yaml"),
            Self::Workflow => include_str!("../examples/workflow.yaml"),
            Self::Project => include_str!("../examples/gantry.yaml"),
            Self::Seed => include_str!("../examples/film.seed.yaml"),
        }
    }
}

/// JSON Schema 2020-12 of a kind of project file.
pub fn schema(kind: SchemaKind) -> Value {
    let (title, about) = match kind {
        SchemaKind::Model => (
            "Gantry model",
            "models/*.yaml: one model, its fields and who may do what.",
        ),
        SchemaKind::Workflow => (
            "Gantry workflow",
            "workflows/*.yaml: one procedure made of nodes.",
        ),
        SchemaKind::Project => (
            "Gantry project",
            "gantry.yaml: settings of the whole project; every key has a default.",
        ),
        SchemaKind::Seed => (
            "Gantry seed",
            "data/*.seed.yaml: how a data file's rows become records.",
        ),
    };
    let text = kind.example();
    let example = yaml::parse(&mut Source::new("".as_ref(), text), text)
        .and_then(|node| serde_json::from_str(&node.to_json()).ok());
    document(title, about, kind.table(), example.into_iter().collect())
}

/// JSON Schema 2020-12 of one value of the field, null included where it may be null.
pub fn value_schema(field: &Field) -> Value {
    let mut one = kind_schema(field);
    if field.array {
        let mut list = json!({"type": "array", "items": one});
        bounds(&mut list, "minItems", field.min_len.map(Value::from));
        bounds(&mut list, "maxItems", field.max_len.map(Value::from));
        one = list;
    } else if field.kind == Kind::Text {
        bounds(&mut one, "minLength", field.min_len.map(Value::from));
        bounds(&mut one, "maxLength", field.max_len.map(Value::from));
    } else if matches!(field.kind, Kind::Int | Kind::Float) {
        bounds(&mut one, "minimum", field.min.as_ref().map(as_json));
        bounds(&mut one, "maximum", field.max.as_ref().map(as_json));
    }
    if let Some(default) = &field.default {
        one["default"] = as_json(default);
    }
    if !field.required
        && let Some(kind) = one.get_mut("type")
    {
        *kind = json!([kind.take(), "null"]);
        if let Some(Value::Array(values)) = one.get_mut("enum") {
            values.push(Value::Null);
        }
    }
    one
}

fn bounds(schema: &mut Value, key: &str, bound: Option<Value>) {
    if let Some(bound) = bound {
        schema[key] = bound;
    }
}

/// Best effort: a schema is read by tools that hold numbers as they can.
fn as_json(value: &crate::Value) -> Value {
    let mut text = Vec::new();
    value.write_json(&mut text);
    serde_json::from_slice(&text).unwrap_or(Value::Null)
}

fn kind_schema(field: &Field) -> Value {
    match &field.kind {
        Kind::Text => json!({"type": "string"}),
        Kind::Int => json!({"type": "integer", "format": "int64"}),
        Kind::Float => json!({"type": "number", "format": "double"}),
        Kind::Decimal { scale, .. } => {
            let fraction = match scale {
                Some(0) => String::new(),
                Some(scale) => format!("(\\.[0-9]{{1,{scale}}})?"),
                None => "(\\.[0-9]+)?".to_owned(),
            };
            json!({"type": "string", "format": "decimal", "pattern": format!("^-?[0-9]+{fraction}$")})
        }
        Kind::Bool => json!({"type": "boolean"}),
        Kind::Uuid => json!({"type": "string", "format": "uuid"}),
        Kind::Ref { model, .. } => {
            json!({"type": "string", "format": "uuid", "description": format!("The id of a {model}.")})
        }
        Kind::Date => json!({"type": "string", "format": "date"}),
        // RFC 3339's `time` has an offset, ours has none, so it may not claim that format.
        Kind::Time => {
            json!({"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?$"})
        }
        Kind::Timestamp => json!({"type": "string", "format": "date-time"}),
        Kind::Json => json!({}),
        Kind::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
        Kind::Enum(values) => json!({"type": "string", "enum": values}),
        Kind::Vector { dim, .. } => {
            json!({"type": "array", "items": {"type": "number", "format": "float"}, "minItems": dim, "maxItems": dim})
        }
    }
}
