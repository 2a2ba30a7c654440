//! models/*.yaml

use crate::shape::{Key, Shape, Table, key, required};

const TYPES: &[&str] = &[
    "text",
    "int",
    "float",
    "decimal",
    "bool",
    "uuid",
    "date",
    "time",
    "timestamp",
    "json",
    "bytes",
    "enum",
    "vector",
];
const ACTIONS: &[&str] = &["read", "create", "update", "delete"];
const METRICS: &[&str] = &["cosine", "l2", "inner"];
pub(crate) const ON_DELETE: &[&str] = &["restrict", "cascade", "set_null"];

pub(crate) static MODEL: Table = Table {
    hint: "",
    keys: &[
        required(
            "model",
            Shape::Text,
            "The model's name in PascalCase: FilmRole has table and path film_role.",
        ),
        key(
            "about",
            Shape::Text,
            "What a record of it is, for people and for agents.",
        ),
        key(
            "was",
            Shape::Text,
            "The model's earlier name, so that a migration renames the table instead of dropping it.",
        ),
        required(
            "fields",
            Shape::Names(&Shape::Map(&FIELD)),
            "The fields by name, in lower case with underscores.",
        ),
        key(
            "unique",
            Shape::List(&Shape::List(&Shape::Text)),
            "Sets of fields that are unique together: [[title, released]].",
        ),
        key(
            "indexes",
            Shape::List(&Shape::List(&Shape::Text)),
            "Indexes over several fields: [[genre, released]].",
        ),
        key(
            "options",
            Shape::Map(&OPTIONS),
            "Switches of the whole model.",
        ),
        key(
            "access",
            Shape::List(&Shape::Map(&ACCESS)),
            "Who may do what. Without it only the role admin may.",
        ),
    ],
};

/// An input of a workflow: what a field may say, without what only a table has.
pub(super) static INPUT: Table = Table {
    hint: "it as { type: text } or { ref: Person }",
    keys: INPUT_KEYS,
};

const INPUT_KEYS: &[Key] = &[
    key("type", Shape::Word(TYPES), "What its values are."),
    key(
        "ref",
        Shape::Text,
        "The model whose record's id it is, instead of a type.",
    ),
    key("about", Shape::Text, "What it means, its unit."),
    key("required", Shape::Bool, "Must be given, and is not null."),
    key("array", Shape::Bool, "A list of the type."),
    key(
        "default",
        Shape::Any,
        "The value where none is given; null unless said.",
    ),
    key("min", Shape::Scalar, "The least value, or length."),
    key("max", Shape::Scalar, "The greatest value, or length."),
    key(
        "values",
        Shape::List(&Shape::Text),
        "For enum: the values it may have.",
    ),
    key(
        "precision",
        Shape::Count(1, 1_000),
        "For decimal: digits in all.",
    ),
    key(
        "scale",
        Shape::Count(0, 1_000),
        "For decimal: digits after the point.",
    ),
    key(
        "dim",
        Shape::Count(1, 16_000),
        "For vector: how many numbers.",
    ),
    key(
        "metric",
        Shape::Word(METRICS),
        "For vector: how distance is measured.",
    ),
];

static FIELD: Table = Table {
    hint: "it as { type: text } or { ref: Person }",
    keys: FIELD_KEYS,
};

const FIELD_KEYS: &[Key] = &[
    key("type", Shape::Word(TYPES), "What its values are."),
    key(
        "ref",
        Shape::Text,
        "The model that it points to, instead of a type.",
    ),
    key("about", Shape::Text, "What it means, its unit."),
    key("required", Shape::Bool, "Refuses null, nothing else."),
    key("unique", Shape::Bool, "No two records have the same value."),
    key("index", Shape::Bool, "Makes filters and orders by it fast."),
    key(
        "search",
        Shape::Bool,
        "For text: found by the model's search.",
    ),
    key("array", Shape::Bool, "A list of the type."),
    key(
        "collate",
        Shape::Word(&["nocase"]),
        "For text: the case of letters does not count.",
    ),
    key(
        "default",
        Shape::Any,
        "The value where a new record names none.",
    ),
    key(
        "min",
        Shape::Scalar,
        "The least value; for text its least length in characters, for bytes in bytes, for lists in items.",
    ),
    key(
        "max",
        Shape::Scalar,
        "The greatest value, or the greatest length as with min.",
    ),
    key(
        "values",
        Shape::List(&Shape::Text),
        "For enum: the values it may have.",
    ),
    key(
        "precision",
        Shape::Count(1, 1_000),
        "For decimal: digits in all.",
    ),
    key(
        "scale",
        Shape::Count(0, 1_000),
        "For decimal: digits after the point. Kept as given where absent.",
    ),
    key(
        "dim",
        Shape::Count(1, 16_000),
        "For vector: how many numbers.",
    ),
    key(
        "metric",
        Shape::Word(METRICS),
        "For vector: what nearness is; cosine unless said.",
    ),
    key(
        "on_delete",
        Shape::Word(ON_DELETE),
        "For ref: what happens when the target is deleted; restrict unless said.",
    ),
    key(
        "was",
        Shape::Text,
        "The field's earlier name, so that a migration renames the column.",
    ),
];

static OPTIONS: Table = Table {
    hint: "",
    keys: &[
        key(
            "soft_delete",
            Shape::Bool,
            "Deleted records are kept, hidden, and can be restored.",
        ),
        key(
            "tenant",
            Shape::Bool,
            "Each record belongs to its writer's tenant, and only that tenant sees it.",
        ),
        key("cache", Shape::Duration, "How old a cached read may be."),
        key(
            "graph",
            Shape::Bool,
            "Records are projected into the knowledge graph.",
        ),
        key(
            "require_if_match",
            Shape::Bool,
            "A change must name the version that it changes.",
        ),
        key(
            "tools",
            Shape::Bool,
            "Agents get a tool for each of its nodes, while those are not too many.",
        ),
    ],
};

static ACCESS: Table = Table {
    hint: "rules as { role: editor, can: [read, update] }",
    keys: &[
        required(
            "role",
            Shape::Text,
            "Who: a role, or anyone for everybody, with a key or without.",
        ),
        required(
            "can",
            Shape::List(&Shape::Word(ACTIONS)),
            "What they may do.",
        ),
        key(
            "where",
            Shape::Any,
            "Which records, as a filter in JSON form; $caller.id and $caller.tenant stand for the caller's. All unless said.",
        ),
        key(
            "fields",
            Shape::List(&Shape::Text),
            "Which fields they may read or write. All unless said.",
        ),
    ],
};
