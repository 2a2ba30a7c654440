//! data/*.seed.yaml

use crate::shape::{Shape, Table, key, required};

pub(crate) static SEED: Table = Table {
    hint: "",
    keys: &[
        required(
            "seed",
            Shape::Text,
            "The seed's name. Records get their ids from it, so that loading again finds them.",
        ),
        key("about", Shape::Text, "Where the data come from."),
        required(
            "file",
            Shape::Text,
            "The data beside this file: .csv with a header, or .jsonl with an object a line.",
        ),
        required(
            "model",
            Shape::Text,
            "The model whose records the rows become.",
        ),
        key(
            "after",
            Shape::List(&Shape::Text),
            "Seeds that are loaded before.",
        ),
        key(
            "key",
            Shape::List(&Shape::Text),
            "Columns that name a row, for its id; its line number unless said.",
        ),
        required(
            "fields",
            Shape::Names(&Shape::Map(&SEED_FIELD)),
            "Where each field's value comes from.",
        ),
        key(
            "ignore",
            Shape::List(&Shape::Text),
            "Columns that are left out. Every other one must stand in fields.",
        ),
    ],
};

static SEED_FIELD: Table = Table {
    hint: "it as { from: Column }",
    keys: &[
        key("from", Shape::Text, "The column."),
        key(
            "value",
            Shape::Any,
            "The same value for every record, instead of a column.",
        ),
        key(
            "parse",
            Shape::Either(&Shape::Text, &Shape::List(&Shape::Text)),
            "How dates and times are written, as strptime has it: \"%b %d %Y\". Of several, the first that fits.",
        ),
        key(
            "null_if",
            Shape::List(&Shape::Text),
            "Texts that mean null: [\"\", \"n/a\"].",
        ),
        key(
            "lookup",
            Shape::Text,
            "For a ref: the target's unique field that holds the column's value, as in Person.name.",
        ),
        key(
            "create",
            Shape::Bool,
            "With lookup: make the target where there is none.",
        ),
    ],
};
