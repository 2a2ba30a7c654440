//! The keys of every kind of project file.

use crate::shape::{Key, Shape, Table, key, required};

pub(crate) const TYPES: &[&str] = &[
    "text", "int", "float", "decimal", "bool", "uuid", "date", "time", "timestamp", "json", "bytes", "enum", "vector",
];
pub(crate) const ACTIONS: &[&str] = &["read", "create", "update", "delete"];
pub(crate) const METRICS: &[&str] = &["cosine", "l2", "inner"];
pub(crate) const ON_DELETE: &[&str] = &["restrict", "cascade", "set_null"];

pub(crate) static MODEL: Table = Table {
    hint: "",
    keys: &[
        required("model", Shape::Text, "The model's name in PascalCase: FilmRole has table and path film_role."),
        key("about", Shape::Text, "What a record of it is, for people and for agents."),
        key("was", Shape::Text, "The model's earlier name, so that a migration renames the table instead of dropping it."),
        required("fields", Shape::Names(&Shape::Map(&FIELD)), "The fields by name, in lower case with underscores."),
        key("unique", Shape::List(&Shape::List(&Shape::Text)), "Sets of fields that are unique together: [[title, released]]."),
        key("indexes", Shape::List(&Shape::List(&Shape::Text)), "Indexes over several fields: [[genre, released]]."),
        key("options", Shape::Map(&OPTIONS), "Switches of the whole model."),
        key("access", Shape::List(&Shape::Map(&ACCESS)), "Who may do what. Without it only the role admin may."),
    ],
};

static FIELD: Table = Table {
    hint: "it as { type: text } or { ref: Person }",
    keys: FIELD_KEYS,
};

const FIELD_KEYS: &[Key] = &[
    key("type", Shape::Word(TYPES), "What its values are."),
    key("ref", Shape::Text, "The model that it points to, instead of a type."),
    key("about", Shape::Text, "What it means, its unit."),
    key("required", Shape::Bool, "Refuses null, nothing else."),
    key("unique", Shape::Bool, "No two records have the same value."),
    key("index", Shape::Bool, "Makes filters and orders by it fast."),
    key("search", Shape::Bool, "For text: found by the model's search."),
    key("array", Shape::Bool, "A list of the type."),
    key("collate", Shape::Word(&["nocase"]), "For text: the case of letters does not count."),
    key("default", Shape::Any, "The value where a new record names none."),
    key("min", Shape::Scalar, "The least value; for text its least length in characters, for bytes in bytes, for lists in items."),
    key("max", Shape::Scalar, "The greatest value, or the greatest length as with min."),
    key("values", Shape::List(&Shape::Text), "For enum: the values it may have."),
    key("precision", Shape::Count(1, 1_000), "For decimal: digits in all."),
    key("scale", Shape::Count(0, 1_000), "For decimal: digits after the point. Kept as given where absent."),
    key("dim", Shape::Count(1, 16_000), "For vector: how many numbers."),
    key("metric", Shape::Word(METRICS), "For vector: what nearness is; cosine unless said."),
    key("on_delete", Shape::Word(ON_DELETE), "For ref: what happens when the target is deleted; restrict unless said."),
    key("was", Shape::Text, "The field's earlier name, so that a migration renames the column."),
];

static OPTIONS: Table = Table {
    hint: "",
    keys: &[
        key("soft_delete", Shape::Bool, "Deleted records are kept, hidden, and can be restored."),
        key("tenant", Shape::Bool, "Each record belongs to its writer's tenant, and only that tenant sees it."),
        key("cache", Shape::Duration, "How old a cached read may be."),
        key("graph", Shape::Bool, "Records are projected into the knowledge graph."),
        key("require_if_match", Shape::Bool, "A change must name the version that it changes."),
    ],
};

static ACCESS: Table = Table {
    hint: "rules as { role: editor, can: [read, update] }",
    keys: &[
        required("role", Shape::Text, "Who: a role, or anyone for everybody, with a key or without."),
        required("can", Shape::List(&Shape::Word(ACTIONS)), "What they may do."),
        key("where", Shape::Any, "Which records, as a filter in JSON form; $caller.id and $caller.tenant stand for the caller's. All unless said."),
        key("fields", Shape::List(&Shape::Text), "Which fields they may read or write. All unless said."),
    ],
};

