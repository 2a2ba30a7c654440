//! The tools that serve every model: few, whatever the number of models.

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::{Value, json};
use wire::Hints;

use crate::choice::Choice;
use crate::reply::Shape;
use crate::settings::Limits;

/// A tool that is told the model, and calls the model's node `verb` with the other arguments.
pub(crate) struct Generic {
    pub(crate) name: &'static str,
    pub(crate) verb: &'static str,
    title: &'static str,
    about: &'static str,
    pub(crate) shape: Shape,
    /// Beside `model`, in the order in which they are shown.
    arguments: &'static [Argument],
}

/// What a tool takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Argument {
    Id,
    Where,
    Order,
    Select,
    Limit,
    Cursor,
    Count,
    Words,
    Group,
    Measures,
    Values,
    Changes,
    On,
    Ids,
    All,
    Ops,
    Atomic,
    IfVersion,
    Key,
    DryRun,
    Confirm,
}

use Argument::{
    All, Atomic, Changes, Confirm, Count, Cursor, DryRun, Group, Id, Ids, IfVersion, Key, Limit,
    Measures, On, Ops, Order, Select, Values, Where, Words,
};

pub(crate) const GENERIC: &[Generic] = &[
    Generic {
        name: "records_list",
        verb: "list",
        title: "List records",
        about: "Lists records by filter and order, a page at a time.",
        shape: Shape::Records,
        arguments: &[Where, Order, Select, Limit, Cursor, Count],
    },
    Generic {
        name: "records_get",
        verb: "read",
        title: "Get a record",
        about: "Reads the record with an id.",
        shape: Shape::Record,
        arguments: &[Id, Select],
    },
    Generic {
        name: "records_search",
        verb: "search",
        title: "Search records",
        about: "Finds records by words in their searched fields, best first.",
        shape: Shape::Records,
        arguments: &[Words, Where, Select, Limit, Cursor],
    },
    Generic {
        name: "records_count",
        verb: "count",
        title: "Count records",
        about: "Counts the records that match.",
        shape: Shape::Whole,
        arguments: &[Where],
    },
    Generic {
        name: "records_aggregate",
        verb: "aggregate",
        title: "Aggregate records",
        about: "Counts, sums and averages over groups of records.",
        shape: Shape::Groups,
        arguments: &[Where, Group, Measures, Order, Limit],
    },
    Generic {
        name: "records_create",
        verb: "create",
        title: "Create a record",
        about: "Creates a record.",
        shape: Shape::Record,
        arguments: &[Values, Key, DryRun],
    },
    Generic {
        name: "records_update",
        verb: "update",
        title: "Update a record",
        about: "Changes the named fields of a record; others stay.",
        shape: Shape::Record,
        arguments: &[Id, Changes, IfVersion, Key, DryRun],
    },
    Generic {
        name: "records_upsert",
        verb: "upsert",
        title: "Create or update a record",
        about: "Creates a record, or changes the one with the same unique fields.",
        shape: Shape::Record,
        arguments: &[Values, On, Key, DryRun],
    },
    Generic {
        name: "records_delete",
        verb: "delete",
        title: "Delete a record",
        about: "Deletes the record with an id.",
        shape: Shape::Record,
        arguments: &[Id, IfVersion, Key, DryRun],
    },
    Generic {
        name: "records_restore",
        verb: "restore",
        title: "Restore a record",
        about: "Brings a deleted record back.",
        shape: Shape::Record,
        arguments: &[Id, Key, DryRun],
    },
    Generic {
        name: "records_bulk",
        verb: "bulk",
        title: "Change many records",
        about: "Creates, updates, upserts and deletes records in one call, all or nothing unless said.",
        shape: Shape::Whole,
        arguments: &[Ops, Atomic, Confirm, Key, DryRun],
    },
    Generic {
        name: "records_update_many",
        verb: "bulk_update",
        title: "Update all that match",
        about: "Sets fields of every record that matches a filter.",
        shape: Shape::Changed,
        arguments: &[Where, Changes, All, Confirm, Key, DryRun],
    },
    Generic {
        name: "records_delete_many",
        verb: "bulk_delete",
        title: "Delete all that match",
        about: "Deletes every record that matches a filter, or those with the ids.",
        shape: Shape::Changed,
        arguments: &[Where, Ids, All, Confirm, Key, DryRun],
    },
];

pub(crate) const DESCRIBE: &str = "models_describe";

impl Generic {
    /// `None` where no model has the verb.
    pub(crate) fn tool(&self, choice: &Choice<'_>, limits: &Limits) -> Option<Tool> {
        let nodes = choice.models_with(self.verb);
        let first = nodes.first()?;
        let names: Vec<_> = nodes.iter().map(|node| node.name.family()).collect();
        let mut properties = JsonObject::new();
        properties.insert("model".to_owned(), json!({"enum": names}));
        let mut required = vec!["model"];
        for argument in self.arguments {
            let (name, schema) = argument.shown(limits);
            properties.insert(name.to_owned(), schema);
            if argument.is_required() {
                required.push(name);
            }
        }
        let input = json!({
            "type": "object", "properties": properties, "required": required, "additionalProperties": false,
        });
        let tool = Tool::new(self.name, self.about, rmcp::model::object(input))
            .with_title(self.title)
            .with_raw_output_schema(
                rmcp::model::object(self.shape.schema(&json!({"type": "object"}))).into(),
            )
            .with_annotations(annotations(self.title, first.hints));
        Some(tool)
    }

