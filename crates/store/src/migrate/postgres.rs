//! Operations as PostgreSQL's statements.

use std::fmt::Write as _;

use super::convert::convert;
use super::ops::Op;
use super::schema::{Column, Table, parked, quote};
use crate::{Engine, layout};

/// Without refs: those are added once every table is there.
pub(super) fn create_table(table: &Table) -> String {
    let mut sql = format!("CREATE TABLE {} (", quote(&table.name));
    for column in &table.columns {
        let _ = write!(sql, "\n  {} {}", quote(&column.name), column.sql);
        if column.required {
            sql.push_str(" NOT NULL");
        }
        if column.primary {
            let name = constraint(&table.name, "", Constraint::Primary);
            let _ = write!(sql, " CONSTRAINT {name} PRIMARY KEY");
        }
        if let Some(check) = &column.check {
            let name = constraint(&table.name, &column.name, Constraint::Check);
            let _ = write!(sql, " CONSTRAINT {name} CHECK ({check})");
        }
        sql.push(',');
    }
    sql.pop();
    sql.push_str("\n);\n");
    sql
}

/// The refs of a table that was made just now.
pub(super) fn add_refs(table: &Table) -> String {
    let columns = table.columns.iter();
    let refs: Vec<_> = columns
        .filter_map(|column| added_ref(&table.name, column))
        .collect();
    if refs.is_empty() {
        return String::new();
    }
    // One statement: the server looks at the whole table anew after each.
    format!("ALTER TABLE {} {};\n", quote(&table.name), refs.join(", "))
}

pub(super) fn drop_refs(table: &Table) -> String {
    let refs = table
        .columns
        .iter()
        .filter(|column| column.refers.is_some());
    refs.map(|column| drop_constraint(&table.name, column, Constraint::Ref))
        .collect()
}

/// Takes a table away from under its name, indexes included, since names of indexes are the schema's.
pub(super) fn park_table(table: &Table, migration: u64, as_name: &str) -> String {
    let mut sql = String::new();
    for extra in table.extras.values() {
        let _ = writeln!(sql, "{};", extra.drop);
    }
    for index in table.indexes.keys() {
        let _ = writeln!(sql, "DROP INDEX IF EXISTS {};", quote(index));
    }
    let key = constraint(&table.name, "", Constraint::Primary);
    let aside = quote(&parked(migration, &format!("{as_name}_key")));
    let name = quote(&table.name);
    let _ = writeln!(
        sql,
        "ALTER TABLE {name} RENAME CONSTRAINT {key} TO {aside};"
    );
    let _ = writeln!(sql, "ALTER TABLE {name} RENAME TO {};", quote(as_name));
    sql
}

/// The inverse of [`park_table`] and [`drop_refs`].
pub(super) fn unpark_table(table: &Table, migration: u64, as_name: &str) -> String {
    let key = constraint(&table.name, "", Constraint::Primary);
    let aside = quote(&parked(migration, &format!("{as_name}_key")));
    let name = quote(&table.name);
    let mut sql = format!("ALTER TABLE {} RENAME TO {name};\n", quote(as_name));
    let _ = writeln!(
        sql,
        "ALTER TABLE {name} RENAME CONSTRAINT {aside} TO {key};"
    );
    for index in table.indexes.values() {
        let _ = writeln!(sql, "{};", index.create);
    }
    for extra in table.extras.values() {
        let _ = writeln!(sql, "{};", extra.create);
    }
    sql
}

pub(super) fn rename_table(from: &Table, to: &str) -> String {
    let (old, new) = (quote(&from.name), quote(to));
    let mut sql = format!("ALTER TABLE {old} RENAME TO {new};\n");
    let mut rename = |column: &str, kind| {
        let (old, new) = (
            constraint(&from.name, column, kind),
            constraint(to, column, kind),
        );
        let _ = writeln!(
            sql,
            "ALTER TABLE {} RENAME CONSTRAINT {old} TO {new};",
            quote(to)
        );
    };
    rename("", Constraint::Primary);
    for column in &from.columns {
        for kind in constraints_of(column) {
            rename(&column.name, kind);
        }
    }
    sql
}

