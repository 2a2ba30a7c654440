//! Schemas of what is asked: filters, orders, selections, measures.

use model::{FieldId, Kind, Model, filter_name};
use serde_json::{Map, Value, json};
use wire::Schema;

use super::{Part, Shown, id, merge, object};
use crate::measures;

/// Before the name of a kind of field, in the catalogue's schemas: the tests that a filter may have of it.
pub(crate) const TESTS: &str = "filter.";
/// What stands for the fields of a model that a ref leads to, where there are too many to name.
const ANY_FIELD: &str = "[A-Za-z_][A-Za-z0-9_]*";
const WAY: &str = "(\\.(asc|desc))?(\\.(nullsfirst|nullslast))?";

impl Shown<'_> {
    pub(super) fn question(&self, more: Value, required: &[&str]) -> Value {
        let mut properties = json!({
            "where": self.refer(Part::Where),
            "order": {
                "type": "array",
                "items": {"type": "string", "pattern": format!("^({}){WAY}$", self.ordered().join("|"))},
                "description": "Such as `released.desc.nullslast`.",
            },
            "select": self.select(),
            "limit": {
                "type": "integer", "minimum": 0, "maximum": self.limits.page_max, "default": self.limits.page,
                "description": "As JSON Lines or CSV also any number, or `all`.",
            },
            "cursor": {
                "type": ["string", "null"],
                "description": "Where the page before says that the next begins; not with `offset`.",
            },
            "offset": {"type": "integer", "minimum": 0, "maximum": self.limits.offset_max},
            "deleted": self.deleted(),
        });
        merge(&mut properties, more);
        object(properties, required)
    }

    pub(super) fn filter(&self) -> Value {
        let mut properties = Map::new();
        for id in self.view.fields(self.model) {
            let field = self.model.field(id);
            let tests = format!("#/schemas/{TESTS}{}", filter_name(self.model, field));
            properties.insert(field.name.clone(), json!({"$ref": tests}));
        }
        let itself = || self.refer(Part::Where);
        for word in ["and", "or"] {
            properties.insert(word.to_owned(), json!({"type": "array", "items": itself()}));
        }
        properties.insert("not".to_owned(), itself());
        let mut filter = object(Value::Object(properties), &[]);
        filter["description"] =
            json!("A field's value, or operators: {\"rating\": {\"gte\": \"7\"}, \"or\": [{…}]}.");
        filter
    }

    pub(super) fn select(&self) -> Value {
        let names = |model: &Model| {
            let fields = self.view.fields(model).into_iter();
            let names = fields.map(|field| model.field(field).name.clone());
            names.collect::<Vec<_>>().join("|")
        };
        let fields = self.view.fields(self.model).into_iter();
        let refs = fields.map(|field| self.model.field(field));
        let refs = refs.filter_map(|field| match &field.kind {
            Kind::Ref { model, .. } => Some((field, &**self.models.get(model)?)),
            _ => None,
        });
        let refs: Vec<_> = refs.collect();
        let all = |inner: &dyn Fn(&Model) -> String| {
            let with = |(field, target): &(&model::Field, &Model)| match inner(target).as_str() {
                "" => format!("{}\\((\\*)\\)", field.name),
                inner => format!("{}\\((\\*|{inner})\\)", field.name),
            };
            let own = std::iter::once(names(self.model));
            let items: Vec<_> = own.chain(refs.iter().map(with)).collect();
            format!("^(\\*|{})$", items.join("|"))
        };
        let few = refs
            .iter()
            .map(|(_, target)| target.fields.len())
            .sum::<usize>()
            < 200;
        let exact = few.then(|| all(&names));
        let pattern = exact
            .filter(|pattern| pattern.len() <= Schema::LONGEST_PATTERN)
            .unwrap_or_else(|| all(&|_| ANY_FIELD.to_owned()));
        json!({
            "type": "array",
            "items": {"type": "string", "pattern": pattern},
            "minItems": 1,
            "uniqueItems": true,
            "description": "Fields, each once, and refs as objects: `director(name)`.",
        })
    }

    pub(super) fn deleted(&self) -> Value {
        if self.model.options.soft_delete {
            json!({"enum": ["exclude", "include", "only", null]})
        } else {
            json!({"enum": ["exclude", null]})
        }
    }

    fn ordered(&self) -> Vec<&str> {
        self.fields_where(&measures::is_groupable)
    }

    fn fields_where(&self, fits: &dyn Fn(&model::Field) -> bool) -> Vec<&str> {
        let fields = self.view.fields(self.model).into_iter();
        fields
            .map(|field: FieldId| self.model.field(field))
            .filter(|field| fits(field))
            .map(|field| field.name.as_str())
            .collect()
    }

    pub(super) fn aggregate(&self) -> Value {
        let of = |functions: &str, fits: &dyn Fn(&model::Field) -> bool| {
            let names = self.fields_where(fits);
            (!names.is_empty()).then(|| format!("({functions})\\(({})\\)", names.join("|")))
        };
        let measures: Vec<String> = [
            Some("count".to_owned()),
            of("count", &|_| true),
            of("count_distinct", &measures::is_groupable),
            of("sum|avg", &measures::is_number),
            of("min|max", &measures::has_extremes),
        ]
        .into_iter()
        .flatten()
        .collect();
        let mut schema = object(
            json!({
                "where": self.refer(Part::Where),
                "group": {"type": "array", "items": {"enum": self.ordered()}, "uniqueItems": true},
                "order": {
                    "type": "array", "items": {"type": "string"},
                    "description": "Of the group's fields and the measures' names, with `.desc` to fall.",
                },
                "measures": {
                    "type": "object",
                    "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]{0,62}$"},
                    "additionalProperties": {"type": "string", "pattern": format!("^({})$", measures.join("|"))},
                    "description": "Name in the answer, no field of the group → count, count(f), count_distinct(f), sum(f), avg(f), min(f) or max(f).",
                },
                "limit": {"type": "integer", "minimum": 0, "maximum": self.limits.page_max},
                "deleted": self.deleted(),
            }),
            &[],
        );
        schema["anyOf"] = json!([
            {"required": ["group"], "properties": {"group": {"minItems": 1}}},
            {"required": ["measures"], "properties": {"measures": {"minProperties": 1}}},
        ]);
        schema
    }

    /// A filter that leaves something out, as a change of many records needs one.
    pub(super) fn narrow_where(&self) -> Value {
        let fields = self.view.fields(self.model).into_iter();
        let named = fields.map(|field| json!({"required": [self.model.field(field).name]}));
        json!({"allOf": [self.refer(Part::Where), {"anyOf": named.collect::<Vec<_>>()}]})
    }

    pub(super) fn ids(&self) -> Value {
        json!({"type": "array", "items": id(), "maxItems": self.limits.bulk})
    }
}
