//! Operations as SQLite's statements: what its ALTER TABLE cannot do is a new table that takes the rows over.

use std::fmt::Write as _;

use super::convert::present;
use super::ops::Op;
use super::postgres::{filled, restored, unlike};
use super::schema::{Column, PARKED, Table, quote};
use crate::Engine;

pub(super) fn create_table(table: &Table) -> String {
    create(&table.name, &table.columns, None)
}

/// Parked columns of `keep` are taken over by [`expand`], when the statement runs.
fn create(name: &str, columns: &[Column], keep: Option<&str>) -> String {
    let mut sql = format!("CREATE TABLE {} (", quote(name));
    for column in columns {
        let _ = write!(sql, "\n  {},", definition(column));
    }
    sql.pop();
    if let Some(table) = keep {
        let _ = write!(sql, "{}", marker(table, DEFINITIONS));
    }
    sql.push_str("\n);\n");
    sql
}

fn definition(column: &Column) -> String {
    let mut sql = format!("{} {}", quote(&column.name), column.sql);
    if column.primary {
        sql.push_str(" PRIMARY KEY");
    }
    if column.required {
        sql.push_str(" NOT NULL");
    }
    if let Some(check) = &column.check {
        let _ = write!(sql, " CHECK ({check})");
    }
    if let Some(refers) = &column.refers {
        let _ = write!(
            sql,
            " REFERENCES {}(\"id\") ON DELETE {}",
            quote(&refers.table),
            refers.on_delete
        );
    }
    sql
}

pub(super) fn rename_table(from: &str, to: &str) -> String {
    format!("ALTER TABLE {} RENAME TO {};\n", quote(from), quote(to))
}

/// Takes a table away from under its name, without its refs: they would hold rows of other tables.
pub(super) fn park_table(table: &Table, as_name: &str) -> String {
    let mut sql: String = table
        .extras
        .values()
        .map(|extra| format!("{};\n", extra.drop))
        .collect::<Vec<_>>()
        .concat();
    let bare: Vec<_> = table.columns.iter().map(bare).collect();
    sql.push_str(&create(as_name, &bare, Some(&table.name)));
    sql.push_str(&take_over(&table.name, as_name, &columns_of(table), true));
    let _ = writeln!(sql, "DROP TABLE {};", quote(&table.name));
    sql
}

pub(super) fn unpark_table(table: &Table, as_name: &str) -> String {
    let mut sql = create(&table.name, &table.columns, Some(as_name));
    sql.push_str(&take_over(as_name, &table.name, &columns_of(table), true));
    let _ = writeln!(sql, "DROP TABLE {};", quote(as_name));
    sql.push_str(&indexes_and_extras(table));
    sql
}

pub(super) fn indexes_and_extras(table: &Table) -> String {
    let indexes = table.indexes.values().map(|index| &index.create);
    let extras = table.extras.values().map(|extra| &extra.create);
    indexes
        .chain(extras)
        .map(|create| format!("{};\n", create.trim_end_matches(';')))
        .collect::<Vec<_>>()
        .concat()
}

/// All operations on a table at once; `after` has the indexes that the table is to have then.
pub(super) fn apply(before: &Table, after: &Table, ops: &[Op]) -> String {
    if let Some(sql) = in_place(&before.name, ops) {
        let drop = before
            .indexes
            .iter()
            .filter(|(name, index)| after.indexes.get(*name) != Some(index));
        let make = after
            .indexes
            .iter()
            .filter(|(name, index)| before.indexes.get(*name) != Some(index));
        let dropped: String = drop
            .map(|(name, _)| format!("DROP INDEX IF EXISTS {};\n", quote(name)))
            .collect::<Vec<_>>()
            .concat();
        let created: String = make
            .map(|(_, index)| format!("{};\n", index.create))
            .collect::<Vec<_>>()
            .concat();
        let mut extras = (String::new(), String::new());
        if before.extras != after.extras {
            extras.0 = before
                .extras
                .values()
                .map(|extra| format!("{};\n", extra.drop))
                .collect::<Vec<_>>()
                .concat();
            extras.1 = after
                .extras
                .values()
                .map(|extra| format!("{};\n", extra.create))
                .collect::<Vec<_>>()
                .concat();
        }
        return format!("{}{dropped}{sql}{created}{}", extras.0, extras.1);
    }
    let name = format!("gantry_new_{}", before.name);
    let columns = after_ops(before, ops);
    let definitions: Vec<_> = columns.iter().map(|(column, _)| column.clone()).collect();
    let mut sql: String = before
        .extras
        .values()
        .map(|extra| format!("{};\n", extra.drop))
        .collect::<Vec<_>>()
        .concat();
    sql.push_str(&create(&name, &definitions, Some(&before.name)));
    sql.push_str(&take_over(&before.name, &name, &columns, true));
    let _ = writeln!(sql, "DROP TABLE {};", quote(&before.name));
    sql.push_str(&rename_table(&name, &before.name));
    sql.push_str(&indexes_and_extras(after));
    sql
}