#[expect(clippy::too_many_lines, reason = "one table: each operation as SQL")]
pub(super) fn apply(table: &str, op: &Op) -> String {
    let name = quote(table);
    let mut sql = String::new();
    match op {
        Op::Rename { from, to } => {
            let (old, new) = (quote(&from.name), quote(&to.name));
            let _ = writeln!(sql, "ALTER TABLE {name} RENAME COLUMN {old} TO {new};");
            for kind in constraints_of(from) {
                let (old, new) = (
                    constraint(table, &from.name, kind),
                    constraint(table, &to.name, kind),
                );
                let _ = writeln!(sql, "ALTER TABLE {name} RENAME CONSTRAINT {old} TO {new};");
            }
        }
        Op::Add(column) => {
            add(&mut sql, table, column);
            fill(&mut sql, table, column, column.default.as_deref(), "");
            constrain(&mut sql, table, column);
        }
        Op::Park { column, parked } => park(&mut sql, table, column, parked),
        Op::Unpark { parked, column } => {
            let (old, new) = (quote(parked), quote(&column.name));
            let _ = writeln!(sql, "ALTER TABLE {name} RENAME COLUMN {old} TO {new};");
            sql.push_str(&forget_missing(table, column));
            constrain(&mut sql, table, column);
        }
        Op::Replace { from, to, parked } => {
            park(&mut sql, table, from, parked);
            add(&mut sql, table, to);
            let value = filled(Engine::Postgres, from, to, &quote(parked));
            fill(&mut sql, table, to, value.as_deref(), "");
            constrain(&mut sql, table, to);
        }
        Op::Restore {
            from,
            to,
            parked,
            aside,
        } => {
            park(&mut sql, table, from, aside);
            let (old, new) = (quote(parked), quote(&to.name));
            let _ = writeln!(sql, "ALTER TABLE {name} RENAME COLUMN {old} TO {new};");
            let value = restored(Engine::Postgres, from, to, &new, &quote(aside));
            let unlike = unlike(Engine::Postgres, from, to, &new, &quote(aside));
            fill(
                &mut sql,
                table,
                to,
                Some(&value),
                &format!(" WHERE {unlike}"),
            );
            sql.push_str(&forget_missing(table, to));
            constrain(&mut sql, table, to);
        }
        Op::Constrain { from, to } => {
            unconstrain(&mut sql, table, from);
            if from.sql != to.sql {
                let _ = writeln!(
                    sql,
                    "ALTER TABLE {name} ALTER COLUMN {} TYPE {};",
                    quote(&to.name),
                    to.sql
                );
            }
            if to.required && !from.required {
                let empty = format!(" WHERE {} IS NULL", quote(&to.name));
                fill(&mut sql, table, to, to.default.as_deref(), &empty);
            }
            constrain(&mut sql, table, to);
        }
    }
    sql
}

/// What `to` gets from `from`: converted where that goes, else the default.
pub(super) fn filled(engine: Engine, from: &Column, to: &Column, expr: &str) -> Option<String> {
    let converted = convert(engine, from, to, expr);
    match (converted, to.default.as_ref().filter(|_| to.required)) {
        (Some(converted), Some(default)) => Some(format!("COALESCE({converted}, {default})")),
        (converted, default) => converted.or_else(|| default.cloned()),
    }
}

/// Whether the newer column `new` says something else than what `old` was converted to.
pub(super) fn unlike(
    engine: Engine,
    newer: &Column,
    older: &Column,
    old: &str,
    new: &str,
) -> String {
    let was = filled(engine, older, newer, old).unwrap_or_else(|| "NULL".to_owned());
    match engine {
        Engine::Postgres => format!("{new} IS DISTINCT FROM {was}"),
        Engine::Sqlite => format!("{new} IS NOT {was}"),
    }
}