    pub(crate) fn takes_confirm(&self) -> bool {
        self.arguments.contains(&Confirm)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        let limits = Limits::default();
        let own = self
            .arguments
            .iter()
            .map(move |argument| argument.shown(&limits).0);
        std::iter::once("model").chain(own)
    }
}

impl Argument {
    fn is_required(self) -> bool {
        matches!(self, Id | Words | Values | Changes | Ops)
    }

    #[expect(clippy::too_many_lines, reason = "a table, from top to bottom")]
    fn shown(self, limits: &Limits) -> (&'static str, Value) {
        let texts = |about: &str| json!({"type": "array", "items": {"type": "string"}, "description": about});
        let object = |about: &str| json!({"type": "object", "description": about});
        match self {
            Id => ("id", json!({"type": "string"})),
            Where => (
                "where",
                object("Such as {\"rating\": {\"gte\": 8}, \"or\": [{…}]}."),
            ),
            Order => ("order", texts("Such as `released.desc`.")),
            Select => ("select", texts("Fields; refs as `director(name)`.")),
            Limit => (
                "limit",
                json!({"type": "integer", "minimum": 0, "maximum": limits.rows, "default": DEFAULT_LIMIT}),
            ),
            Cursor => (
                "cursor",
                json!({"type": "string", "description": "`next_cursor` of the page before."}),
            ),
            Count => (
                "count",
                json!({"type": "boolean", "description": "Also tell how many match in all."}),
            ),
            Words => ("q", json!({"type": "string", "description": "Words."})),
            Group => ("group", texts("Fields.")),
            Measures => (
                "measures",
                json!({
                    "type": "object", "additionalProperties": {"type": "string"},
                    "description": "Such as {\"n\": \"count\", \"mean\": \"avg(gross)\"}.",
                }),
            ),
            Values => ("values", object("Fields and their values.")),
            Changes => ("values", object("The fields to change.")),
            On => (
                "on",
                texts("The unique fields to find it by; not needed where there is one set."),
            ),
            Ids => ("ids", texts("")),
            All => (
                "all",
                json!({"type": "boolean", "description": "Every record is meant."}),
            ),
            Ops => (
                "ops",
                json!({
                    "type": "array", "items": {"type": "object"},
                    "description": "{\"op\": \"create\" | \"upsert\", \"values\"}, {\"op\": \"update\", \"id\", \"values\"}, {\"op\": \"delete\", \"id\"}.",
                }),
            ),
            Atomic => ("atomic", json!({"type": "boolean", "default": true})),
            IfVersion => (
                "if_version",
                json!({"type": "integer", "description": "Refuse where `_version` is another."}),
            ),
            Key => (
                "idempotency_key",
                json!({"type": "string", "description": "The same key does it once."}),
            ),
            DryRun => (
                "dry_run",
                json!({"type": "boolean", "description": "Only show what would come of it."}),
            ),
            Confirm => (
                "confirm",
                json!({"type": "integer", "description": "How many records may change, as the call without it says."}),
            ),
        }
    }
}

/// Records of a page where nobody says how many.
pub(crate) const DEFAULT_LIMIT: u64 = 20;

pub(crate) fn describe_tool(choice: &Choice<'_>) -> Tool {
    let names: Vec<_> = choice
        .catalogue
        .models
        .iter()
        .map(|model| model.name.as_str())
        .collect();
    let input = json!({
        "type": "object", "properties": {"model": {"enum": names}}, "additionalProperties": false,
    });
    let model = json!({
        "type": "object",
        "properties": {
            "name": {"type": "string"}, "about": {"type": "string"}, "may": {"type": "array", "items": {"type": "string"}},
            "fields": {"type": "array", "items": {"type": "object"}},
            "unique": {"type": "array", "items": {"type": "array", "items": {"type": "string"}}},
        },
        "required": ["name", "may"],
    });
    let output = json!({
        "type": "object", "properties": {"models": {"type": "array", "items": model}}, "required": ["models"],
    });
    let title = "Describe models";
    let about = "Names the models and what you may do with them; with `model`, its fields too.";
    let hints = Hints {
        read_only: true,
        idempotent: true,
        ..Hints::default()
    };
    Tool::new(DESCRIBE, about, rmcp::model::object(input))
        .with_title(title)
        .with_raw_output_schema(rmcp::model::object(output).into())
        .with_annotations(annotations(title, hints))
}

/// All of them are said: a client takes what is not said for the worst. The records are the project's own, so the
/// world is closed.
pub(crate) fn annotations(title: &str, hints: Hints) -> ToolAnnotations {
    ToolAnnotations::with_title(title)
        .read_only(hints.read_only)
        .destructive(hints.destructive && !hints.read_only)
        .idempotent(hints.idempotent)
        .open_world(hints.outside)
}
