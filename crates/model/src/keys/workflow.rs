//! workflows/*.yaml

use crate::shape::{Shape, Table, key, required};

pub(crate) static WORKFLOW: Table = Table {
    hint: "",
    keys: &[
        required(
            "workflow",
            Shape::Text,
            "The workflow's name in lower case; it is called as workflow.<name>.",
        ),
        key(
            "about",
            Shape::Text,
            "What it does, for people and for agents.",
        ),
        key(
            "inputs",
            Shape::Names(&Shape::Any),
            "Its arguments: film: { type: uuid }.",
        ),
        required(
            "steps",
            Shape::List(&Shape::Any),
            "Calls of nodes, in order: { id, node, with, if, retry }.",
        ),
        key(
            "outputs",
            Shape::Any,
            "What it answers, made of the steps' answers.",
        ),
        key(
            "triggers",
            Shape::List(&Shape::Any),
            "What starts it: { cron: \"0 3 * * *\", tz: Europe/Berlin }.",
        ),
        key(
            "run_as",
            Shape::Text,
            "The role it runs as; whoever started it unless said.",
        ),
        key(
            "concurrency",
            Shape::Any,
            "How many runs at a time: { key, limit }.",
        ),
    ],
};
