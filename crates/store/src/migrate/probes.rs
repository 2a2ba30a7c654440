//! What to count before a step: what it would take away, and what stands in its way.

use super::convert::convert;
use super::diff::{Alteration, ColumnChange};
use super::schema::{Column, Index, quote};
use super::steps::old_name;
use crate::Engine;

/// A question to the database as it is now.
#[derive(Debug, Clone)]
pub(super) struct Probe {
    /// A query for one number.
    pub(super) count: String,
    pub(super) effect: Effect,
    /// A query for a few texts to show.
    pub(super) examples: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) enum Effect {
    /// As many of these are taken away: `values of film.rating`.
    Loses(String),
    /// Cannot be done while there are any: what, and what to do.
    Blocks(String, String),
}

pub(super) fn column_probes(
    engine: Engine,
    alteration: &Alteration,
    now: &str,
    change: &ColumnChange,
) -> Vec<Probe> {
    let shown = &alteration.to.name;
    let rows = |condition: &str| format!("SELECT count(*) FROM {} WHERE {condition}", quote(now));
    let missing = |count: String, column: &Column| Probe {
        count,
        effect: Effect::Blocks(
            format!("rows of {shown} have no {}, which is required", column.name),
            format!("give {} a `default:`, or fill it first", column.name),
        ),
        examples: None,
    };
    match change {
        ColumnChange::Add(column) if column.required && column.default.is_none() => {
            vec![missing(rows("TRUE"), column)]
        }
        ColumnChange::Park(column) => vec![Probe {
            count: rows(&format!("{} IS NOT NULL", quote(&column.name))),
            effect: Effect::Loses(format!("values of {shown}.{}", column.name)),
            examples: None,
        }],
        ColumnChange::Retype { from, to } => {
            let name = quote(old_name(alteration, &from.name));
            let value = convert(engine, from, to, &name).unwrap_or_else(|| "NULL".to_owned());
            let lost = format!("{name} IS NOT NULL AND ({value}) IS NULL");
            let mut probes = vec![Probe {
                count: rows(&lost),
                effect: Effect::Loses(format!(
                    "values of {shown}.{} that are no {}",
                    to.name, to.key
                )),
                examples: Some(format!(
                    "SELECT DISTINCT CAST({name} AS text) FROM {} WHERE {lost} LIMIT 3",
                    quote(now)
                )),
            }];
            if to.required && to.default.is_none() {
                probes.push(missing(rows(&format!("({value}) IS NULL")), to));
            }
            probes
        }
        ColumnChange::Constrain { from, to }
            if to.required && !from.required && to.default.is_none() =>
        {
            let name = quote(old_name(alteration, &from.name));
            vec![missing(rows(&format!("{name} IS NULL")), to)]
        }
        ColumnChange::Rename { .. } | ColumnChange::Add(_) | ColumnChange::Constrain { .. } => {
            Vec::new()
        }
    }
}

/// Duplicates under each new unique index whose columns all are there already, and the index's name.
pub(super) fn unique_probes(alteration: &Alteration, now: &str) -> Vec<(String, Probe)> {
    let created = alteration.columns.iter().filter_map(|change| match change {
        ColumnChange::Add(column) | ColumnChange::Retype { to: column, .. } => {
            Some(column.name.as_str())
        }
        _ => None,
    });
    let created: Vec<_> = created.collect();
    let uniques = alteration
        .create_indexes
        .iter()
        .filter(|(_, index)| index.unique && !created.iter().any(|name| index.uses(name)));
    let as_now = |text: &str| {
        alteration
            .columns
            .iter()
            .fold(text.to_owned(), |text, change| match change {
                ColumnChange::Rename { from, to } => text.replace(&quote(to), &quote(from)),
                _ => text,
            })
    };
    let probe = |(name, index): (&String, &Index)| {
        let keys: Vec<_> = index.keys.iter().map(|key| as_now(key)).collect();
        let list = keys.join(", ");
        let mut conditions: Vec<_> = keys
            .iter()
            .map(|key| format!("{key} IS NOT NULL"))
            .collect();
        conditions.extend(index.only.as_ref().map(|only| as_now(only)));
        let groups = format!(
            "FROM {} WHERE {} GROUP BY {list} HAVING count(*) > 1",
            quote(now),
            conditions.join(" AND ")
        );
        let texts: Vec<_> = keys
            .iter()
            .map(|key| format!("CAST({key} AS text)"))
            .collect();
        let probe = Probe {
            count: format!("SELECT count(*) FROM (SELECT 1 {groups}) AS found"),
            effect: Effect::Blocks(
                format!(
                    "values of {} stand in more than one row, and are to be unique",
                    index_title(alteration, index)
                ),
                "make them differ first".to_owned(),
            ),
            examples: Some(format!(
                "SELECT {} {groups} LIMIT 3",
                texts.join(" || ', ' || ")
            )),
        };
        (name.clone(), probe)
    };
    uniques.map(probe).collect()
}

pub(super) fn index_title(alteration: &Alteration, index: &Index) -> String {
    let keys: Vec<_> = index.keys.iter().map(|key| key.replace('"', "")).collect();
    format!("{}({})", alteration.to.name, keys.join(", "))
}
