//! What must change between two schemas. Pure; renames only where `was:` declares them.

use std::collections::BTreeMap;

use super::schema::{Column, Extra, Index, Schema, Table};

#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a few dozen in all, made once")]
pub enum Change {
    /// The table as it is, which is called `to` from then on.
    RenameTable {
        from: Table,
        to: String,
    },
    CreateTable(Table),
    Alter(Alteration),
    /// The table goes, its rows stay parked.
    ParkTable(Table),
}

/// Changes of one table that stays.
#[derive(Debug, Clone, PartialEq)]
pub struct Alteration {
    /// As it is, under its new name.
    pub from: Table,
    pub to: Table,
    pub columns: Vec<ColumnChange>,
    pub drop_indexes: BTreeMap<String, Index>,
    pub create_indexes: BTreeMap<String, Index>,
    pub drop_extras: BTreeMap<String, Extra>,
    pub create_extras: BTreeMap<String, Extra>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ColumnChange {
    Rename {
        from: String,
        to: String,
    },
    Add(Column),
    /// Another type: the old column is parked, a new one takes the values that convert.
    Retype {
        from: Column,
        to: Column,
    },
    /// The same values under other conditions: null or not, a check, a collation, where a ref points.
    Constrain {
        from: Column,
        to: Column,
    },
    /// The column goes, its values stay parked.
    Park(Column),
}

/// In an order in which they can be done.
pub fn diff(from: &Schema, to: &Schema) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut from = from.clone();
    for table in to.tables.values() {
        if let Some(was) = &table.was
            && !from.tables.contains_key(&table.name)
            && !to.tables.contains_key(was)
            && from.tables.contains_key(was)
        {
            changes.push(Change::RenameTable {
                from: from.tables[was].clone(),
                to: table.name.clone(),
            });
            rename_table(&mut from, was, &table.name);
        }
    }
    for table in to.tables.values() {
        if !from.tables.contains_key(&table.name) {
            changes.push(Change::CreateTable(table.clone()));
        }
    }
    for table in to.tables.values() {
        if let Some(old) = from.tables.get(&table.name) {
            let alteration = alter(old, table);
            if !alteration.is_empty() {
                changes.push(Change::Alter(alteration));
            }
        }
    }
    let gone = from
        .tables
        .values()
        .filter(|table| !to.tables.contains_key(&table.name));
    changes.extend(gone.cloned().map(Change::ParkTable));
    changes
}

fn rename_table(schema: &mut Schema, from: &str, to: &str) {
    if let Some(mut table) = schema.tables.remove(from) {
        to.clone_into(&mut table.name);
        let (old, new) = (super::schema::quote(from), super::schema::quote(to));
        for index in table.indexes.values_mut() {
            index.create = index
                .create
                .replace(&format!("ON {old}"), &format!("ON {new}"));
        }
        schema.tables.insert(to.to_owned(), table);
    }
    let columns = schema
        .tables
        .values_mut()
        .flat_map(|table| &mut table.columns);
    for refers in columns.filter_map(|column| column.refers.as_mut()) {
        if refers.table == from {
            to.clone_into(&mut refers.table);
        }
    }
}

