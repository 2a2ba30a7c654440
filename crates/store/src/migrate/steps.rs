//! Changes as steps that a person reads: a summary, SQL forth and back, and what to count before.

use super::diff::{Alteration, Change, ColumnChange};
use super::ops::{self, Op};
use super::probes::{Effect, Probe, column_probes, unique_probes};
use super::schema::{Index, Table, parked, quote};
use super::{postgres, sqlite};
use crate::Engine;

#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) table: String,
    pub(super) summary: String,
    pub(super) up: String,
    pub(super) down: String,
    pub(super) probes: Vec<Probe>,
    /// Runs by itself after the transaction, and may be run again.
    pub(super) concurrent: bool,
}

/// `renames` maps the tables' new names to those they have now, for probes.
pub(super) fn drafts(engine: Engine, migration: u64, changes: &[Change]) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let mut refs = Vec::new();
    let mut gone = Vec::new();
    let mut renamed: Vec<(&str, &str)> = Vec::new();
    for change in changes {
        match change {
            Change::RenameTable { from, to } => {
                drafts.push(rename_table(engine, from, to));
                renamed.push((to, &from.name));
            }
            Change::CreateTable(table) => {
                drafts.push(create_table(engine, migration, table));
                if engine == Engine::Postgres && table.columns.iter().any(|c| c.refers.is_some()) {
                    refs.push(Draft {
                        down: postgres::drop_refs(table),
                        ..draft(
                            &table.name,
                            format!("refs of {}", table.name),
                            postgres::add_refs(table),
                        )
                    });
                }
            }
            Change::Alter(alteration) => {
                let now = renamed.iter().find(|(to, _)| *to == alteration.to.name);
                let now = now.map_or(alteration.to.name.as_str(), |(_, from)| *from);
                let mut altered = alter(engine, migration, alteration, now);
                let probes = altered.iter_mut().flat_map(|draft| &mut draft.probes);
                for text in probes
                    .flat_map(|probe| std::iter::once(&mut probe.count).chain(&mut probe.examples))
                {
                    *text = as_of_now(text, changes);
                }
                drafts.extend(altered);
            }
            Change::ParkTable(table) => gone.push(table),
        }
    }
    drafts.extend(park_tables(engine, migration, &gone));
    // Refs of new tables need all new tables, and the indexes outside the transaction come last.
    let at = drafts
        .iter()
        .position(|draft| draft.concurrent)
        .unwrap_or(drafts.len());
    drafts.splice(at..at, refs);
    drafts.sort_by_key(|draft| draft.concurrent);
    drafts
}

/// A probe runs before anything is done: targets go by their old names, new ones have no rows yet.
fn as_of_now(probe: &str, changes: &[Change]) -> String {
    let target = |name: &str| format!("SELECT id FROM {}", quote(name));
    changes
        .iter()
        .fold(probe.to_owned(), |text, change| match change {
            Change::RenameTable { from, to } => text.replace(&target(to), &target(&from.name)),
            Change::CreateTable(table) => text.replace(
                &target(&table.name),
                "SELECT CAST(NULL AS uuid) WHERE 1 = 0",
            ),
            _ => text,
        })
}

fn draft(table: &str, summary: String, up: String) -> Draft {
    Draft {
        table: table.to_owned(),
        summary,
        up,
        down: String::new(),
        probes: Vec::new(),
        concurrent: false,
    }
}

fn create_table(engine: Engine, migration: u64, table: &Table) -> Draft {
    let aside = parked(migration, &format!("undone_{}", table.name));
    let (mut up, down) = match engine {
        Engine::Postgres => (
            postgres::create_table(table),
            postgres::park_table(table, migration, &aside),
        ),
        Engine::Sqlite => (
            sqlite::create_table(table),
            sqlite::park_table(table, &aside),
        ),
    };
    up.push_str(&sqlite::indexes_and_extras(table));
    let summary = format!("create table {}", table.name);
    Draft {
        down,
        ..draft(&table.name, summary, up)
    }
}

