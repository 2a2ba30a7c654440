//! JSON Schemas of the nodes' inputs and outputs: exactly what is read, so that who keeps to them is not refused.

mod change;
mod question;

use model::{Action, Limits, Model, Models, Verb, input_schema, value_schema};
use serde_json::{Map, Value, json};

use crate::view::View;

pub(crate) use change::transaction_input;
pub(crate) use question::TESTS;

/// What a schema of a model's node is made from.
pub(crate) struct Shown<'a> {
    pub(crate) model: &'a Model,
    pub(crate) models: &'a Models,
    pub(crate) limits: &'a Limits,
    pub(crate) view: &'a View,
}

/// What the schemas of a model's nodes have in common, with every field in it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    /// As the caller sees it.
    Record,
    Create,
    Update,
    Replace,
    /// An update's, without the id.
    Values,
    /// The model's filter, which holds itself.
    Where,
}

impl Part {
    pub(crate) const ALL: [Self; 6] = [
        Self::Record,
        Self::Create,
        Self::Update,
        Self::Replace,
        Self::Values,
        Self::Where,
    ];

    /// In [`wire::Catalogue::schemas`].
    pub(crate) fn name(self, model: &Model) -> String {
        let name = &model.name;
        match self {
            Self::Record => name.clone(),
            Self::Create => format!("{name}.create"),
            Self::Update => format!("{name}.update"),
            Self::Replace => format!("{name}.replace"),
            Self::Values => format!("{name}.values"),
            Self::Where => format!("{name}.where"),
        }
    }
}

impl Shown<'_> {
    pub(crate) fn part(&self, part: Part) -> Value {
        match part {
            Part::Record => self.record(),
            Part::Create => self.record_input(Action::Create, true),
            Part::Update => with_id(self.record_input(Action::Update, false)),
            Part::Replace => with_id(self.record_input(Action::Update, true)),
            Part::Values => self.record_input(Action::Update, false),
            Part::Where => self.filter(),
        }
    }

    fn refer(&self, part: Part) -> Value {
        json!({"$ref": format!("#/schemas/{}", part.name(self.model))})
    }

    pub(crate) fn input(&self, verb: Verb) -> Value {
        match verb {
            Verb::Create => self.refer(Part::Create),
            Verb::Read => {
                let properties =
                    json!({"id": id(), "select": self.select(), "deleted": self.deleted()});
                object(properties, &["id"])
            }
            Verb::Update => self.refer(Part::Update),
            Verb::Replace => self.refer(Part::Replace),
            Verb::Delete | Verb::Restore => object(json!({"id": id()}), &["id"]),
            Verb::List => self.question(json!({}), &[]),
            Verb::Count => object(
                json!({"where": self.refer(Part::Where), "deleted": self.deleted()}),
                &[],
            ),
            Verb::Upsert => self.upsert(),
            Verb::Aggregate => self.aggregate(),
            Verb::Search => {
                let q = json!({"q": {"type": "string", "description": "All of these words, in any of the searched fields."}});
                self.question(q, &["q"])
            }
            Verb::BulkCreate => self.bulk_create(),
            Verb::BulkUpsert => self.bulk_upsert(),
            Verb::BulkUpdate => self.bulk_update(),
            Verb::BulkDelete => self.bulk_delete(),
            Verb::Bulk => self.bulk(),
        }
    }

    pub(crate) fn output(&self, verb: Verb) -> Value {
        let record = || self.refer(Part::Record);
        let list = || json!({"type": "array", "items": self.refer(Part::Record)});
        match verb {
            Verb::Create
            | Verb::Read
            | Verb::Update
            | Verb::Replace
            | Verb::Delete
            | Verb::Restore
            | Verb::Upsert => record(),
            Verb::List | Verb::Search | Verb::BulkDelete => list(),
            Verb::Count => object(
                json!({"count": {"type": "integer", "minimum": 0}}),
                &["count"],
            ),
            Verb::Aggregate => json!({"type": "array", "items": {"type": "object"}}),
            Verb::BulkCreate | Verb::BulkUpsert | Verb::BulkUpdate => {
                json!({"anyOf": [list(), results()]})
            }
            Verb::Bulk => results(),
        }
    }

    /// A record as this caller sees it.
    fn record(&self) -> Value {
        let mut properties = Map::new();
        for field in self.view.fields(self.model) {
            let field = self.model.field(field);
            let mut schema = described(value_schema(field), &field.about);
            if let model::Kind::Ref { model, .. } = &field.kind {
                let about = format!(
                    "id of a {model}, or with `select={}(…)` the record",
                    field.name
                );
                schema = json!({"anyOf": [schema, {"type": "object"}], "description": about});
            }
            properties.insert(field.name.clone(), schema);
        }
        json!({"type": "object", "properties": properties})
    }

    fn record_input(&self, action: Action, whole: bool) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        if action == Action::Create {
            properties.insert(
                "id".to_owned(),
                described(id(), "Chosen by the platform where absent."),
            );
        }
        for (place, field) in self.model.ids() {
            if field.system.is_some() || !self.view.touches(self.model, action, place) {
                continue;
            }
            if whole && field.required && field.default.is_none() {
                required.push(field.name.as_str());
            }
            properties.insert(
                field.name.clone(),
                described(input_schema(field), &field.about),
            );
        }
        object(Value::Object(properties), &required)
    }
}

pub(crate) fn results() -> Value {
    let result =
        json!({"status": {"type": "integer"}, "record": {}, "problem": {"type": "object"}});
    object(
        json!({
            "changed": {"type": "integer", "minimum": 0},
            "results": {"type": "array", "items": object(result, &["status"])},
        }),
        &["changed", "results"],
    )
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "schemas are written as one expression, parts inside wholes"
)]
pub(crate) fn object(properties: Value, required: &[&str]) -> Value {
    let mut schema =
        json!({"type": "object", "properties": properties, "additionalProperties": false});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn with_id(mut schema: Value) -> Value {
    schema["properties"]["id"] = id();
    let mut required = vec![json!("id")];
    if let Some(Value::Array(others)) = schema.get("required") {
        required.extend(others.iter().cloned());
    }
    schema["required"] = Value::Array(required);
    schema
}

fn merge(properties: &mut Value, more: Value) {
    if let (Value::Object(properties), Value::Object(more)) = (properties, more) {
        properties.extend(more);
    }
}

fn described(mut schema: Value, about: &str) -> Value {
    if !about.is_empty() && schema.is_object() {
        schema["description"] = json!(about);
    }
    schema
}

fn id() -> Value {
    json!({"type": "string", "format": "uuid"})
}