/// Where ALTER TABLE can do it all: no rows are copied.
fn in_place(table: &str, ops: &[Op]) -> Option<String> {
    let table = quote(table);
    let mut sql = String::new();
    for op in ops {
        let _ = match op {
            Op::Add(column) if !column.required => writeln!(
                sql,
                "ALTER TABLE {table} ADD COLUMN {};",
                definition(column)
            )
            .and_then(|()| match &column.default {
                Some(value) => {
                    writeln!(sql, "UPDATE {table} SET {} = {value};", quote(&column.name))
                }
                None => Ok(()),
            }),
            Op::Rename { from, to } => {
                let (old, new) = (quote(&from.name), quote(&to.name));
                writeln!(sql, "ALTER TABLE {table} RENAME COLUMN {old} TO {new};")
            }
            _ => return None,
        };
    }
    Some(sql)
}

/// The columns in the end, each with the expression that fills it from the old table.
fn after_ops(before: &Table, ops: &[Op]) -> Vec<(Column, String)> {
    let mut columns = columns_of(before);
    for op in ops {
        match op {
            Op::Rename { from, to } => {
                if let Some((column, _)) = find(&mut columns, &from.name) {
                    *column = to.clone();
                }
            }
            Op::Add(column) => {
                let value = column.default.clone().unwrap_or_else(|| "NULL".to_owned());
                columns.push((column.clone(), value));
            }
            Op::Park { column, parked } => set_aside(&mut columns, column, parked),
            Op::Unpark { parked, column } => {
                columns.push((column.clone(), present_or_null(column, &quote(parked))));
            }
            Op::Replace { from, to, parked } => {
                let old = value_of(&mut columns, &from.name);
                set_aside(&mut columns, from, parked);
                let value = filled(Engine::Sqlite, from, to, &old);
                columns.push((to.clone(), value.unwrap_or_else(|| "NULL".to_owned())));
            }
            Op::Restore {
                from,
                to,
                parked,
                aside,
            } => {
                let new = value_of(&mut columns, &from.name);
                set_aside(&mut columns, from, aside);
                let old = quote(parked);
                let unlike = unlike(Engine::Sqlite, from, to, &old, &new);
                let value = restored(Engine::Sqlite, from, to, &old, &new);
                let value = format!("CASE WHEN {unlike} THEN {value} ELSE {old} END");
                columns.push((to.clone(), present_or_null(to, &value)));
            }
            Op::Constrain { from, to } => {
                if let Some((column, value)) = find(&mut columns, &from.name) {
                    *column = to.clone();
                    if let Some(default) = to
                        .default
                        .as_ref()
                        .filter(|_| to.required && !from.required)
                    {
                        *value = format!("COALESCE({value}, {default})");
                    }
                }
            }
        }
    }
    columns
}

fn columns_of(table: &Table) -> Vec<(Column, String)> {
    let columns = table.columns.iter();
    columns
        .map(|column| (column.clone(), quote(&column.name)))
        .collect()
}

fn find<'a>(columns: &'a mut [(Column, String)], name: &str) -> Option<&'a mut (Column, String)> {
    columns.iter_mut().find(|(column, _)| column.name == name)
}

fn value_of(columns: &mut [(Column, String)], name: &str) -> String {
    find(columns, name).map_or_else(|| "NULL".to_owned(), |(_, value)| value.clone())
}

fn set_aside(columns: &mut [(Column, String)], column: &Column, parked: &str) {
    if let Some((found, _)) = find(columns, &column.name) {
        *found = Column {
            name: parked.to_owned(),
            ..bare(column)
        };
    }
}

/// The column free of conditions.
fn bare(column: &Column) -> Column {
    Column {
        name: column.name.clone(),
        key: column.key.clone(),
        sql: column.sql.clone(),
        ..Column::default()
    }
}

/// A ref whose target is gone since it was parked points nowhere.
fn present_or_null(column: &Column, value: &str) -> String {
    present(column, value).unwrap_or_else(|| value.to_owned())
}

fn take_over(from: &str, to: &str, columns: &[(Column, String)], keep: bool) -> String {
    let names: Vec<_> = columns
        .iter()
        .map(|(column, _)| quote(&column.name))
        .collect();
    let values: Vec<_> = columns.iter().map(|(_, value)| value.clone()).collect();
    let more = if keep {
        marker(from, NAMES)
    } else {
        String::new()
    };
    format!(
        "INSERT INTO {} ({}{more})\n  SELECT {}{more} FROM {};\n",
        quote(to),
        names.join(", "),
        values.join(", "),
        quote(from)
    )
}

const DEFINITIONS: &str = "parked columns of ";
const NAMES: &str = "names of the parked columns of ";

fn marker(table: &str, what: &str) -> String {
    format!(" /* {what}{} */", quote(table))
}

/// The script with markers replaced by the table's parked columns as they are now, but for those it uses itself:
/// which there are depends on what was undone and purged since the script was written.
pub(super) fn expand(sql: &str, table: &str, parked: &[(String, String)]) -> String {
    let mut definitions = String::new();
    let mut names = String::new();
    for (name, kind) in parked.iter().filter(|(name, _)| name.starts_with(PARKED)) {
        if !sql.contains(&quote(name)) {
            let _ = write!(definitions, ",\n  {} {kind}", quote(name));
            let _ = write!(names, ", {}", quote(name));
        }
    }
    sql.replace(&marker(table, DEFINITIONS), &definitions)
        .replace(&marker(table, NAMES), &names)
}

/// Whose parked columns a script takes over.
pub(super) fn tables_in(sql: &str) -> Vec<String> {
    let start = format!("/* {DEFINITIONS}\"");
    let parts = sql.split(start.as_str()).skip(1);
    parts
        .filter_map(|part| part.split_once("\" */"))
        .map(|(table, _)| table.to_owned())
        .collect()
}