/// Refs go first, so that undoing brings them back last, when every table is there again.
fn park_tables(engine: Engine, migration: u64, tables: &[&Table]) -> Vec<Draft> {
    let forget = |table: &&Table| -> String {
        let columns = table.columns.iter();
        columns
            .map(|column| postgres::forget_missing(&table.name, column))
            .collect()
    };
    let forget: String = tables.iter().map(forget).collect();
    let mut drafts: Vec<_> = tables
        .iter()
        .map(|table| park_table(engine, migration, table))
        .collect();
    if forget.is_empty() {
        return drafts;
    }
    match engine {
        Engine::Postgres => {
            let drop: String = tables
                .iter()
                .map(|table| postgres::drop_refs(table))
                .collect();
            let add: String = tables
                .iter()
                .map(|table| postgres::add_refs(table))
                .collect();
            let names: Vec<_> = tables.iter().map(|table| table.name.as_str()).collect();
            let refs = Draft {
                down: forget + &add,
                ..draft(names[0], format!("drop refs of {}", names.join(", ")), drop)
            };
            drafts.insert(0, refs);
        }
        Engine::Sqlite => {
            if let Some(first) = drafts.first_mut() {
                first.down.push_str(&forget);
            }
        }
    }
    drafts
}

fn park_table(engine: Engine, migration: u64, table: &Table) -> Draft {
    let name = parked(migration, &table.name);
    let (up, down) = match engine {
        Engine::Postgres => (
            postgres::park_table(table, migration, &name),
            postgres::unpark_table(table, migration, &name),
        ),
        Engine::Sqlite => (
            sqlite::park_table(table, &name),
            sqlite::unpark_table(table, &name),
        ),
    };
    let probes = vec![Probe {
        count: format!("SELECT count(*) FROM {}", quote(&table.name)),
        effect: Effect::Loses(format!("rows of {}", table.name)),
        examples: None,
    }];
    let summary = format!("drop table {}", table.name);
    Draft {
        down,
        probes,
        ..draft(&table.name, summary, up)
    }
}

fn rename_table(engine: Engine, from: &Table, to: &str) -> Draft {
    let now = from.name.as_str();
    let new = Table {
        name: to.to_owned(),
        ..from.clone()
    };
    let (up, down) = match engine {
        Engine::Postgres => (
            postgres::rename_table(from, to),
            postgres::rename_table(&new, now),
        ),
        Engine::Sqlite => (sqlite::rename_table(now, to), sqlite::rename_table(to, now)),
    };
    Draft {
        down,
        ..draft(to, format!("rename table {now} to {to}"), up)
    }
}

#[expect(
    clippy::too_many_lines,
    reason = "one change of a table, told from first to last step"
)]
fn alter(engine: Engine, migration: u64, alteration: &Alteration, now: &str) -> Vec<Draft> {
    let table = &alteration.to.name;
    let ops: Vec<(Op, Op)> = alteration
        .columns
        .iter()
        .map(|change| ops::of(change, migration, &alteration.to))
        .collect();
    let probes = |change: &ColumnChange| column_probes(engine, alteration, now, change);
    let unique = unique_probes(alteration, now);
    match engine {
        Engine::Postgres => {
            let mut drafts = vec![objects(alteration, true)];
            drafts.extend(
                alteration
                    .columns
                    .iter()
                    .zip(&ops)
                    .map(|(change, (forth, back))| Draft {
                        down: undo_column(alteration, back),
                        probes: probes(change),
                        ..draft(
                            table,
                            format!("{table}: {}", forth.summary()),
                            postgres::apply(table, forth),
                        )
                    }),
            );
            drafts.push(objects(alteration, false));
            drafts.extend(
                alteration
                    .create_indexes
                    .iter()
                    .map(|(name, index)| concurrent_index(table, name, index, &unique)),
            );
            drafts.retain(|draft| !draft.up.is_empty());
            drafts
        }
        Engine::Sqlite => {
            let forth: Vec<_> = ops.iter().map(|(forth, _)| forth.clone()).collect();
            let back: Vec<_> = ops.iter().rev().map(|(_, back)| back.clone()).collect();
            let mut all: Vec<_> = alteration.columns.iter().flat_map(probes).collect();
            all.extend(unique.into_iter().map(|(_, probe)| probe));
            let mut said: Vec<_> = forth.iter().map(Op::summary).collect();
            let added = |list: &std::collections::BTreeMap<String, Index>, verb: &str| {
                list.keys()
                    .map(|name| format!("{verb} index {name}"))
                    .collect::<Vec<_>>()
            };
            if said.is_empty() {
                said.extend(added(&alteration.drop_indexes, "drop"));
                said.extend(added(&alteration.create_indexes, "add"));
            }
            if said.is_empty() {
                said.push("search".to_owned());
            }
            vec![Draft {
                down: sqlite::apply(&alteration.to, &alteration.from, &back),
                probes: all,
                ..draft(
                    table,
                    format!("{table}: {}", said.join(", ")),
                    sqlite::apply(&alteration.from, &alteration.to, &forth),
                )
            }]
        }
    }
}

