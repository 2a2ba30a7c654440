//! What is there in a database, as text that can be compared with what a migration left.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::live::Live;
use super::schema::{Member, PARKED, Schema, text_literal, write_list, write_member, write_text};
use crate::{Engine, Error};

/// By table, then by `column rating`, `index film_title_idx`, …: how it is defined.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found(pub BTreeMap<String, BTreeMap<String, String>>);

pub(super) async fn inspect(live: &mut Live) -> Result<Found, Error> {
    look(live, "").await
}

/// The same of a few tables.
pub(super) async fn some(live: &mut Live, tables: &BTreeSet<String>) -> Result<Found, Error> {
    let column = match live.engine() {
        Engine::Postgres => "c.relname",
        Engine::Sqlite => "tbl_name",
    };
    let names: Vec<_> = tables.iter().map(|name| text_literal(name)).collect();
    look(live, &format!("AND {column} IN ({})", names.join(", "))).await
}

/// The names of all tables, ours and others.
pub(super) async fn names(live: &mut Live) -> Result<BTreeSet<String>, Error> {
    let sql = match live.engine() {
        Engine::Postgres => {
            "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')"
        }
        Engine::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table'",
    };
    let rows = live.rows(sql, &[]).await?;
    Ok(rows.into_iter().flatten().flatten().collect())
}

/// `only` is a condition more, of which tables.
async fn look(live: &mut Live, only: &str) -> Result<Found, Error> {
    match live.engine() {
        Engine::Postgres => postgres(live, only).await,
        Engine::Sqlite => sqlite(live, only).await,
    }
}

/// The parked columns of each table with their types.
pub(super) async fn parked_columns(
    live: &mut Live,
) -> Result<BTreeMap<String, Vec<(String, String)>>, Error> {
    let found = inspect(live).await?;
    let columns = found.0.into_iter().map(|(table, objects)| {
        let parked = objects.into_iter().filter_map(|(object, definition)| {
            let name = object.strip_prefix("column ")?;
            name.starts_with(PARKED)
                .then(|| (name.to_owned(), definition))
        });
        (table, parked.collect())
    });
    Ok(columns.collect())
}