pub(crate) static PROJECT: Table = Table {
    hint: "",
    keys: &[
        key("name", Shape::Text, "The project's name; its folder's unless said."),
        key("database", Shape::Map(&DATABASE), "Where records live; .gantry/data.db in the project unless said."),
        key("listen", Shape::Text, "Where REST is served; 127.0.0.1:8000 unless said."),
        key("ops_listen", Shape::Text, "Where health and metrics are served; 127.0.0.1:9100 unless said."),
        key("limits", Shape::Map(&LIMITS), "How large requests and answers may be."),
    ],
};

static DATABASE: Table = Table {
    hint: "it as { url: \"postgres://…\" }",
    keys: &[
        key("url", Shape::Text, "sqlite:<path> or postgres://user@host/database."),
        key("url_file", Shape::Text, "A file that holds the url, so that its password stands in no project file."),
        key("pool", Shape::Count(1, 1_000), "Connections; sized from the server unless said."),
        key("statement_timeout", Shape::Duration, "How long a statement may run; 30s unless said."),
        key("lock_timeout", Shape::Duration, "How long a statement waits for a lock; 5s unless said."),
    ],
};

static LIMITS: Table = Table {
    hint: "",
    keys: &[
        key("body_bytes", Shape::Size, "The largest body of a request; 8MiB unless said."),
        key("page", Shape::Count(1, 100_000), "Records of a list where no limit is named; 50 unless said."),
        key("page_max", Shape::Count(1, 100_000), "The greatest limit; 1000 unless said."),
        key("offset_max", Shape::Count(0, 10_000_000), "The greatest offset; 10000 unless said."),
        key("bulk", Shape::Count(1, 1_000_000), "Operations of one bulk call or transaction; 10000 unless said."),
        key("depth", Shape::Count(1, 120), "How deep JSON in a body may nest; 64 unless said."),
        key("filter_terms", Shape::Count(1, 10_000), "Tests and list items of one filter; 200 unless said."),
        key("deadline", Shape::Duration, "How long a call may take; 30s unless said."),
    ],
};

pub(crate) static WORKFLOW: Table = Table {
    hint: "",
    keys: &[
        required("workflow", Shape::Text, "The workflow's name in lower case; it is called as workflow.<name>."),
        key("about", Shape::Text, "What it does, for people and for agents."),
        key("inputs", Shape::Names(&Shape::Any), "Its arguments: film: { type: uuid }."),
        required("steps", Shape::List(&Shape::Any), "Calls of nodes, in order: { id, node, with, if, retry }."),
        key("outputs", Shape::Any, "What it answers, made of the steps' answers."),
        key("triggers", Shape::List(&Shape::Any), "What starts it: { cron: \"0 3 * * *\", tz: Europe/Berlin }."),
        key("run_as", Shape::Text, "The role it runs as; whoever started it unless said."),
        key("concurrency", Shape::Any, "How many runs at a time: { key, limit }."),
    ],
};

pub(crate) static GROUP: Table = Table {
    hint: "",
    keys: &[
        required("group", Shape::Text, "The group's name, as in /mcp/<group>."),
        key("about", Shape::Text, "What it is for."),
        required("nodes", Shape::List(&Shape::Text), "The nodes it offers: Film.list, or Film.* for all of a model."),
    ],
};

pub(crate) static SEED: Table = Table {
    hint: "",
    keys: &[
        required("seed", Shape::Text, "The seed's name. Records get their ids from it, so that loading again finds them."),
        key("about", Shape::Text, "Where the data come from."),
        required("file", Shape::Text, "The data beside this file: .csv with a header, or .jsonl with an object a line."),
        required("model", Shape::Text, "The model whose records the rows become."),
        key("after", Shape::List(&Shape::Text), "Seeds that are loaded before."),
        key("key", Shape::List(&Shape::Text), "Columns that name a row, for its id; its line number unless said."),
        required("fields", Shape::Names(&Shape::Map(&SEED_FIELD)), "Where each field's value comes from."),
        key("ignore", Shape::List(&Shape::Text), "Columns that are left out. Every other one must stand in fields."),
    ],
};

static SEED_FIELD: Table = Table {
    hint: "it as { from: Column }",
    keys: &[
        key("from", Shape::Text, "The column."),
        key("value", Shape::Any, "The same value for every record, instead of a column."),
        key("parse", Shape::Either(&Shape::Text, &Shape::List(&Shape::Text)), "How dates and times are written, as strptime has it: \"%b %d %Y\". Of several, the first that fits."),
        key("null_if", Shape::List(&Shape::Text), "Texts that mean null: [\"\", \"n/a\"]."),
        key("lookup", Shape::Text, "For a ref: the target's unique field that holds the column's value, as in Person.name."),
        key("create", Shape::Bool, "With lookup: make the target where there is none."),
    ],
};