/// A column that undoing replaces takes its indexes away with it.
fn undo_column(alteration: &Alteration, back: &Op) -> String {
    let sql = postgres::apply(&alteration.to.name, back);
    let Op::Replace { from, .. } = back else {
        return sql;
    };
    let kept = alteration.to.indexes.iter().filter(|(name, index)| {
        index.uses(&from.name) && !alteration.create_indexes.contains_key(*name)
    });
    let kept: Vec<_> = kept.collect();
    let drop: String = kept
        .iter()
        .map(|(name, _)| format!("DROP INDEX IF EXISTS {};\n", quote(name)))
        .collect::<Vec<_>>()
        .concat();
    let make: String = kept
        .iter()
        .map(|(_, index)| format!("{};\n", index.create))
        .collect::<Vec<_>>()
        .concat();
    drop + &sql + &make
}

/// Indexes and extras that go before the columns change, or extras that come after. What undoes it stands on the
/// other side, since scripts are undone backwards.
fn objects(alteration: &Alteration, before: bool) -> Draft {
    let table = &alteration.to.name;
    let drop = |names: &mut dyn Iterator<Item = &String>| -> String {
        names
            .map(|name| format!("DROP INDEX IF EXISTS {};\n", quote(name)))
            .collect::<Vec<_>>()
            .concat()
    };
    let script = |lines: &mut dyn Iterator<Item = &String>| -> String {
        lines
            .map(|line| format!("{};\n", line.trim_end_matches(';')))
            .collect::<Vec<_>>()
            .concat()
    };
    let (summary, up, down) = if before {
        let up = script(&mut alteration.drop_extras.values().map(|extra| &extra.drop))
            + &drop(&mut alteration.drop_indexes.keys());
        let down = script(&mut alteration.drop_indexes.values().map(|index| &index.create))
            + &script(&mut alteration.drop_extras.values().map(|extra| &extra.create));
        let names: Vec<_> = alteration.drop_indexes.keys().map(String::as_str).collect();
        (format!("drop index {}", names.join(", ")), up, down)
    } else {
        let up = script(&mut alteration.create_extras.values().map(|extra| &extra.create));
        let down = script(&mut alteration.create_extras.values().map(|extra| &extra.drop));
        ("search".to_owned(), up, down)
    };
    Draft {
        down,
        ..draft(table, format!("{table}: {summary}"), up)
    }
}

fn concurrent_index(table: &str, name: &str, index: &Index, probes: &[(String, Probe)]) -> Draft {
    let create = concurrently(index);
    Draft {
        down: format!("DROP INDEX IF EXISTS {};\n", quote(name)),
        probes: probes
            .iter()
            .filter(|(of, _)| of == name)
            .map(|(_, probe)| probe.clone())
            .collect(),
        concurrent: true,
        ..draft(
            table,
            format!("{table}: add index {name}"),
            format!("{create};\n"),
        )
    }
}

pub(super) fn concurrently(index: &Index) -> String {
    index
        .create
        .trim_end_matches(';')
        .replacen("INDEX ", "INDEX CONCURRENTLY ", 1)
}

/// Columns go by the names that they have now.
pub(super) fn old_name<'a>(alteration: &'a Alteration, name: &'a str) -> &'a str {
    let renames = alteration.columns.iter().find_map(|change| match change {
        ColumnChange::Rename { from, to } if to == name => Some(from.as_str()),
        _ => None,
    });
    renames.unwrap_or(name)
}
