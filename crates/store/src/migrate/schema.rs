//! What tables there should be, as a value: made from models, kept in the history, compared.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

/// The tables of all models on one engine.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Schema {
    pub tables: BTreeMap<String, Table>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    pub name: String,
    /// The table's earlier name.
    pub was: Option<String>,
    pub columns: Vec<Column>,
    pub indexes: BTreeMap<String, Index>,
    /// Scripts to run after the table is made or changed, by name: what a text search needs, for instance.
    pub extras: BTreeMap<String, Extra>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Column {
    pub name: String,
    pub was: Option<String>,
    /// What values there are, as the model says it: `int`, `decimal(10,2)`, `[text]`.
    pub key: String,
    pub array: bool,
    /// The column's type in SQL, collation included.
    pub sql: String,
    /// A condition that each value satisfies, in SQL.
    pub check: Option<String>,
    pub required: bool,
    /// The key of the table.
    pub primary: bool,
    pub refers: Option<Reference>,
    /// An enum's.
    pub values: Vec<String>,
    /// What existing rows get, in SQL. No part of the schema: a new default changes nothing that is there.
    pub default: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    pub table: String,
    /// `RESTRICT`, `CASCADE`, `SET NULL`
    pub on_delete: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// The statement that makes it, `CREATE INDEX …`.
    pub create: String,
    pub unique: bool,
    /// What must differ between rows where it is unique: expressions in SQL, and which rows it looks at.
    pub keys: Vec<String>,
    pub only: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extra {
    pub create: String,
    pub drop: String,
}

pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(super) fn text_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// What parked data is called; PostgreSQL cuts names at 63 bytes, so a long one ends in a mark of the whole.
pub(super) fn parked(migration: u64, name: &str) -> String {
    let whole = format!("{PARKED}{migration}_{name}");
    if whole.len() <= 63 {
        return whole;
    }
    let mark = super::history::hex(&Sha256::digest(whole.as_bytes())[..4]);
    let cut = whole.floor_char_boundary(54);
    format!("{}_{mark}", &whole[..cut])
}

/// Columns and tables of this prefix hold what a migration took away, until [`super::purge`].
pub(super) const PARKED: &str = "gantry_parked_";

impl Schema {
    /// A mark of the tables' shape, the same in every process that loads the same models.
    pub fn version(&self) -> String {
        let mut json = Vec::new();
        self.write_json(&mut json);
        super::history::hex(&Sha256::digest(json)[..8])
    }

    /// The tables of these names.
    pub(super) fn only(&self, names: &std::collections::BTreeSet<String>) -> Self {
        let tables = self.tables.iter().filter(|(name, _)| names.contains(*name));
        Self {
            tables: tables
                .map(|(name, table)| (name.clone(), table.clone()))
                .collect(),
        }
    }

    /// As a snapshot has it: without what is only said for the next change.
    pub(super) fn settled(mut self) -> Self {
        for table in self.tables.values_mut() {
            table.was = None;
            for column in &mut table.columns {
                column.was = None;
                column.default = None;
            }
        }
        self
    }

    pub(super) fn write_json(&self, out: &mut Vec<u8>) {
        write_list(out, *b"[]", self.tables.values(), Table::write_json);
    }

    /// `None` where it was not written by [`Schema::write_json`].
    pub fn from_json(json: &Json) -> Option<Self> {
        let tables = json.as_array()?.iter().map(Table::from_json);
        let tables = tables.collect::<Option<Vec<_>>>()?;
        let named = tables.into_iter().map(|table| (table.name.clone(), table));
        Some(Self {
            tables: named.collect(),
        })
    }
}

impl Index {
    pub(super) fn uses(&self, column: &str) -> bool {
        let name = quote(column);
        let mut parts = self.keys.iter().chain(&self.only);
        parts.any(|part| part.contains(&name))
    }
}

impl Table {
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    fn write_json(&self, out: &mut Vec<u8>) {
        write_member(out, "{", "table", &Member::Text(&self.name));
        out.extend_from_slice(b",\"columns\":");
        write_list(out, *b"[]", &self.columns, Column::write_json);
        out.extend_from_slice(b",\"indexes\":");
        write_list(out, *b"[]", &self.indexes, |(name, index), out| {
            write_member(out, "{", "name", &Member::Text(name));
            write_member(out, ",", "create", &Member::Text(&index.create));
            write_member(out, ",", "unique", &Member::Yes(index.unique));
            write_member(out, ",", "keys", &Member::Texts(&index.keys));
            write_member(out, ",", "only", &Member::Maybe(index.only.as_ref()));
            out.push(b'}');
        });
        out.extend_from_slice(b",\"extras\":");
        write_list(out, *b"[]", &self.extras, |(name, extra), out| {
            write_member(out, "{", "name", &Member::Text(name));
            write_member(out, ",", "create", &Member::Text(&extra.create));
            write_member(out, ",", "drop", &Member::Text(&extra.drop));
            out.push(b'}');
        });
        out.push(b'}');
    }

    fn from_json(json: &Json) -> Option<Self> {
        let list = |key: &str| json[key].as_array();
        let columns = list("columns")?.iter().map(Column::from_json);
        let indexes = list("indexes")?.iter().map(|index| {
            let parsed = Index {
                create: string(&index["create"])?,
                unique: index["unique"].as_bool()?,
                keys: strings(&index["keys"])?,
                only: string(&index["only"]),
            };
            Some((string(&index["name"])?, parsed))
        });
        let extras = list("extras")?.iter().map(|extra| {
            let parsed = Extra {
                create: string(&extra["create"])?,
                drop: string(&extra["drop"])?,
            };
            Some((string(&extra["name"])?, parsed))
        });
        Some(Self {
            name: string(&json["table"])?,
            was: None,
            columns: columns.collect::<Option<_>>()?,
            indexes: indexes.collect::<Option<_>>()?,
            extras: extras.collect::<Option<_>>()?,
        })
    }
}

impl Column {
    /// The type without its bounds: `decimal` of `decimal(10,2)`.
    pub(super) fn type_name(&self) -> &str {
        self.key.split('(').next().unwrap_or(&self.key)
    }

    /// Digits in all and after the point, of a decimal that has bounds.
    pub(super) fn precision(&self) -> Option<(u32, u32)> {
        let bounds = self.key.strip_prefix("decimal(")?.strip_suffix(')')?;
        let (precision, scale) = bounds.split_once(',')?;
        Some((precision.parse().ok()?, scale.parse().ok()?))
    }

    /// Whether the table need not change for it.
    pub(super) fn same_as(&self, other: &Self) -> bool {
        let bare = |column: &Self| Self {
            was: None,
            default: None,
            values: Vec::new(),
            ..column.clone()
        };
        bare(self) == bare(other)
    }

    fn write_json(&self, out: &mut Vec<u8>) {
        write_member(out, "{", "name", &Member::Text(&self.name));
        write_member(out, ",", "key", &Member::Text(&self.key));
        write_member(out, ",", "array", &Member::Yes(self.array));
        write_member(out, ",", "sql", &Member::Text(&self.sql));
        write_member(out, ",", "check", &Member::Maybe(self.check.as_ref()));
        write_member(out, ",", "required", &Member::Yes(self.required));
        write_member(out, ",", "primary", &Member::Yes(self.primary));
        match &self.refers {
            None => write_member(out, ",", "refers", &Member::Maybe(None)),
            Some(refers) => {
                write_member(out, ",\"refers\":{", "table", &Member::Text(&refers.table));
                write_member(out, ",", "on_delete", &Member::Text(&refers.on_delete));
                out.push(b'}');
            }
        }
        write_member(out, ",", "values", &Member::Texts(&self.values));
        out.push(b'}');
    }

    fn from_json(json: &Json) -> Option<Self> {
        let refers = &json["refers"];
        let refers = (!refers.is_null()).then(|| {
            Some(Reference {
                table: string(&refers["table"])?,
                on_delete: string(&refers["on_delete"])?,
            })
        });
        Some(Self {
            name: string(&json["name"])?,
            was: None,
            key: string(&json["key"])?,
            array: json["array"].as_bool()?,
            sql: string(&json["sql"])?,
            check: string(&json["check"]),
            required: json["required"].as_bool()?,
            primary: json["primary"].as_bool()?,
            refers: match refers {
                Some(refers) => Some(refers?),
                None => None,
            },
            values: strings(&json["values"])?,
            default: None,
        })
    }
}

/// Text at once: a tree of a thousand tables costs many times as much.
pub(super) fn write_list<T>(
    out: &mut Vec<u8>,
    brackets: [u8; 2],
    items: impl IntoIterator<Item = T>,
    write: impl Fn(T, &mut Vec<u8>),
) {
    out.push(brackets[0]);
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(brackets[1]);
}

/// What a member's value may be.
pub(super) enum Member<'a> {
    Text(&'a str),
    Maybe(Option<&'a String>),
    Yes(bool),
    Texts(&'a [String]),
}

/// `before` is what stands before the name.
pub(super) fn write_member(out: &mut Vec<u8>, before: &str, name: &str, value: &Member<'_>) {
    out.extend_from_slice(before.as_bytes());
    write_text(out, name);
    out.push(b':');
    match value {
        Member::Text(text) => write_text(out, text),
        Member::Maybe(Some(text)) => write_text(out, text),
        Member::Maybe(None) => out.extend_from_slice(b"null"),
        Member::Yes(yes) => out.extend_from_slice(if *yes { b"true" } else { b"false" }),
        Member::Texts(texts) => {
            write_list(out, *b"[]", *texts, |text, out| write_text(out, text));
        }
    }
}

pub(super) fn write_text(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a Vec takes every byte");
}

fn string(json: &Json) -> Option<String> {
    json.as_str().map(str::to_owned)
}

fn strings(json: &Json) -> Option<Vec<String>> {
    json.as_array()?.iter().map(string).collect()
}
