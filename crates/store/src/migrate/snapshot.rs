//! What each migration left, as text: the tables and how they were found. Megabytes where there are many models, so a
//! migration that changed a few of them tells those alone, and before which migration the others are to be looked up.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::history::{broken, column};
use super::inspect::{self, Found};
use super::live::Live;
use super::schema::Schema;
use crate::Error;

/// So many may build on one another until one tells everything again.
const DEEPEST: u64 = 16;

/// What a migration left.
#[derive(Default)]
pub(super) struct Left {
    pub(super) schema: Schema,
    pub(super) found: Found,
}

/// Nothing but these tables was changed since that migration, and none was taken away.
pub(super) struct Since {
    pub(super) migration: u64,
    pub(super) tables: BTreeSet<String>,
}

/// Of a database that is as the models want it.
pub(super) async fn of(
    live: &mut Live,
    schema: &Schema,
    since: Option<&Since>,
) -> Result<String, Error> {
    let mut out = b"{".to_vec();
    let depth = match since {
        Some(since) => depth(live, since.migration).await? + 1,
        None => 0,
    };
    let part = match since {
        Some(since) if depth <= DEEPEST => {
            let head = format!("\"since\":{},\"depth\":{depth},", since.migration);
            out.extend_from_slice(head.as_bytes());
            let found = inspect::some(live, &since.tables).await?;
            Some((schema.only(&since.tables), found))
        }
        _ => None,
    };
    let (schema, found) = match &part {
        Some((schema, found)) => (schema, found),
        None => (schema, &inspect::inspect(live).await?),
    };
    out.extend_from_slice(b"\"tables\":");
    schema.write_json(&mut out);
    out.extend_from_slice(b",\"found\":");
    found.write_json(schema, &mut out);
    out.push(b'}');
    String::from_utf8(out).map_err(|_| Error::Internal("JSON is UTF-8".to_owned()))
}

/// How many others it builds on; told at its beginning, so that the rest need not be read.
async fn depth(live: &mut Live, migration: u64) -> Result<u64, Error> {
    let head = column(live, "substr(snapshot, 1, 60)", migration).await?;
    let depth = head.split_once("\"depth\":").map(|(_, rest)| rest);
    let depth = depth.and_then(|rest| rest.split(',').next()?.parse().ok());
    Ok(depth.unwrap_or(0))
}

/// What that migration left, whatever others it was told against.
pub(super) async fn left(live: &mut Live, migration: u64) -> Result<Left, Error> {
    let mut tables = BTreeMap::new();
    let mut left = Left::default();
    let mut next = Some(migration);
    while let Some(migration) = next {
        let text = column(live, "snapshot", migration).await?;
        let told: Json = serde_json::from_str(&text).map_err(|_| broken())?;
        next = told["since"].as_u64().filter(|since| *since < migration);
        let schema = Schema::from_json(&told["tables"]).ok_or_else(broken)?;
        let found = Found::from_json(&told["found"]);
        // What a later one told stands.
        for (name, table) in schema.tables {
            tables.entry(name).or_insert(table);
        }
        for (name, objects) in found.0 {
            left.found.0.entry(name).or_insert(objects);
        }
    }
    left.schema.tables = tables;
    Ok(left)
}
