//! JSON Schemas of the nodes' inputs and outputs.

use model::{Action, Model, value_schema};
use serde_json::{Map, Value, json};

use crate::verb::Verb;
use crate::view::View;

/// What a schema of a model's node is made from.
pub(crate) struct Shown<'a> {
    pub(crate) model: &'a Model,
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
}

impl Part {
    pub(crate) const ALL: [Self; 5] = [
        Self::Record,
        Self::Create,
        Self::Update,
        Self::Replace,
        Self::Values,
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
        }
    }

    fn refer(&self, part: Part) -> Value {
        json!({"$ref": format!("#/schemas/{}", part.name(self.model))})
    }

    pub(crate) fn input(&self, verb: Verb) -> Value {
        match verb {
            Verb::Create => self.refer(Part::Create),
            Verb::Read => object(
                json!({"id": id(), "select": select(), "deleted": deleted()}),
                &["id"],
            ),
            Verb::Update => self.refer(Part::Update),
            Verb::Replace => self.refer(Part::Replace),
            Verb::Delete | Verb::Restore => object(json!({"id": id()}), &["id"]),
            Verb::List => self.question(json!({}), &[]),
            Verb::Count => object(json!({"where": self.filter(), "deleted": deleted()}), &[]),
            Verb::Upsert => object(
                json!({"on": on(), "values": self.refer(Part::Create)}),
                &["values"],
            ),
            Verb::Aggregate => self.aggregate(),
            Verb::Search => {
                let q = json!({"q": {"type": "string", "description": "All of these words, in any of the searched fields."}});
                self.question(q, &["q"])
            }
            Verb::BulkCreate => records(&self.refer(Part::Create), json!({})),
            Verb::BulkUpsert => records(&self.refer(Part::Create), json!({"on": on()})),
            Verb::BulkUpdate => self.bulk_update(),
            Verb::BulkDelete => object(
                json!({
                    "where": self.filter(), "all": all(),
                    "ids": {"type": "array", "items": id()},
                }),
                &[],
            ),
            Verb::Bulk => bulk(),
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
            Verb::List | Verb::Search | Verb::BulkUpdate | Verb::BulkDelete => list(),
            Verb::Count => object(
                json!({"count": {"type": "integer", "minimum": 0}}),
                &["count"],
            ),
            Verb::Aggregate => json!({"type": "array", "items": {"type": "object"}}),
            Verb::BulkCreate | Verb::BulkUpsert => json!({"anyOf": [list(), results()]}),
            Verb::Bulk => results(),
        }
    }

    /// A record as this caller sees it.
    fn record(&self) -> Value {
        let mut properties = Map::new();
        for field in self.view.fields(self.model) {
            let field = self.model.field(field);
            properties.insert(
                field.name.clone(),
                described(value_schema(field), &field.about),
            );
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
                described(value_schema(field), &field.about),
            );
        }
        object(Value::Object(properties), &required)
    }

    fn question(&self, more: Value, required: &[&str]) -> Value {
        let mut properties = json!({
            "where": self.filter(),
            "order": {"type": "array", "items": {"type": "string"}, "description": "Such as `released.desc.nullslast`."},
            "select": select(),
            "limit": {"anyOf": [{"type": "integer", "minimum": 0}, {"const": "all"}]},
            "cursor": {"type": "string", "description": "Where the page before says that the next begins."},
            "offset": {"type": "integer", "minimum": 0},
            "deleted": deleted(),
        });
        merge(&mut properties, more);
        object(properties, required)
    }

    fn filter(&self) -> Value {
        let mut properties = Map::new();
        for field in self.view.fields(self.model) {
            let field = self.model.field(field);
            properties.insert(field.name.clone(), json!({}));
        }
        for word in ["and", "or"] {
            properties.insert(
                word.to_owned(),
                json!({"type": "array", "items": {"type": "object"}}),
            );
        }
        properties.insert("not".to_owned(), json!({"type": "object"}));
        described(
            object(Value::Object(properties), &[]),
            "A field's value, or operators: {\"rating\": {\"gte\": \"7\"}, \"or\": [{…}]}.",
        )
    }

    fn aggregate(&self) -> Value {
        let names = json!({"type": "array", "items": {"type": "string"}});
        object(
            json!({
                "where": self.filter(), "group": names, "order": names,
                "measures": {
                    "type": "object", "additionalProperties": {"type": "string"},
                    "description": "Name in the answer → count, count(f), count_distinct(f), sum(f), avg(f), min(f) or max(f).",
                },
                "limit": {"type": "integer", "minimum": 0}, "deleted": deleted(),
            }),
            &[],
        )
    }

    fn bulk_update(&self) -> Value {
        let mut record = with_id(self.record_input(Action::Update, false));
        record["properties"]["if_version"] = json!({"type": "integer"});
        let values = self.refer(Part::Values);
        let by_filter =
            json!({"where": self.filter(), "values": values, "all": all(), "select": select()});
        json!({"anyOf": [
            object(by_filter, &["values"]),
            object(json!({"records": {"type": "array", "items": record}, "atomic": atomic()}), &["records"]),
        ]})
    }
}

pub(crate) fn transaction_input() -> Value {
    let op = json!({
        "node": {"type": "string", "description": "Such as `Film.create`."},
        "as": {"type": "string"},
        "input": {"type": "object", "description": "{\"$ref\": \"name.field\"} stands for what an earlier operation answered."},
        "if_version": {"type": "integer"}, "max_affected": {"type": "integer", "minimum": 0},
    });
    let ops = json!({"type": "array", "items": object(op, &["node"])});
    object(json!({"ops": ops}), &["ops"])
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

fn select() -> Value {
    json!({"type": "array", "items": {"type": "string"}, "description": "Fields, and refs as objects: `director(name)`."})
}

fn deleted() -> Value {
    json!({"enum": ["exclude", "include", "only"]})
}

fn all() -> Value {
    json!({"type": "boolean", "description": "Every record is meant, though there is no filter."})
}

fn atomic() -> Value {
    json!({"type": "boolean", "default": true, "description": "All or nothing; else each has its own result."})
}

fn on() -> Value {
    json!({
        "type": "array", "items": {"type": "string"},
        "description": "The unique fields by which the record is known; absent: the model's only ones.",
    })
}

fn records(record: &Value, more: Value) -> Value {
    let list = json!({"type": "array", "items": record});
    let mut properties = json!({"records": list, "atomic": atomic()});
    merge(&mut properties, more);
    json!({"anyOf": [object(properties, &["records"]), list]})
}

fn bulk() -> Value {
    let op = json!({
        "op": {"enum": ["create", "update", "replace", "upsert", "delete"]},
        "id": id(), "values": {"type": "object"}, "on": on(), "if_version": {"type": "integer"},
    });
    let ops = json!({"type": "array", "items": object(op, &["op"])});
    object(json!({"atomic": atomic(), "ops": ops}), &["ops"])
}