fn alter(from: &Table, to: &Table) -> Alteration {
    let mut columns = Vec::new();
    let mut from = from.clone();
    for column in &to.columns {
        if let Some(was) = &column.was
            && from.column(&column.name).is_none()
            && to.column(was).is_none()
            && let Some(old) = from.columns.iter_mut().find(|old| old.name == *was)
        {
            let check = rename_in_check(old.check.as_ref(), was, &column.name);
            old.name.clone_from(&column.name);
            old.check = check;
            columns.push(ColumnChange::Rename {
                from: was.clone(),
                to: column.name.clone(),
            });
        }
    }
    for column in &to.columns {
        match from.column(&column.name) {
            None => columns.push(ColumnChange::Add(column.clone())),
            Some(old) if old.same_as(column) => {}
            Some(old) => {
                let (from, to) = (old.clone(), column.clone());
                columns.push(if same_values(&from, &to) {
                    ColumnChange::Constrain { from, to }
                } else {
                    ColumnChange::Retype { from, to }
                });
            }
        }
    }
    let gone = from
        .columns
        .iter()
        .filter(|column| to.column(&column.name).is_none());
    columns.extend(gone.cloned().map(ColumnChange::Park));
    // An index stays with the column that is parked, so the new column needs its own.
    let stay = from.indexes.iter().filter(|(_, index)| {
        let touched = |change: &ColumnChange| match change {
            ColumnChange::Retype { to, .. } => index.uses(&to.name),
            _ => false,
        };
        !columns.iter().any(touched)
    });
    let stay = stay
        .map(|(name, index)| (name.clone(), index.clone()))
        .collect();
    Alteration {
        drop_indexes: missing(&from.indexes, &both(&stay, &to.indexes)),
        create_indexes: missing(&to.indexes, &stay),
        drop_extras: missing(&from.extras, &to.extras),
        create_extras: missing(&to.extras, &from.extras),
        from,
        to: to.clone(),
        columns,
    }
}

/// A rename carries the column's check along.
fn rename_in_check(check: Option<&String>, from: &str, to: &str) -> Option<String> {
    use super::schema::quote;
    check.map(|check| check.replace(&quote(from), &quote(to)))
}

/// Whether each value of one is a value of the other as it stands, so that nothing needs converting.
fn same_values(from: &Column, to: &Column) -> bool {
    let widened =
        |from: &Column, to: &Column| from.values.iter().all(|value| to.values.contains(value));
    if from.array != to.array {
        return false;
    }
    // Nulls that get a default are parked, so that undoing knows them.
    if to.required && !from.required && to.default.is_some() {
        return false;
    }
    match (from.type_name(), to.type_name()) {
        ("enum", "enum") => widened(from, to),
        ("enum", "text") => true,
        ("ref", "ref") => {
            let table = |column: &Column| column.refers.as_ref().map(|refers| refers.table.clone());
            table(from) == table(to)
        }
        _ => from.key == to.key,
    }
}

#[expect(clippy::similar_names, reason = "these and those are the two sides")]
fn both(
    these: &BTreeMap<String, Index>,
    those: &BTreeMap<String, Index>,
) -> BTreeMap<String, Index> {
    missing(these, &missing(these, those))
}

#[expect(clippy::similar_names, reason = "these and those are the two sides")]
fn missing<T: Clone + PartialEq>(
    these: &BTreeMap<String, T>,
    those: &BTreeMap<String, T>,
) -> BTreeMap<String, T> {
    let missing = these
        .iter()
        .filter(|(name, one)| those.get(*name) != Some(*one));
    missing
        .map(|(name, one)| (name.clone(), one.clone()))
        .collect()
}

impl Change {
    /// Whether a statement made for the schema before may fail, or read or write something else, after the change.
    pub(super) fn disturbs(&self) -> bool {
        match self {
            Self::CreateTable(_) => false,
            Self::RenameTable { .. } | Self::ParkTable(_) => true,
            Self::Alter(alteration) => {
                let dropped = alteration.drop_indexes.values();
                dropped.into_iter().any(|index| index.unique)
                    || alteration.columns.iter().any(ColumnChange::disturbs)
            }
        }
    }
}

impl ColumnChange {
    fn disturbs(&self) -> bool {
        match self {
            Self::Add(column) => column.required,
            Self::Constrain { from, to } => to.required && !from.required,
            Self::Rename { .. } | Self::Retype { .. } | Self::Park(_) => true,
        }
    }
}

impl Alteration {
    fn is_empty(&self) -> bool {
        self.columns.is_empty()
            && self.drop_indexes.is_empty()
            && self.create_indexes.is_empty()
            && self.drop_extras.is_empty()
            && self.create_extras.is_empty()
    }
}
