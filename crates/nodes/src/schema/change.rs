//! Schemas of changes of several records, and of upserts.

use model::{Action, FieldId};
use serde_json::{Map, Value, json};

use super::{Part, Shown, id, object, with_id};

impl Shown<'_> {
    pub(super) fn upsert(&self) -> Value {
        self.known_by(&|values, on| object(json!({"on": on, "values": values}), &["values"]))
    }

    pub(super) fn bulk_create(&self) -> Value {
        self.records(&self.refer(Part::Create), None)
    }

    pub(super) fn bulk_upsert(&self) -> Value {
        self.known_by(&|values, on| self.records(&values, Some(&on)))
    }

    /// One form for each set of fields by which a record is known, since these must be given. `on` may be left out
    /// where there is only one such set.
    fn known_by(&self, form: &dyn Fn(Value, Value) -> Value) -> Value {
        let seen = |fields: &&Vec<FieldId>| {
            let mut fields = fields.iter();
            fields.all(|field| self.view.shows(self.model, *field))
        };
        let uniques = &self.model.uniques;
        let mut forms = Vec::new();
        for unique in uniques.iter().filter(seen) {
            let names: Vec<_> = unique
                .iter()
                .map(|field| self.model.field(*field).name.as_str())
                .collect();
            let mut form = form(self.given(&names), json!({"const": names}));
            if uniques.len() > 1 {
                require(&mut form, "on");
            }
            forms.push(form);
        }
        let mut by_id = form(self.given(&["id"]), json!({"const": ["id"]}));
        require(&mut by_id, "on");
        forms.push(by_id);
        json!({"anyOf": forms})
    }

    /// `{"records": […]}`, or where nothing else is to be said the list alone.
    fn records(&self, record: &Value, on: Option<&Value>) -> Value {
        let list = json!({"type": "array", "items": record, "maxItems": self.limits.bulk});
        let mut properties = json!({"records": list, "atomic": atomic()});
        let Some(on) = on else {
            return json!({"anyOf": [object(properties, &["records"]), list]});
        };
        properties["on"] = on.clone();
        object(properties, &["records"])
    }

    pub(super) fn bulk_update(&self) -> Value {
        let values = self.refer(Part::Values);
        let mut record = with_id(self.record_input(Action::Update, false));
        record["properties"]["if_version"] = self.if_version();
        if self.model.options.require_if_match {
            require(&mut record, "if_version");
        }
        let filtered = json!({
            "where": self.narrow_where(), "values": values, "all": {"type": "boolean"}, "select": self.select(),
        });
        let all = json!({"where": self.refer(Part::Where), "values": values, "all": all(), "select": self.select()});
        json!({"anyOf": [
            object(filtered, &["values", "where"]),
            object(all, &["values", "all"]),
            self.records(&record, None),
        ]})
    }

    pub(super) fn bulk_delete(&self) -> Value {
        let boolean = json!({"type": "boolean"});
        let filter = self.refer(Part::Where);
        json!({"anyOf": [
            object(json!({"ids": self.ids(), "where": filter, "all": boolean}), &["ids"]),
            object(json!({"where": self.narrow_where(), "all": boolean}), &["where"]),
            object(json!({"where": filter, "all": all()}), &["all"]),
        ]})
    }

    pub(super) fn bulk(&self) -> Value {
        let allows = |actions: &[Action]| {
            let mut actions = actions.iter();
            actions.all(|action| self.view.allows(self.model, *action))
        };
        let mut forms = Vec::new();
        if allows(&[Action::Create]) {
            let op = json!({"op": {"const": "create"}, "values": self.refer(Part::Create)});
            forms.push(object(op, &["op", "values"]));
        }
        if allows(&[Action::Update]) {
            for (op, whole) in [("update", false), ("replace", true)] {
                let values = if whole {
                    self.record_input(Action::Update, true)
                } else {
                    self.refer(Part::Values)
                };
                let op = json!({"op": {"const": op}, "id": id(), "values": values, "if_version": self.if_version()});
                forms.push(self.versioned(object(op, &["op", "id", "values"])));
            }
        }
        if allows(&[Action::Create, Action::Update]) {
            forms.push(self.known_by(&|values, on| {
                let op = json!({"op": {"const": "upsert"}, "on": on, "values": values});
                object(op, &["op", "values"])
            }));
        }
        if allows(&[Action::Delete]) {
            let op =
                json!({"op": {"const": "delete"}, "id": id(), "if_version": self.if_version()});
            forms.push(self.versioned(object(op, &["op", "id"])));
        }
        let ops = json!({"type": "array", "items": {"anyOf": forms}, "maxItems": self.limits.bulk});
        object(json!({"atomic": atomic(), "ops": ops}), &["ops"])
    }

    /// A new record's values where these fields must be given and not null.
    fn given(&self, names: &[&str]) -> Value {
        let there = |name: &&str| ((*name).to_owned(), json!({"not": {"type": "null"}}));
        let there: Map<String, Value> = names.iter().map(there).collect();
        json!({"allOf": [self.refer(Part::Create), {"properties": there, "required": names}]})
    }

    fn versioned(&self, mut op: Value) -> Value {
        if self.model.options.require_if_match {
            require(&mut op, "if_version");
        }
        op
    }

    /// `*` is any version that there is.
    fn if_version(&self) -> Value {
        let mut version = if_version();
        if self.model.options.require_if_match {
            version["anyOf"][0]["type"] = json!("integer");
        }
        version
    }
}

/// For each operation its node's input, which the catalogue has.
pub(crate) fn transaction_input(most: usize) -> Value {
    let op = json!({
        "node": {"type": "string", "description": "Such as `Film.create`."},
        "as": {"type": "string"},
        "input": {"type": "object", "description": "{\"$ref\": \"name.field\"} stands for what an earlier operation answered."},
        "if_version": if_version(), "max_affected": {"type": "integer", "minimum": 0},
    });
    let ops = json!({"type": "array", "items": object(op, &["node"]), "maxItems": most});
    object(json!({"ops": ops}), &["ops"])
}

fn if_version() -> Value {
    json!({"anyOf": [
        {"type": ["integer", "null"], "minimum": i64::MIN, "maximum": i64::MAX},
        {"const": "*"},
    ]})
}

fn require(schema: &mut Value, name: &str) {
    match schema.get_mut("required") {
        Some(Value::Array(names)) => names.push(json!(name)),
        _ => schema["required"] = json!([name]),
    }
}

fn all() -> Value {
    json!({"const": true, "description": "Every record is meant, though there is no filter."})
}

fn atomic() -> Value {
    json!({"type": "boolean", "default": true, "description": "All or nothing; else each has its own result."})
}
