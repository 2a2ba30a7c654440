//! A plan from the history, the database and the models: changes as steps, each with what it would cost now.

use std::collections::BTreeSet;

use super::diff::{Change, diff};
use super::history::{self, Migration, State};
use super::inspect;
use super::live::Live;
use super::mark::Mark;
use super::plan::{AtStake, Plan, Step, grouped};
use super::probes::Effect;
use super::schema::Schema;
use super::snapshot::{self, Left, Since};
use super::steps::{Draft, drafts};
use crate::Error;

#[derive(Default)]
pub(super) struct Planned {
    pub(super) plan: Plan,
    /// What the plan's snapshot may be told against.
    pub(super) since: Option<Since>,
    /// The plan makes tables, and leaves those that are there as they are.
    pub(super) only_makes: bool,
    /// The last mark says so already, where there is nothing to do.
    pub(super) is_marked: bool,
}

/// By reading every definition.
pub(super) async fn plan(
    live: &mut Live,
    migrations: &[Migration],
    desired: &Schema,
) -> Result<Planned, Error> {
    let found = inspect::inspect(live).await?;
    let mut left = Left::default();
    let mut indexing = false;
    if let Some(last) = history::last(migrations) {
        left = snapshot::left(live, last.id).await?;
        indexing = last.state == State::Indexing;
    }
    let drift = found.of(&left.schema).drift(&left.found, indexing);
    let there = found.0.into_keys().collect();
    draw_up(live, migrations, &left.schema, desired, &there, drift).await
}

/// The same, by the last migration's mark where that tells enough: as at almost every start. `served` may be what the
/// tables are for as yet; then they need not be read.
pub(super) async fn plan_next(
    live: &mut Live,
    migrations: &[Migration],
    desired: &Schema,
    served: Option<Schema>,
) -> Result<Planned, Error> {
    let last = history::last(migrations).filter(|last| last.state == State::Applied);
    let mark = match last {
        Some(last) => Mark::untouched(live)
            .await?
            .filter(|mark| mark.migration == last.id),
        None => None,
    };
    let Some(mark) = mark else {
        return plan(live, migrations, desired).await;
    };
    if mark.version == desired.version() {
        return Ok(Planned {
            is_marked: true,
            ..Planned::default()
        });
    }
    let before = match served {
        Some(served) if served.version() == mark.version => served.settled(),
        _ => snapshot::left(live, mark.migration).await?.schema,
    };
    let there = inspect::names(live).await?;
    let planned = draw_up(live, migrations, &before, desired, &there, Vec::new()).await?;
    let mut kept = before.tables.keys();
    let since = kept
        .all(|name| desired.tables.contains_key(name))
        .then(|| Since {
            migration: mark.migration,
            tables: planned
                .plan
                .steps
                .iter()
                .map(|step| step.table.clone())
                .collect(),
        });
    Ok(Planned { since, ..planned })
}

async fn draw_up(
    live: &mut Live,
    migrations: &[Migration],
    left: &Schema,
    desired: &Schema,
    there: &BTreeSet<String>,
    mut drift: Vec<String>,
) -> Result<Planned, Error> {
    let changes = diff(left, desired);
    for change in &changes {
        if let Change::CreateTable(table) = change
            && there.contains(&table.name)
        {
            drift.push(format!(
                "table {} is there and not of Gantry's making",
                table.name
            ));
        }
    }
    let id = next_id(migrations);
    let mut steps = Vec::new();
    if drift.is_empty() {
        for draft in drafts(live.engine(), id, &changes) {
            steps.push(evaluate(live, draft).await?);
        }
    }
    let name = if changes.is_empty() {
        String::new()
    } else {
        name(id, &changes)
    };
    let makes = |change: &Change| matches!(change, Change::CreateTable(_));
    Ok(Planned {
        plan: Plan {
            name,
            steps,
            drift,
            disturbs: changes.iter().any(Change::disturbs),
        },
        only_makes: changes.iter().all(makes),
        ..Planned::default()
    })
}

pub(super) fn next_id(migrations: &[Migration]) -> u64 {
    migrations.last().map_or(1, |last| last.id + 1)
}

/// `0003_film_add_rating`
fn name(id: u64, changes: &[Change]) -> String {
    let first = match changes.first() {
        None => String::new(),
        Some(Change::CreateTable(table)) => format!("create_{}", table.name),
        Some(Change::ParkTable(table)) => format!("drop_{}", table.name),
        Some(Change::RenameTable { from, to }) => format!("rename_{}_to_{to}", from.name),
        Some(Change::Alter(alteration)) => {
            let table = &alteration.to.name;
            match alteration.columns.first() {
                Some(change) => {
                    let (op, _) = super::ops::of(change, id, &alteration.to);
                    format!("{table}_{}", op.summary().replace(' ', "_"))
                }
                None => format!("{table}_indexes"),
            }
        }
    };
    let parts: usize = changes.iter().map(parts).sum();
    let first: String = first
        .chars()
        .filter(|letter| letter.is_alphanumeric() || *letter == '_')
        .take(80)
        .collect();
    match parts {
        0 | 1 => format!("{id:04}_{first}"),
        more => format!("{id:04}_{first}_and_{}_more", more - 1),
    }
}

fn parts(change: &Change) -> usize {
    match change {
        Change::Alter(alteration) => alteration.columns.len().max(1),
        _ => 1,
    }
}

async fn evaluate(live: &mut Live, draft: Draft) -> Result<Step, Error> {
    let mut lost: Vec<AtStake> = Vec::new();
    let mut blocked = Vec::new();
    for probe in &draft.probes {
        let rows = live.number(&probe.count).await?;
        if rows == 0 {
            continue;
        }
        let examples = match &probe.examples {
            Some(sql) => live
                .rows(sql, &[])
                .await?
                .into_iter()
                .flatten()
                .flatten()
                .collect(),
            None => Vec::new(),
        };
        let such_as = if examples.is_empty() {
            String::new()
        } else {
            format!(" (such as {})", examples.join("; "))
        };
        match &probe.effect {
            Effect::Loses(what) => lost.push(AtStake {
                what: format!("{what}{such_as}"),
                rows,
            }),
            Effect::Blocks(what, hint) => {
                blocked.push(format!("{} {what}{such_as}: {hint}", grouped(rows)));
            }
        }
    }
    let destructive = (!lost.is_empty()).then(|| AtStake {
        rows: lost.iter().map(|stake| stake.rows).sum(),
        what: match &lost[..] {
            [one] => one.what.clone(),
            several => {
                let texts: Vec<_> = several.iter().map(AtStake::to_string).collect();
                format!("in all: {}", texts.join(", "))
            }
        },
    });
    Ok(Step {
        table: draft.table,
        summary: draft.summary,
        sql: draft.up,
        down: draft.down,
        destructive,
        blocked: (!blocked.is_empty()).then(|| blocked.join("; ")),
        concurrent: draft.concurrent,
    })
}
