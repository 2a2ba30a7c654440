//! groups/*.yaml

use crate::shape::{Shape, Table, key, required};

pub(crate) const TOOLS: &[&str] = &["auto", "typed", "generic"];

pub(crate) static GROUP: Table = Table {
    hint: "",
    keys: &[
        required(
            "group",
            Shape::Text,
            "The group's name in lower case, as in /mcp/<group>.",
        ),
        key(
            "about",
            Shape::Text,
            "What it is for, for people and for agents.",
        ),
        key(
            "tools",
            Shape::Word(TOOLS),
            "How agents get its nodes: typed, a tool for each; generic, a few for all models; auto, the few, and a tool for each node of models that ask for it. auto unless said.",
        ),
        required(
            "nodes",
            Shape::List(&Shape::Text),
            "The nodes it offers: Film.list, Film.* for all of a model, changes.",
        ),
    ],
};