/// NOT IN is hashed, whatever the planner believes of catalogs that were just filled.
fn definitions(only: &str) -> String {
    format!(
        "
SELECT c.relname, 'column ' || a.attname,
       format_type(a.atttypid, a.atttypmod)
       || CASE WHEN a.attcollation <> t.typcollation THEN ' collate ' || l.collname ELSE '' END
       || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
       || COALESCE(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_collation l ON l.oid = a.attcollation
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped {only}
UNION ALL
SELECT c.relname, 'constraint ' || n.conname, pg_get_constraintdef(n.oid)
FROM pg_constraint n JOIN pg_class c ON c.oid = n.conrelid
WHERE c.relnamespace = current_schema()::regnamespace AND n.contype IN ('c', 'f', 'p', 'u', 'x') {only}
UNION ALL
SELECT c.relname, 'index ' || i.relname,
       pg_get_indexdef(x.indexrelid) || CASE WHEN x.indisvalid THEN '' ELSE ' INVALID' END
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
WHERE c.relnamespace = current_schema()::regnamespace
  AND x.indexrelid NOT IN (SELECT n.conindid FROM pg_constraint n WHERE n.contype IN ('p', 'u', 'x')) {only}
UNION ALL
SELECT c.relname, 'trigger ' || g.tgname, pg_get_triggerdef(g.oid)
FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
WHERE c.relnamespace = current_schema()::regnamespace AND NOT g.tgisinternal {only}"
    )
}

async fn postgres(live: &mut Live, only: &str) -> Result<Found, Error> {
    let mut found = Found::default();
    for row in live.rows(&definitions(only), &[]).await? {
        if let [Some(table), Some(object), Some(definition)] = &row[..] {
            found.put(table, object.clone(), definition.clone());
        }
    }
    Ok(found)
}

async fn sqlite(live: &mut Live, only: &str) -> Result<Found, Error> {
    let mut found = Found::default();
    let sql =
        format!("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL {only}");
    for row in live.rows(&sql, &[]).await? {
        let [Some(kind), Some(name), Some(table), Some(sql)] = &row[..] else {
            continue;
        };
        if kind == "table" {
            found.0.entry(table.clone()).or_default();
            for (column, definition) in columns(sql) {
                found.put(table, format!("column {column}"), definition);
            }
        } else {
            found.put(table, format!("{kind} {name}"), normal(sql));
        }
    }
    Ok(found)
}

/// The columns of a CREATE TABLE statement with what is said of them.
fn columns(sql: &str) -> Vec<(String, String)> {
    let body = sql.split_once('(').map_or("", |(_, rest)| rest);
    let body = body.rsplit_once(')').map_or(body, |(body, _)| body);
    let mut parts = vec![String::new()];
    let (mut depth, mut quoted) = (0_usize, None);
    for letter in body.chars() {
        match (quoted, letter) {
            (Some(mark), _) if mark == letter => quoted = None,
            (None, '"' | '\'') => quoted = Some(letter),
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.saturating_sub(1),
            (None, ',') if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(letter);
        }
    }
    let named = parts.iter().map(|part| part.trim()).map(|part| {
        let (name, rest) = match part.strip_prefix('"') {
            Some(part) => part.split_once('"').unwrap_or((part, "")),
            None => part.split_once(char::is_whitespace).unwrap_or((part, "")),
        };
        (name.to_owned(), normal(rest))
    });
    named.filter(|(name, _)| !name.is_empty()).collect()
}

fn normal(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What is not parked.
fn ours(objects: &BTreeMap<String, String>) -> impl Iterator<Item = (&String, &String)> {
    objects.iter().filter(|(object, _)| {
        let name = object.split_once(' ').map(|(_, name)| name);
        !name.is_some_and(|name| name.starts_with(PARKED))
    })
}

impl Found {
    fn put(&mut self, table: &str, object: String, definition: String) {
        self.0
            .entry(table.to_owned())
            .or_default()
            .insert(object, definition);
    }

    /// Nothing but the schema's tables, without what is parked.
    #[must_use]
    pub fn of(&self, schema: &Schema) -> Self {
        let ours = self.tables_of(schema).map(|(table, objects)| {
            let objects = ours(objects);
            let objects = objects.map(|(object, definition)| (object.clone(), definition.clone()));
            (table.clone(), objects.collect())
        });
        Self(ours.collect())
    }

    fn tables_of(
        &self,
        schema: &Schema,
    ) -> impl Iterator<Item = (&String, &BTreeMap<String, String>)> {
        let all = self.0.iter();
        all.filter(|(table, _)| schema.tables.contains_key(*table))
    }

    /// The same as [`Found::of`], as JSON.
    pub(super) fn write_json(&self, schema: &Schema, out: &mut Vec<u8>) {
        write_list(
            out,
            *b"{}",
            self.tables_of(schema),
            |(table, objects), out| {
                write_text(out, table);
                out.push(b':');
                write_list(out, *b"{}", ours(objects), |(object, definition), out| {
                    write_member(out, "", object, &Member::Text(definition));
                });
            },
        );
    }

    /// How this differs from what a migration left. Missing and unfinished indexes are no difference while
    /// `indexing`: they are made next.
    pub fn drift(&self, left: &Self, indexing: bool) -> Vec<String> {
        let mut drift = Vec::new();
        for (table, objects) in &left.0 {
            let Some(now) = self.0.get(table) else {
                drift.push(format!("table {table} is missing"));
                continue;
            };
            for (object, definition) in objects {
                match now.get(object) {
                    Some(found) if found == definition => {}
                    _ if indexing && object.starts_with("index ") => {}
                    None => drift.push(format!("{table}: {object} is missing")),
                    Some(found) if *found == format!("{definition} INVALID") => {
                        drift.push(format!("{table}: {object} is invalid"));
                    }
                    Some(found) => drift.push(format!(
                        "{table}: {object} is `{found}`, was made as `{definition}`"
                    )),
                }
            }
            let extra = now.keys().filter(|object| !objects.contains_key(*object));
            let extra = extra.filter(|object| !(indexing && object.starts_with("index ")));
            drift
                .extend(extra.map(|object| format!("{table}: {object} is not of Gantry's making")));
        }
        drift
    }

    pub(super) fn from_json(json: &Json) -> Self {
        let tables = json
            .as_object()
            .into_iter()
            .flatten()
            .map(|(table, objects)| {
                let objects = objects.as_object().into_iter().flatten();
                let objects = objects.map(|(object, text)| {
                    (object.clone(), text.as_str().unwrap_or_default().to_owned())
                });
                (table.clone(), objects.collect())
            });
        Self(tables.collect())
    }
}