/// The older column's value where the newer one was changed.
pub(super) fn restored(
    engine: Engine,
    newer: &Column,
    older: &Column,
    old: &str,
    new: &str,
) -> String {
    match convert(engine, newer, older, new) {
        Some(back) => format!("CASE WHEN {new} IS NULL THEN NULL ELSE COALESCE({back}, {old}) END"),
        None => old.to_owned(),
    }
}

fn add(sql: &mut String, table: &str, column: &Column) {
    let _ = writeln!(
        sql,
        "ALTER TABLE {} ADD COLUMN {} {};",
        quote(table),
        quote(&column.name),
        column.sql
    );
}

fn fill(sql: &mut String, table: &str, column: &Column, value: Option<&str>, rows: &str) {
    if let Some(value) = value {
        let _ = writeln!(
            sql,
            "UPDATE {} SET {} = {value}{rows};",
            quote(table),
            quote(&column.name)
        );
    }
}

fn park(sql: &mut String, table: &str, column: &Column, parked: &str) {
    unconstrain(sql, table, column);
    let (name, old, new) = (quote(table), quote(&column.name), quote(parked));
    let _ = writeln!(sql, "ALTER TABLE {name} RENAME COLUMN {old} TO {new};");
}

/// A ref whose target is gone since it was parked points nowhere.
pub(super) fn forget_missing(table: &str, column: &Column) -> String {
    let Some(refers) = &column.refers else {
        return String::new();
    };
    let (name, target) = (quote(&column.name), quote(&refers.table));
    format!(
        "UPDATE {} SET {name} = NULL WHERE {name} NOT IN (SELECT id FROM {target});\n",
        quote(table)
    )
}

fn constrain(sql: &mut String, table: &str, column: &Column) {
    let (name, own) = (quote(table), quote(&column.name));
    if column.required {
        let _ = writeln!(sql, "ALTER TABLE {name} ALTER COLUMN {own} SET NOT NULL;");
    }
    if let Some(check) = &column.check {
        let constraint = constraint(table, &column.name, Constraint::Check);
        let _ = writeln!(
            sql,
            "ALTER TABLE {name} ADD CONSTRAINT {constraint} CHECK ({check});"
        );
    }
    sql.push_str(&add_ref(table, column));
}

fn unconstrain(sql: &mut String, table: &str, column: &Column) {
    if column.required {
        let (name, own) = (quote(table), quote(&column.name));
        let _ = writeln!(sql, "ALTER TABLE {name} ALTER COLUMN {own} DROP NOT NULL;");
    }
    for kind in constraints_of(column) {
        sql.push_str(&drop_constraint(table, column, kind));
    }
}

fn add_ref(table: &str, column: &Column) -> String {
    let added = added_ref(table, column);
    added.map_or_else(String::new, |added| {
        format!("ALTER TABLE {} {added};\n", quote(table))
    })
}

fn added_ref(table: &str, column: &Column) -> Option<String> {
    let refers = column.refers.as_ref()?;
    Some(format!(
        "ADD CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} (\"id\") ON DELETE {}",
        constraint(table, &column.name, Constraint::Ref),
        quote(&column.name),
        quote(&refers.table),
        refers.on_delete
    ))
}

fn drop_constraint(table: &str, column: &Column, kind: Constraint) -> String {
    let name = constraint(table, &column.name, kind);
    format!("ALTER TABLE {} DROP CONSTRAINT {name};\n", quote(table))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Constraint {
    Primary,
    Check,
    Ref,
}

fn constraints_of(column: &Column) -> impl Iterator<Item = Constraint> {
    let check = column.check.as_ref().map(|_| Constraint::Check);
    let refers = column.refers.as_ref().map(|_| Constraint::Ref);
    check.into_iter().chain(refers)
}

/// The name by which an error of the database tells the field.
fn constraint(table: &str, column: &str, kind: Constraint) -> String {
    let name = match kind {
        Constraint::Primary => format!("{table}_pkey"),
        Constraint::Check => layout::check_name(table, column),
        Constraint::Ref => layout::reference_name(table, column),
    };
    quote(&name)
}
