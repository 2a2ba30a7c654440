//! Many new tables on PostgreSQL: in several transactions, since each keeps its locks to its end, one for every table and
//! index, and a server has room for some thousands of them.

use std::ops::Range;

use super::live::Live;
use super::meta;
use super::plan::{Plan, Step};
use super::schema::{Schema, quote};
use crate::Error;

/// Locks of one transaction; PostgreSQL has 6,400 places for those of all, unless it is told otherwise.
const MOST: usize = 2_000;
/// The tables that are being made: whoever finds them noted takes them away, and begins anew.
const KEY: &str = "making";

/// The plan's steps in parts, where it is too much for one transaction; all of them make tables.
pub(super) fn of(plan: &Plan, schema: &Schema) -> Vec<Range<usize>> {
    let locks = |step: &Step| {
        let table = schema.tables.get(&step.table);
        table.map_or(1, |table| {
            let refs = table
                .columns
                .iter()
                .filter(|column| column.refers.is_some());
            2 + table.indexes.len() + 2 * refs.count()
        })
    };
    let mut parts = Vec::new();
    let (mut begin, mut sum) = (0, 0);
    for (at, step) in plan.steps.iter().enumerate() {
        sum += locks(step);
        if sum > MOST && at > begin {
            parts.push(begin..at);
            (begin, sum) = (at, locks(step));
        }
    }
    parts.push(begin..plan.steps.len());
    parts
}

/// Before the first part.
pub(super) async fn note(live: &mut Live, plan: &Plan) -> Result<(), Error> {
    let mut tables: Vec<_> = plan.steps.iter().map(|step| step.table.as_str()).collect();
    tables.dedup();
    meta::put(live, KEY, &tables.join("\n")).await
}

/// With the last part.
pub(super) async fn done(live: &mut Live) -> Result<(), Error> {
    meta::forget(live, KEY).await
}

/// Takes away what a process that was killed had begun to make; nobody has served it.
pub(super) async fn undo(live: &mut Live) -> Result<(), Error> {
    let Some(noted) = meta::get(live, KEY).await? else {
        return Ok(());
    };
    for table in noted.lines() {
        live.run(&format!("DROP TABLE IF EXISTS {} CASCADE", quote(table)))
            .await?;
    }
    meta::forget(live, KEY).await
}
